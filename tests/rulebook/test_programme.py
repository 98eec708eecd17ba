"""A programme loads as it is written, or every fault in it is named with its place."""

from copy import deepcopy
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.rulebook import (
    LANGUAGE_VERSION,
    Fact,
    RuleError,
    Vocabulary,
    compile_programme,
    load_programme,
)
from tests.rulebook.builders import VOCABULARY

CONDITION = {"id": "listed", "says": "上市企业", "when": "is_listed"}
DRAFT: dict[str, Any] = {"id": "draft", "title": "草案", "eligibility": [CONDITION]}
WHOLE: dict[str, Any] = {
    "id": "rd-matching",
    "title": "研发投入配套补助",
    "english": "Matching of R&D subsidies",
    "measure": 27,
    "beneficiary": "firm",
    "kind": "award",
    "departments": {"lead": "科技局", "support": ["财政局", "统计局"]},
    "eligibility": [
        {**CONDITION, "source": "第二十七条", "english": "a listed firm"},
        {"id": "ahead", "says": "国际先进", "manual": True, "flag": "expert-check"},
    ],
    "amount": 5_000,
    "amount_kind": "ceiling",
    "parameters": {
        "rate_bp": "bp",
        "cap_fen": {"unit": "fen", "value": 3, "title": "上限", "english": "cap"},
    },
    "relation": "tops-up",
    "stacking_group": "rd",
    "matter": "project",
    "notice_days": 5,
    "source": "对于规上企业……按一定比例给予配套补助。",
    "version": "cixi-2025-2027",
    "language": "1.0",
    "examples": [
        {
            "name": "A listed firm",
            "day": date(2026, 11, 23),
            "year": 2024,
            "given": {"is_listed": True},
            "parameters": {"rate_bp": 3},
            "history": [],
            "expect": {"outcome": "eligible", "conditions": {"listed": True}},
        }
    ],
}


def test_a_whole_programme_loads() -> None:
    programme = load_programme(WHOLE)

    assert programme.departments is not None
    assert programme.departments.support == ("财政局", "统计局")
    assert programme.amount == "5000"
    assert programme.parameters["rate_bp"].unit == "bp"
    assert programme.parameters["rate_bp"].value is None
    assert programme.parameters["cap_fen"].value == 3
    assert programme.examples[0].expect.conditions == {"listed": "true"}
    assert compile_programme(programme, VOCABULARY).programme is programme


def test_a_draft_needs_no_more_than_id_title_and_a_condition() -> None:
    programme = load_programme(DRAFT)

    assert programme.beneficiary == "firm"
    assert programme.measure is None
    assert programme.relation == "competes"
    assert programme.notice_days is None
    assert programme.language == LANGUAGE_VERSION


def test_the_day_of_an_example_may_be_text() -> None:
    example = {**WHOLE["examples"][0], "day": "2026-11-23"}

    assert load_programme({**WHOLE, "examples": [example]}).examples[0].day == date(2026, 11, 23)


def _changed(path: str, value: Any) -> dict[str, Any]:
    """Copy the whole programme with one value changed, or one key added."""
    copy: Any = deepcopy(WHOLE)
    *steps, last = path.split("/")
    part = copy
    for step in steps:
        part = part[int(step) if step.isdigit() else step]
    part[last] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("titel", "x", "unknown-key"),
        ("eligibility/0/wenn", "x", "unknown-key"),
        ("departments/lad", "x", "unknown-key"),
        ("parameters/cap_fen/max", 3, "unknown-key"),
        ("examples/0/on", "2026-01-01", "unknown-key"),
        ("examples/0/expect/eligible", True, "unknown-key"),
        ("id", "Rd Matching", "bad-value"),
        ("id", 7, "bad-value"),
        ("title", "", "bad-value"),
        ("measure", 0, "bad-value"),
        ("measure", "27", "bad-value"),
        ("measure", True, "bad-value"),
        ("amount_kind", "about", "bad-value"),
        ("amount", 1.5, "bad-value"),
        ("amount", "", "bad-value"),
        ("relation", "adds", "bad-value"),
        ("notice_days", -1, "bad-value"),
        ("notice_days", 1.0, "bad-value"),
        ("eligibility", [], "bad-value"),
        ("eligibility", [CONDITION] * 61, "too-large"),
        ("eligibility/0/when", True, "constant-condition"),
        ("eligibility/0/when", None, "missing-key"),
        ("eligibility/0/manual", True, "missing-key"),
        ("eligibility/0/manual", "yes", "bad-value"),
        ("eligibility/1/id", "listed", "duplicate"),
        ("parameters/cap_fen/value", 1.5, "bad-value"),
        ("parameters/cap_fen/value", True, "bad-value"),
        ("parameters/Rate", "bp", "bad-value"),
        ("language", "2.0", "language-version"),
        ("examples/0/day", datetime(2026, 1, 1, tzinfo=UTC), "bad-value"),
        ("examples/0/day", 0, "bad-value"),
        ("examples/0/day", "2026-1-1", "bad-value"),
        ("examples/0/expect", {}, "missing-key"),
        ("examples/0/expect/conditions/listd", True, "unknown-id"),
        ("examples/0/expect/outcome", "yes", "bad-value"),
    ],
)  # fmt: skip
def test_a_programme_with_a_fault_does_not_load(path: str, value: Any, code: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_programme(_changed(path, value), where="measures/m27.yaml")

    issues = caught.value.issues
    assert issues[0].code == code
    assert issues[0].where == "measures/m27.yaml"
    expected = "/" + path.removesuffix("/when").removesuffix("/manual").removesuffix("/Rate")
    assert issues[0].pointer.startswith(expected)


@pytest.mark.parametrize("key", ["id", "title", "eligibility"])
def test_a_missing_key_is_named(key: str) -> None:
    with pytest.raises(RuleError) as caught:
        load_programme({name: value for name, value in DRAFT.items() if name != key})

    (issue,) = caught.value.issues
    assert (issue.code, issue.pointer) == ("missing-key", f"/{key}")


def test_an_unknown_key_names_the_nearest_and_all_that_are_allowed() -> None:
    with pytest.raises(RuleError) as caught:
        load_programme(_changed("eligibility/0/wenn", "x"))

    (issue,) = caught.value.issues
    assert issue.pointer == "/eligibility/0/wenn"
    assert issue.allowed == ("did you mean when? Allowed: id says when manual flag source english")


def test_every_faulty_expression_is_named_with_its_place() -> None:
    faulty = load_programme(
        {
            **DRAFT,
            "eligibility": [
                {**CONDITION, "when": "is_lsted"},
                {**CONDITION, "id": "other"},
                {**CONDITION, "id": "constant", "when": "true"},
            ],
            "amount": "revenue_fen * :rate_bp",
        }
    )

    with pytest.raises(RuleError) as caught:
        compile_programme(faulty, VOCABULARY, where="measures/m27.yaml#draft")

    assert [(issue.code, issue.pointer) for issue in caught.value.issues] == [
        ("unknown-fact", "/eligibility/0/when"),
        ("constant-condition", "/eligibility/2/when"),
        ("unknown-parameter", "/amount"),
    ]
    assert str(caught.value).splitlines()[0] == (
        "measures/m27.yaml#draft/eligibility/0/when: No fact of this name is registered "
        "[unknown-fact]; expression: is_lsted; found: is_lsted; allowed: did you mean is_listed?"
    )


def test_ids_are_checked_where_the_vocabulary_knows_them() -> None:
    known = Vocabulary(
        VOCABULARY.values(),
        recognitions=["little-giant"],
        lists=["ningbo-rd-post-subsidy"],
        programmes=["large-strong"],
    )
    right = "holds('little-giant') AND on_list('ningbo-rd-post-subsidy')"
    compile_programme(
        load_programme({**DRAFT, "eligibility": [{**CONDITION, "when": right}]}), known
    )

    for wrong, nearest in [
        ("holds('litle-giant')", "little-giant"),
        ("grade('giant') = '3'", "little-giant"),
        ("on_list('ningbo-rd')", "ningbo-rd-post-subsidy"),
        ("once_ever('large')", "large-strong"),
    ]:
        draft = load_programme({**DRAFT, "eligibility": [{**CONDITION, "when": wrong}]})
        with pytest.raises(RuleError) as caught:
            compile_programme(draft, known)
        assert caught.value.issues[0].code == "unknown-id"
        assert caught.value.issues[0].allowed == f"did you mean {nearest}?"


@pytest.mark.parametrize(
    "fact",
    [
        {"name": "Revenue", "period": "year", "type": "int"},
        {"name": "date", "period": "day", "type": "date"},
        {"name": "prior", "period": "year", "type": "int"},
        {"name": "a b", "period": "day", "type": "int"},
        {"name": "a", "period": "month", "type": "int"},
        {"name": "a", "period": "day", "type": "float"},
        {"name": "a", "period": "year", "type": "bool"},
        {"name": "a", "period": "day", "type": "bool", "low": 0},
        {"name": "a", "period": "day", "type": "int", "low": 2, "high": 1},
    ],
)
def test_a_fact_that_the_language_cannot_carry_is_refused(fact: dict[str, Any]) -> None:
    with pytest.raises(RuleError):
        Fact(**fact)


def test_a_fact_that_is_named_twice_is_refused() -> None:
    fact = Fact("staff_count", "year", "int")

    with pytest.raises(RuleError):
        Vocabulary([fact, fact])
