"""Numbers by day: which is in force, what may be proposed, samples that fill only what is unset."""

from datetime import date
from typing import Any

import pytest

from services.kernel.errors import Conflict, Forbidden, Invalid
from services.policy.parameters.rules import (
    ParameterEvent,
    ParameterState,
    in_force,
    move,
    next_day,
    numbers_of,
    require_open_day,
    require_other_person,
    require_past_day,
    require_permission,
    require_value,
    stakes,
)
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import DatedParameter

RATIO = library().parameters["rd-matching.ratio_bp"]
MODE = library().parameters["stacking-mode"]
TODAY = date(2026, 11, 23)
DECIDED = {
    "rd-matching.ratio_bp": (
        DatedParameter(3000, date(2026, 1, 1), "慈财〔2026〕1号"),
        DatedParameter(5000, date(2026, 7, 1), "慈财〔2026〕8号"),
    ),
}


@pytest.mark.parametrize(
    ("on", "value"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), 3000),
        (date(2026, 6, 30), 3000),
        (date(2026, 7, 1), 5000),
    ],
)
def test_the_latest_that_has_begun_is_in_force(on: date, value: int | None) -> None:
    dated = in_force(RATIO, DECIDED, on)

    assert (dated.value if dated else None) == value


def test_a_decision_goes_before_what_the_plan_says() -> None:
    decided = {"stacking-mode": (DatedParameter("highest-only", TODAY, "市政府常务会议纪要"),)}
    before, after = in_force(MODE, decided, date(2026, 11, 22)), in_force(MODE, decided, TODAY)

    assert before is not None
    assert after is not None
    assert (before.value, before.reading) == ("top-up", True)
    assert (after.value, after.reading) == ("highest-only", False)


def test_samples_fill_only_what_nobody_has_set() -> None:
    programme = library().programmes["rd-matching"]
    without = numbers_of(programme, library(), {}, TODAY, samples=False)["ratio_bp"]
    sample = numbers_of(programme, library(), {}, TODAY, samples=True)["ratio_bp"]
    decided = numbers_of(programme, library(), DECIDED, TODAY, samples=True)["ratio_bp"]

    assert without.value is None
    assert (sample.value, sample.is_sample) == (5000, True)
    assert (decided.value, decided.source, decided.is_sample) == (5000, "慈财〔2026〕8号", False)


@pytest.mark.parametrize("value", [0, 1, 10_000])
def test_a_ratio_within_its_bounds(value: int) -> None:
    assert require_value(RATIO, value) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (-1, "value-out-of-bounds"),
        (10_001, "value-out-of-bounds"),
        (10**19, "value-out-of-bounds"),
        (True, "value-type"),
        ("5000", "value-type"),
        (None, "value-type"),
    ],
)
def test_another_value_of_a_ratio_is_refused(value: Any, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        require_value(RATIO, value)
    assert refused.value.code == code


def test_a_mode_is_one_of_its_names() -> None:
    assert require_value(MODE, "highest-only") == "highest-only"
    for value in ("lowest", 1, None):
        with pytest.raises(Invalid, match="highest-only"):
            require_value(MODE, value)


def test_a_past_in_which_nothing_was_decided_is_open() -> None:
    past = date(2026, 6, 1)
    for touched, permitted in (
        (stakes(RATIO, DECIDED, TODAY, TODAY, cases=3), False),
        (stakes(RATIO, DECIDED, date(2025, 6, 1), TODAY, cases=0), False),
        (stakes(RATIO, {}, past, TODAY, cases=0), False),
        (stakes(RATIO, DECIDED, past, TODAY, cases=0), True),
        (stakes(RATIO, {}, past, TODAY, cases=1), True),
    ):
        require_open_day(touched, past, TODAY, permitted=permitted)


@pytest.mark.parametrize(
    ("decided", "cases", "zh", "en"),
    [
        (
            DECIDED,
            0,
            "2026-06-01当日已有生效的取值，无",
            "already in force on 2026-06-01,",
        ),
        ({}, 2, "其间已有2件办件", "Cases proposed or decided meanwhile: 2, so"),
        (
            DECIDED,
            1,
            "取值，且其间已有1件",
            "on 2026-06-01 and cases proposed",
        ),
    ],
)
def test_a_past_that_was_decided_on_is_not_changed_without_permission(
    decided: Any, cases: int, zh: str, en: str
) -> None:
    past = date(2026, 6, 1)
    with pytest.raises(Conflict) as refused:
        require_open_day(stakes(RATIO, decided, past, TODAY, cases), past, TODAY, permitted=False)
    assert refused.value.code == "valid-from-past"
    assert zh in refused.value.zh
    assert en in refused.value.en
    assert "backdating" in refused.value.zh
    assert "backdating" in refused.value.en


def test_a_number_of_the_past_holds_until_the_next_one() -> None:
    assert next_day(RATIO, DECIDED, date(2025, 6, 1)) == date(2026, 1, 1)
    assert next_day(RATIO, DECIDED, date(2026, 1, 1)) == date(2026, 7, 1)
    assert next_day(RATIO, DECIDED, date(2026, 7, 1)) is None


@pytest.mark.parametrize(
    ("day", "permitted", "fits"),
    [
        (TODAY, False, True),
        (date(2026, 11, 24), False, True),
        (date(2026, 11, 22), True, True),
        (date(2026, 11, 22), False, False),
        (date(1990, 1, 1), False, False),
    ],
)
def test_a_day_before_today_is_proposed_with_permission(
    day: date, *, permitted: bool, fits: bool
) -> None:
    if fits:
        require_permission(day, TODAY, permitted=permitted)
        return
    with pytest.raises(Conflict) as refused:
        require_permission(day, TODAY, permitted=permitted)
    assert refused.value.code == "valid-from-past"
    assert f"{day}早于今日" in refused.value.zh
    assert "is before today" in refused.value.en


def test_our_reading_is_nothing_that_was_decided() -> None:
    past = date(2026, 1, 1)
    require_open_day(stakes(MODE, {}, past, TODAY, cases=0), past, TODAY, permitted=False)


def test_permission_is_for_a_day_before_today() -> None:
    require_past_day(date(2026, 11, 22), TODAY)
    for day in (TODAY, date(2026, 11, 24)):
        with pytest.raises(Invalid) as refused:
            require_past_day(day, TODAY)
        assert refused.value.code == "backdating-without-past"


def test_two_people_set_a_number() -> None:
    require_other_person("anna", "berta")
    with pytest.raises(Forbidden):
        require_other_person("anna", "anna")


@pytest.mark.parametrize("state", list(ParameterState))
@pytest.mark.parametrize("event", list(ParameterEvent))
def test_a_proposal_is_decided_once(state: ParameterState, event: ParameterEvent) -> None:
    if state is ParameterState.PROPOSED:
        assert move(state, event) == {"approve": "approved", "reject": "rejected"}[event]
        return
    with pytest.raises(Conflict) as refused:
        move(state, event)
    assert refused.value.code == "event-not-allowed"
