"""What a reader is told is in his language, whatever the rule language hints."""

import re

import pytest

from services.kernel.errors import Conflict, Invalid
from services.policy.parameters.rules import ParameterEvent, ParameterState, move, require_value
from services.policy.plan.actions.load_library import library
from services.policy.wording import in_chinese, in_english


@pytest.mark.parametrize(
    ("hint", "chinese"),
    [
        ("int", "应为整数"),
        ("0 to 9", "允许0至9"),
        ("did you mean revenue_fen?", "是否指revenue_fen？"),
        ("a list of ids", "应为标识的列表"),
        ("one value, as of the day", "应为当日的一个值"),
        ("at most 20 levels", "不超过20"),
        ("1 to 50 values", "应有1至50个值"),
        ("a bool", "应为真假值"),
        ("at most 30", "不超过30"),
        ("shares of 10000 bp together", "各期share_bp之和须为10000"),
        ("an exact number: 5, 35/100 or 35%", "应为精确的数，写作5、35/100或35%"),
        ("prior(fact, n) with n from 1 to 10", "写作prior(fact, n)，n为1至10"),
        ("GREATEST(a, b)", "写作GREATEST(a, b)"),
        ("1.0", "应为1.0"),
        ("Input should be a valid string", ""),
    ],
)
def test_a_hint_in_chinese(hint: str, chinese: str) -> None:
    assert in_chinese(hint) == chinese


def test_a_hint_in_english_names_no_code() -> None:
    assert in_english("int") == "a whole number"
    assert in_english("0 to 9") == "0 to 9"


def test_a_decided_proposal_is_named_in_words() -> None:
    with pytest.raises(Conflict) as refused:
        move(ParameterState.APPROVED, ParameterEvent.REJECT)
    assert refused.value.zh == "参数提案处于“已批准”状态，不能驳回；可办理：无。"
    assert not re.search("[一-鿿]", refused.value.en)


@pytest.mark.parametrize("parameter", sorted(library().parameters))
@pytest.mark.parametrize("value", ["x", -1])
def test_a_value_is_refused_in_words(parameter: str, value: object) -> None:
    with pytest.raises(Invalid) as refused:
        require_value(library().parameters[parameter], value)
    (field,) = refused.value.errors
    assert not re.search("[A-Za-z]", field.zh)
