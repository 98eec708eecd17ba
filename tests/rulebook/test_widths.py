"""What may overflow in an engine of fixed width is refused when the rule is loaded."""

from typing import Any

import pytest

from services.rulebook import Fact, RuleError, Vocabulary, compile_programme, load_programme

BIG = 10**18
VOCABULARY = Vocabulary(
    [
        Fact("a_fen", "year", "int", "fen", low=0, high=BIG),
        Fact("b_fen", "year", "int", "fen", low=-BIG, high=BIG),
        Fact("c_fen", "day", "int", "fen"),
        Fact("n_count", "day", "int", low=1, high=9),
        Fact("is_on", "day", "bool"),
    ]
)


def refused(**changed: Any) -> list[Any]:
    data = {
        "id": "draft",
        "title": "草案",
        "eligibility": [{"id": "on", "says": "是", "when": "is_on"}],
        **changed,
    }
    try:
        compile_programme(load_programme(data), VOCABULARY, where="m.yaml")
    except RuleError as error:
        return list(error.issues)
    return []


def condition(text: str) -> dict[str, Any]:
    return {"eligibility": [{"id": "c", "says": "是", "when": text}]}


@pytest.mark.parametrize(
    "text",
    [
        "a_fen * b_fen > 0",
        "a_fen * b_fen * 99 > 0",
        "c_fen * c_fen > 1",
        "a_fen / prior(a_fen, 1) > 10 / 100",
        "growth(a_fen, 1) > growth(b_fen, 1) OR is_on",
        "LEAST(a_fen / n_count, b_fen / 7) < 5",
        "n_count * n_count * n_count * a_fen * 1000 > b_fen",
    ],
)
def test_what_fits_by_its_bounds_loads(text: str) -> None:
    changed = condition(text)
    assert refused(**changed) == []


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        ("a_fen * b_fen * 101 > 0", ("a_fen * b_fen", "101")),
        ("a_fen * b_fen * c_fen > 0", ("c_fen",)),
        ("c_fen * c_fen + c_fen * c_fen > 0", ("c_fen * c_fen",)),
        ("c_fen * 1000 * b_fen > 0", ("c_fen", "b_fen")),
        ("sum_years(b_fen, 2) * b_fen * 51 < 1", ("sum_years(b_fen, 2)",)),
        ("a_fen / b_fen > c_fen / prior(a_fen, 1) * n_count * 9", ("a_fen / b_fen",)),
        (
            "CASE WHEN is_on THEN a_fen / b_fen ELSE c_fen * c_fen / b_fen END > 1",
            ("a_fen / b_fen",),
        ),
    ],
)
def test_what_may_overflow_is_refused_with_its_operands(
    text: str, operands: tuple[str, ...]
) -> None:
    changed = condition(text)
    (issue,) = refused(**changed)
    assert (issue.code, issue.pointer, issue.where) == ("overflow", "/eligibility/0/when", "m.yaml")
    assert issue.expression == text
    assert all(operand in issue.found for operand in operands)
    assert "38 digits" in issue.allowed
    assert text in str(issue)


def test_the_refusal_tells_the_ranges() -> None:
    (issue,) = refused(amount="a_fen * b_fen * 101")
    assert f"{-(BIG**2)} to {BIG**2}" in issue.found


@pytest.mark.parametrize(
    ("declared", "fits"),
    [
        ({"unit": "bp"}, True),
        ({"unit": "bp", "high": 10**9}, False),
        ({"unit": "bp", "low": 0, "high": 10**9}, False),
        ({"unit": "fen"}, False),
        ({"unit": "fen", "high": 100}, True),
        ({"unit": "bp", "value": 10**8}, False),
    ],
)
def test_a_parameter_counts_with_its_bounds(declared: dict[str, Any], *, fits: bool) -> None:
    issues = refused(amount="a_fen * 10000000000000 * :p / 10000", parameters={"p": declared})
    assert (issues == []) is fits


@pytest.mark.parametrize(
    "declared", [{"unit": "bp", "low": 5, "high": 4}, {"unit": "bp", "value": 5, "high": 4}]
)
def test_a_number_outside_its_own_bounds_does_not_load(declared: dict[str, Any]) -> None:
    issues = refused(amount=":p", parameters={"p": declared})
    assert [(i.pointer, i.code) for i in issues] == [("/parameters/p", "bad-value")]


def test_a_part_of_a_score_is_looked_at_too() -> None:
    part = {
        "id": "growth", "says": "增长", "max": 5, "of": "c_fen * c_fen / a_fen",
        "bands": [{"at_least": "1/100", "points": 5}, {"otherwise": 0}],
    }  # fmt: skip
    (issue,) = refused(score={"says": "得分", "parts": [part]})
    assert (issue.code, issue.pointer) == ("overflow", "/score/parts/0")


def test_a_rule_frozen_before_bounds_were_asked_for_still_loads() -> None:
    assert refused(amount="c_fen * c_fen * c_fen", language="1.0") == []
    assert [issue.code for issue in refused(amount="c_fen * c_fen * c_fen")] == ["overflow"]
