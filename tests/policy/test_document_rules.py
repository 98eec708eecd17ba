"""What documents rest on, on plain values: amounts in capitals, masked names, codes, validity."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.kernel.errors import Conflict, Forbidden, NotFound
from services.kernel.ids import new_id
from services.kernel.problems import refusal_from_validation
from services.policy.cases.rules import CaseState
from services.policy.documents import rules
from services.policy.documents.rules import (
    CASES_OF,
    NEXT,
    DocumentEvent,
    DocumentKind,
    DocumentState,
    Validity,
)
from services.policy.documents.schemas import NewDocument

YI = 10**10  # 亿元, in fen
CAPITALS = [
    (0, "零元整"),
    (1, "壹分"),
    (10, "壹角整"),
    (11, "壹角壹分"),
    (100, "壹元整"),
    (101, "壹元零壹分"),
    (110, "壹元壹角整"),
    (1_000, "壹拾元整"),
    (1_001, "壹拾元零壹分"),
    (10_005, "壹佰元零伍分"),
    (32_504, "叁佰贰拾伍元零肆分"),
    (100_500, "壹仟零伍元整"),
    (140_950, "壹仟肆佰零玖元伍角整"),
    (600_714, "陆仟零柒元壹角肆分"),
    (1_000_000, "壹万元整"),
    (1_000_500, "壹万零伍元整"),
    (1_640_902, "壹万陆仟肆佰零玖元零贰分"),
    (10_000_000, "壹拾万元整"),
    (10_700_053, "壹拾万柒仟元伍角叁分"),
    (12_250_000, "壹拾贰万贰仟伍佰元整"),
    (100_000_000, "壹佰万元整"),
    (100_100_000, "壹佰万壹仟元整"),  # 万位为零而千位不为零时，可以不写“零”
    (YI, "壹亿元整"),
    (YI + 500, "壹亿零伍元整"),
    (YI + 5_000_000, "壹亿零伍万元整"),
    (YI + 5_000_500, "壹亿零伍万零伍元整"),
    (YI + 1_000_000_000, "壹亿壹仟万元整"),
    (12 * YI + 34_567_890_12, "壹拾贰亿叁仟肆佰伍拾陆万柒仟捌佰玖拾元壹角贰分"),
    (10_000 * YI, "壹万亿元整"),
    (10_000 * YI + 100, "壹万亿零壹元整"),
]


@pytest.mark.parametrize(("fen", "words"), CAPITALS, ids=[str(fen) for fen, _ in CAPITALS])
def test_an_amount_is_written_in_capitals(fen: int, words: str) -> None:
    assert rules.capital_amount(fen) == words


@given(st.integers(0, rules.FEN_MAX))
def test_an_amount_in_capitals_is_read_back_to_the_fen(fen: int) -> None:
    words = rules.capital_amount(fen)

    assert read_capitals(words) == fen
    assert "零零" not in words
    assert words.endswith("整") == (fen % 10 == 0)


@pytest.mark.parametrize("fen", [-1, rules.FEN_MAX + 1])
def test_an_amount_outside_the_words_is_refused(fen: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        rules.capital_amount(fen)


def read_capitals(words: str) -> int:
    """Read an amount as a teller would: place by place, without our way of writing it."""
    yuan, _, rest = words.removesuffix("整").rpartition("元")
    tenths = re.search(f"([{rules.DIGITS}])角", rest)
    hundredths = re.search(f"([{rules.DIGITS}])分", rest)
    digit = {sign: number for number, sign in enumerate(rules.DIGITS)}
    fen = 10 * digit[tenths[1]] if tenths else 0
    return 100 * _whole(yuan, digit) + fen + (digit[hundredths[1]] if hundredths else 0)


def _whole(words: str, digit: dict[str, int]) -> int:
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        high, found, low = words.rpartition(unit) if unit == "亿" else words.partition(unit)
        if found:
            return _whole(high, digit) * size + _whole(low, digit)
    total, held = 0, 0
    for sign in words:
        if sign in digit:
            held = digit[sign]
        else:
            total += held * {"拾": 10, "佰": 100, "仟": 1000}[sign]
            held = 0
    return total + held


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0.00"), (5, "0.05"), (123_456_789, "1,234,567.89"), (-150, "-1.50")]
)
def test_an_amount_is_written_in_yuan(fen: int, text: str) -> None:
    assert rules.yuan(fen) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("王五", "王*"),
        ("欧阳一一", "欧***"),
        ("慈溪市示范智能家电有限公司", "慈溪***公司"),
    ],
)
def test_a_name_is_masked(name: str, shown: str) -> None:
    assert rules.masked_name(name) == shown


def test_a_code_is_read_however_it_is_written() -> None:
    code = "ABCDE23456FGHJK78901"

    assert rules.grouped_code(code) == "ABCDE-23456-FGHJK-78901"
    assert rules.plain_code(" abcde-23456-fghjk 78901") == code


@pytest.mark.parametrize("text", ["", "ABCDE", "ABCDE23456FGHJK7890U", "A" * 21])
def test_what_cannot_be_a_code_is_an_unknown_code(text: str) -> None:
    with pytest.raises(NotFound) as refused:
        rules.plain_code(text)
    assert refused.value.code == "verification-code-unknown"


@pytest.mark.parametrize("state", DocumentState)
@pytest.mark.parametrize("event", DocumentEvent)
def test_a_document_moves_along_the_table_only(state: DocumentState, event: DocumentEvent) -> None:
    allowed = {
        (DocumentState.DRAFT, DocumentEvent.ISSUE): DocumentState.ISSUED,
        (DocumentState.DRAFT, DocumentEvent.WITHDRAW): DocumentState.WITHDRAWN,
        (DocumentState.ISSUED, DocumentEvent.WITHDRAW): DocumentState.WITHDRAWN,
    }
    assert set(NEXT) == set(DocumentState)
    if (state, event) in allowed:
        assert rules.move(state, event) is allowed[state, event]
        return
    with pytest.raises(Conflict) as refused:
        rules.move(state, event)
    assert refused.value.code == "event-not-allowed"
    # It names the state and what it allows.
    assert rules.STATE_NAMES[state][0] in refused.value.zh
    names = [rules.EVENT_NAMES[each][1] for of, each in allowed if of is state]
    assert refused.value.en.endswith(f"allowed: {', '.join(names) or 'none'}.")


def test_who_drafted_does_not_issue() -> None:
    rules.require_other_person("one", "another")
    with pytest.raises(Forbidden) as refused:
        rules.require_other_person("one", "one")
    assert refused.value.code == "four-eyes"


@pytest.mark.parametrize("kind", DocumentKind)
@pytest.mark.parametrize("state", CaseState)
def test_a_document_needs_a_case_whose_decision_stands(
    kind: DocumentKind, state: CaseState
) -> None:
    if state in CASES_OF[kind]:
        rules.require_case_state(kind, state)
        return
    with pytest.raises(Conflict) as refused:
        rules.require_case_state(kind, state)
    assert refused.value.code == "case-not-decided"


APPROVED, REVOKED = CaseState.CLOSED, CaseState.REVOKED
ISSUED, WITHDRAWN = DocumentState.ISSUED, DocumentState.WITHDRAWN


@pytest.mark.parametrize(
    ("state", "kind", "cases", "replaced", "worth"),
    [
        (ISSUED, DocumentKind.APPROVAL, [APPROVED], False, Validity.VALID),
        (ISSUED, DocumentKind.APPROVAL, [REVOKED], False, Validity.REVOKED),
        (ISSUED, DocumentKind.REVOCATION, [REVOKED], False, Validity.VALID),
        (ISSUED, DocumentKind.PAYMENT, [APPROVED, REVOKED], False, Validity.PARTLY_REVOKED),
        (ISSUED, DocumentKind.PAYMENT, [REVOKED, REVOKED], False, Validity.REVOKED),
        (WITHDRAWN, DocumentKind.PAYMENT, [APPROVED], False, Validity.WITHDRAWN),
        (WITHDRAWN, DocumentKind.PAYMENT, [APPROVED], True, Validity.REPLACED),
    ],
)
def test_validity_follows_the_document_and_its_cases(
    state: DocumentState,
    kind: DocumentKind,
    cases: list[CaseState],
    replaced: bool,  # noqa: FBT001  a column of the table
    worth: Validity,
) -> None:
    assert rules.validity(state, kind, cases, is_replaced=replaced) is worth


@pytest.mark.parametrize(
    "number", ["12号", "慈经信资〔2026〕012号", "慈经信资[2026]12号", "慈经信资〔2026〕12号\n"]
)
def test_a_number_that_is_written_otherwise_is_told_how_offices_write_it(number: str) -> None:
    sent = {"kind": "payment", "number": number, "cases": [{"case": str(new_id())}]}
    with pytest.raises(ValidationError) as refused:
        NewDocument.model_validate(sent)
    said = refusal_from_validation(
        [{**e, "loc": ("body", *e["loc"])} for e in refused.value.errors()]
    )
    (error,) = said.errors
    assert (error.pointer, error.code) == ("/number", "number-form")
    assert "慈经信资〔2026〕12号" in error.zh
    assert NewDocument.model_validate({**sent, "number": "慈经信资〔2026〕12号"})
