"""The life of a recommendation on plain values: every pair of state and event, days, grades."""

from datetime import date
from typing import Any

import pytest

from services.kernel.actors import Role
from services.kernel.errors import Conflict, Forbidden, Invalid
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.recommendations.rules import (
    EVENT_NAMES,
    FINISHED,
    LETTERED,
    NEXT,
    OPEN,
    OWNERS,
    STATE_NAMES,
    RecommendationEvent,
    RecommendationState,
    UpperResult,
    grade_of,
    move,
    require_kind,
    require_level,
    require_order,
    require_other_person,
    require_past,
    require_recommends,
    require_result,
    require_year,
)
from services.rulebook.titles import Recommends

ON = date(2026, 11, 23)
EVERY_ROLE = frozenset(Role)
S, E = RecommendationState, RecommendationEvent
PAIRS = [(state, event) for state in S for event in E]
# Written out once more: what the table must say.
LIFE = {
    (S.GUIDED, E.FILE): {S.FILED},
    (S.GUIDED, E.WITHDRAW): {S.WITHDRAWN},
    (S.FILED, E.REVIEW): {S.PASSED, S.FAILED},
    (S.FILED, E.WITHDRAW): {S.WITHDRAWN},
    (S.PASSED, E.ISSUE_LETTER): {S.RECOMMENDED},
    (S.PASSED, E.WITHDRAW): {S.WITHDRAWN},
    (S.RECOMMENDED, E.NOTICE): {S.IN_UPPER_NOTICE},
    (S.RECOMMENDED, E.RESULT): {S.GRANTED, S.NOT_GRANTED},
    (S.RECOMMENDED, E.WITHDRAW): {S.WITHDRAWN},
    (S.IN_UPPER_NOTICE, E.RESULT): {S.GRANTED, S.NOT_GRANTED},
    (S.IN_UPPER_NOTICE, E.WITHDRAW): {S.WITHDRAWN},
}


def programme(name: str) -> PlanProgramme:
    return library().programmes[name]


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_what_is_not_in_the_table_cannot_happen(
    state: RecommendationState, event: RecommendationEvent
) -> None:
    if (state, event) in LIFE:
        assert set(move(state, event, EVERY_ROLE).to) == LIFE[state, event]
        return
    with pytest.raises(Conflict) as refused:
        move(state, event, EVERY_ROLE)
    assert refused.value.code == "event-not-allowed"
    assert STATE_NAMES[state][0] in refused.value.zh
    assert all(EVENT_NAMES[each][0] in refused.value.zh for each in NEXT[state])


def test_only_a_letter_leads_to_a_result() -> None:
    before = {state for state, moves in NEXT.items() for e in moves if S.GRANTED in moves[e].to}
    assert before == {S.RECOMMENDED, S.IN_UPPER_NOTICE}
    assert before < set(LETTERED)
    assert set(OPEN).isdisjoint(FINISHED)
    assert set(OPEN) | set(FINISHED) == set(S)


@pytest.mark.parametrize(
    ("event", "roles"),
    [
        (E.FILE, {Role.FIRM, Role.INSTITUTION, Role.REVIEWER}),
        (E.REVIEW, {Role.REVIEWER}),
        (E.ISSUE_LETTER, {Role.APPROVER}),
        (E.NOTICE, {Role.REVIEWER}),
        (E.RESULT, {Role.REVIEWER}),
        (E.WITHDRAW, {Role.FIRM, Role.INSTITUTION, Role.REVIEWER}),
    ],
)
def test_each_event_is_for_its_roles(event: RecommendationEvent, roles: set[Role]) -> None:
    assert OWNERS[event] == roles
    state = next(state for state in S if event in NEXT[state])
    for role in Role:
        if role in roles:
            assert move(state, event, {role}).to
        else:
            with pytest.raises(Forbidden):
                move(state, event, {role})


def test_what_was_filed_is_the_applicants_to_withdraw() -> None:
    assert move(S.GUIDED, E.WITHDRAW, {Role.REVIEWER}).to == (S.WITHDRAWN,)
    with pytest.raises(Forbidden):
        move(S.FILED, E.WITHDRAW, {Role.REVIEWER})


def test_a_letter_takes_two_persons() -> None:
    require_other_person("a", "b")
    with pytest.raises(Forbidden) as refused:
        require_other_person("a", "a")
    assert refused.value.code == "four-eyes"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("little-giant-recommendation", None),
        ("digital-growth", "not-a-recommendation"),
        ("three-star-green-factory", "not-a-recommendation"),
    ],
)
def test_only_what_an_upper_level_decides_on_is_recommended(name: str, code: str | None) -> None:
    if code is None:
        assert require_recommends(programme(name)).levels == ("national",)
        return
    with pytest.raises(Invalid) as refused:
        require_recommends(programme(name))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("name", "given", "level"),
    [
        ("little-giant-recommendation", None, "national"),
        ("little-giant-recommendation", "national", "national"),
        ("little-giant-recommendation", "ningbo", None),
        ("key-laboratory-recommendation", None, None),
        ("key-laboratory-recommendation", "provincial", "provincial"),
        ("key-laboratory-recommendation", "ningbo", None),
    ],
)
def test_the_level_is_the_programmes(name: str, given: str | None, level: str | None) -> None:
    recommends = require_recommends(programme(name))
    if level is not None:
        assert require_level(recommends, given) == level
        return
    with pytest.raises(Invalid) as refused:
        require_level(recommends, given)
    assert refused.value.code == "level-unknown"


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("little-giant-recommendation", "firm", None),
        ("little-giant-recommendation", "institution", "applicant-kind"),
        ("incubator-ningbo", "facility", None),
        ("technology-innovation-centre", "association", None),
        ("outstanding-engineer-recommendation", "person", "applicant-kind-unsupported"),
    ],
)
def test_organisations_of_the_programmes_kind_are_recommended(
    name: str, kind: str, code: str | None
) -> None:
    if code is None:
        require_kind(kind, programme(name))
        return
    with pytest.raises(Invalid) as refused:
        require_kind(kind, programme(name))
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("year", "is_in"), [(2020, False), (2021, True), (2026, True), (2027, True), (2028, False)]
)
def test_the_year_lies_near(year: int, *, is_in: bool) -> None:
    if is_in:
        require_year(year, ON)
        return
    with pytest.raises(Invalid):
        require_year(year, ON)


def test_days_follow_each_other_and_have_come() -> None:
    require_past(ON, ON, "/data/filed_on")
    require_order(ON, ON, "/data/issued_on")
    require_order(ON, None, "/data/issued_on")
    with pytest.raises(Invalid) as future:
        require_past(date(2026, 11, 24), ON, "/data/filed_on")
    assert future.value.errors[0].pointer == "/data/filed_on"
    with pytest.raises(Invalid) as early:
        require_order(date(2026, 11, 22), ON, "/data/issued_on")
    assert early.value.code == "date-order"


@pytest.mark.parametrize(
    ("stated", "given", "grade"),
    [(None, None, None), (None, "AA", "AA"), ("4", None, "4"), ("4", "4", "4"), ("4", "5", "!")],
)
def test_the_grade_is_the_programmes_or_the_results(
    stated: str | None, given: str | None, grade: str | None
) -> None:
    recommends = Recommends(levels=("ningbo",), recognition="green-factory-star", grade=stated)
    if grade != "!":
        assert grade_of(recommends, given) == grade
        return
    with pytest.raises(Invalid):
        grade_of(recommends, given)


def test_a_result_without_a_title_has_neither_grade_nor_days() -> None:
    with pytest.raises(Invalid):
        grade_of(Recommends(levels=("national",)), "AA")
    result: dict[str, Any] = {"outcome": UpperResult.GRANTED, "valid_to": None, "decided_on": ON}
    first = date(2026, 12, 1)
    assert require_result(**result, recognition=None, valid_from=None) is None
    assert require_result(**result, recognition="gazelle-star", valid_from=None) == ON
    assert require_result(**result, recognition="gazelle-star", valid_from=first) == first
    cases: list[dict[str, Any]] = [
        {"recognition": None, "valid_from": first},
        {"recognition": "gazelle-star", "valid_from": first, "valid_to": ON},
        {"recognition": "gazelle-star", "valid_from": None, "outcome": UpperResult.NOT_GRANTED,
         "valid_to": first},
    ]  # fmt: skip
    for changes in cases:
        with pytest.raises(Invalid):
            require_result(**{**result, **changes})
