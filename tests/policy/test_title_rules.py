"""What a case without money rests on, and the title that follows: terms, grades, checks."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.enterprise.contract.events import HeldRecognition
from services.kernel.errors import Conflict, Invalid
from services.policy.cases.rules import (
    NEXT,
    WITHOUT_MONEY,
    CaseState,
    SystemEvent,
)
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.titles.rules import (
    ANSWERS,
    TITLE_STATE_NAMES,
    TitleState,
    grant_of,
    last_day,
    reassessed,
    require_grantable,
    require_known_checks,
    require_noticed,
    title_faults,
)
from services.rulebook import Programme, RuleError, load_programme, read_situation

STARS = "three-star-green-factory"
LEADER = "chain-leader-recognition"
ON = date(2026, 11, 23)
ELIGIBLE: dict[str, Any] = {
    "green_factory_score": 75,
    "per_mu_class": "B",
    "had_major_incident_3y": False,
}


def programme(name: str) -> PlanProgramme:
    return library().programmes[name]


def answer(name: str, facts: dict[str, Any]) -> Any:
    known = library().vocabulary
    situation = read_situation(on=ON, facts=facts, vocabulary=known)
    return programme(name).compiled.assess(situation)


@pytest.mark.parametrize(
    ("first", "months", "last"),
    [
        (date(2026, 11, 23), None, None),
        (date(2026, 11, 23), 36, date(2029, 11, 22)),
        (date(2026, 1, 1), 12, date(2026, 12, 31)),
        (date(2026, 12, 1), 1, date(2026, 12, 31)),
        (date(2026, 12, 31), 1, date(2027, 1, 30)),
        # A month that is shorter ends the term on its last day.
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 1, 29), 13, date(2028, 2, 28)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2028, 2, 29), 48, date(2032, 2, 28)),
    ],
)
def test_a_term_of_months_ends_on_the_day_before(
    first: date, months: int | None, last: date | None
) -> None:
    assert last_day(first, months) == last


def test_a_grant_has_the_grade_of_the_plan_and_no_end_that_nobody_set() -> None:
    unset = grant_of(programme(STARS), {"validity_months": None}, issuer="局", document="文", on=ON)
    assert unset is not None
    assert (unset.recognition, unset.grade, unset.valid_to) == ("green-factory-star", "3", None)
    known = grant_of(programme(STARS), {"validity_months": 24}, issuer="局", document="文", on=ON)
    assert known is not None
    assert (known.valid_from, known.valid_to) == (ON, date(2028, 11, 22))
    assert grant_of(programme("digital-growth"), {}, issuer="局", document="文", on=ON) is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (ELIGIBLE, None),
        ({**ELIGIBLE, "per_mu_class": "C"}, "not-eligible"),
        ({**ELIGIBLE, "green_factory_score": 74, "is_water_saving": False,
          "clean_production_accepted_3y": False}, "not-eligible"),
        ({"green_factory_score": 75, "per_mu_class": "B"}, "facts-unknown"),
        ({}, "facts-unknown"),
    ],
)  # fmt: skip
def test_a_title_is_proposed_where_no_condition_is_open(
    facts: dict[str, Any], code: str | None
) -> None:
    found = answer(STARS, facts)
    if code is None:
        require_grantable(found, programme(STARS), [])
        return
    with pytest.raises(Conflict) as refused:
        require_grantable(found, programme(STARS), [])
    assert refused.value.code == code


def test_what_only_people_can_judge_is_named_by_the_reviewer() -> None:
    found = answer(LEADER, {"future_industry": "humanoid-robots"})
    manual = [each.id for each in programme(LEADER).compiled.programme.conditions if each.manual]
    assert manual == ["leads-chain"]
    assert found.outcome == "eligible"
    with pytest.raises(Conflict) as refused:
        require_grantable(found, programme(LEADER), [])
    assert refused.value.code == "manual-check-needed"
    require_grantable(found, programme(LEADER), manual)
    require_known_checks(programme(LEADER), manual)
    with pytest.raises(Invalid) as unknown:
        require_known_checks(programme(LEADER), ["never"])
    assert unknown.value.code == "condition-unknown"


def test_where_only_people_judge_an_unknown_answer_is_no_bar() -> None:
    name = "five-star-green-factory-recommendation"
    found = answer(name, {})
    assert found.outcome == "unknown"
    with pytest.raises(Conflict) as refused:
        require_grantable(found, programme(name), [])
    assert refused.value.code == "manual-check-needed"
    require_grantable(found, programme(name), ["upper-criteria"])


def test_what_is_to_be_noticed_is_noticed_first() -> None:
    require_noticed(0, is_listed=False)
    require_noticed(5, is_listed=True)
    with pytest.raises(Conflict) as refused:
        require_noticed(5, is_listed=False)
    assert refused.value.code == "notice-first"


def held(**changes: Any) -> HeldRecognition:
    return HeldRecognition.model_validate(
        {
            "id": uuid4(), "recognition": "green-factory-star", "grade": "3",
            "valid_from": "2023-06-01", "valid_to": "2026-05-31", **changes,
        }
    )  # fmt: skip


def test_the_latest_title_of_the_grade_is_assessed_anew() -> None:
    old, late = held(), held(valid_from="2024-06-01", valid_to="2027-05-31")
    others = [
        held(grade="4", valid_from="2026-01-01", valid_to=None),
        held(recognition="quality-award", valid_from="2026-01-01"),
        held(valid_from="2026-02-01", revoked_on="2026-03-01"),
        held(valid_from="2026-11-24", valid_to=None),
        held(id=None, valid_from="2026-11-01"),
    ]
    found = reassessed(programme(STARS), [late, old, *others], ON)
    assert found is not None
    assert found["record"] == str(late.id)
    # One that has ended is assessed anew, too.
    ended = reassessed(programme(STARS), [old], ON)
    assert ended is not None
    assert (ended["record"], ended["valid_to"]) == (str(old.id), "2026-05-31")
    assert reassessed(programme(STARS), others, ON) is None
    assert reassessed(programme("digital-growth"), [late], ON) is None


def drafted(**changes: Any) -> Programme:
    said: dict[str, Any] = {
        "id": "draft", "title": "草案", "kind": "recognition",
        "eligibility": [{"id": "any", "says": "人工", "manual": True}], **changes,
    }  # fmt: skip
    return load_programme(said)


GRANTS = {"recognition": "chain-leader", "validity": {"months": 36}}


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({}, []),
        ({"grants": GRANTS}, []),
        ({"grants": {**GRANTS, "recognition": "chain-leder"}}, ["/grants/recognition"]),
        ({"grants": GRANTS, "beneficiary": "facility"}, ["/grants"]),
        ({"kind": "recommendation"}, ["/recommends"]),
        ({"recommends": {"levels": ["national"]}}, ["/recommends"]),
        ({"kind": "recommendation", "recommends": {"levels": ["national"]}}, []),
        ({"kind": "recommendation", "recommends": {"levels": ["national"]}, "grants": GRANTS},
         ["/grants"]),
        ({"kind": "recommendation", "beneficiary": "facility",
          "recommends": {"levels": ["ningbo"], "recognition": "never"}},
         ["/recommends/recognition"]),
    ],
)  # fmt: skip
def test_a_plan_that_misnames_its_titles_is_told_where(
    changes: dict[str, Any], pointers: list[str]
) -> None:
    found = list(title_faults(drafted(**changes), library().recognitions.keys()))
    assert [pointer for pointer, _, _ in found] == pointers


@pytest.mark.parametrize(
    "changes",
    [
        {"grants": {"recognition": "chain-leader"}},
        {"grants": {**GRANTS, "validity": {"months": 0}}},
        {"grants": {**GRANTS, "validity": {"months": 601}}},
        {"grants": {**GRANTS, "validity": {}}},
        {"grants": {**GRANTS, "validity": {"months": 1, "parameter": "term"}}},
        {"grants": {**GRANTS, "validity": {"parameter": "term"}}},
        {"recommends": {"levels": []}},
        {"recommends": {"levels": ["cixi"]}},
        {"recommends": {"levels": ["national", "national"]}},
        {"recommends": {"levels": ["national"], "grade": "4"}},
    ],
)
def test_a_title_that_is_not_well_formed_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(RuleError):
        drafted(**changes)


def test_every_recommendation_of_the_plan_names_its_levels_and_no_other_programme_does() -> None:
    named = {
        each.id: each.compiled.programme.recommends for each in library().programmes.values()
        if each.compiled.programme.kind == "recommendation"
    }  # fmt: skip
    assert len(named) == 43
    assert None not in named.values()
    granting = {
        each.id: each.compiled.programme.grants.recognition
        for each in library().programmes.values()
        if each.compiled.programme.grants is not None
    }
    assert granting == {
        "three-star-green-factory": "green-factory-star",
        "government-quality-award": "quality-award",
        "government-quality-innovation-award": "quality-innovation-award",
        "chain-leader-recognition": "chain-leader",
    }


def test_nothing_leads_a_case_without_money_to_an_award() -> None:
    targets = {target for moves in WITHOUT_MONEY.values() for target in moves.values()}
    assert targets == {CaseState.IN_NOTICE, CaseState.CLOSED}
    assert set(WITHOUT_MONEY) <= set(NEXT)
    assert SystemEvent.TITLE_NOT_RECORDED not in WITHOUT_MONEY[CaseState.DECIDED]
    assert SystemEvent.COMPLETED in WITHOUT_MONEY[CaseState.DECIDED]
    assert set(ANSWERS.values()) <= set(TitleState)
    assert TITLE_STATE_NAMES.keys() == set(TitleState)
