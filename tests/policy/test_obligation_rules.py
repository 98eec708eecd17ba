"""Obligations by value: days as law counts them, states, and when one has failed."""

from datetime import date

import pytest

from services.kernel.calendar import Calendar
from services.kernel.errors import Refusal
from services.policy.aftermath.rules import add_months, last_day
from services.policy.obligations import rules
from services.policy.obligations.rules import (
    NEXT,
    WHO,
    ObligationAlert,
    ObligationEvent,
    ObligationKind,
    ObligationState,
    TellingRule,
)
from services.policy.recoveries import rules as recoveries

CALENDAR = Calendar.load()
RULE = TellingRule(remind_days=5, approver_days=3)
TODAY = date(2026, 11, 23)
OPEN = ObligationState.OPEN


@pytest.mark.parametrize(
    ("start", "counted", "end"),
    [
        # The first day is not counted.
        (date(2026, 11, 23), {"days": 1}, date(2026, 11, 24)),
        (date(2026, 11, 23), {"days": 4}, date(2026, 11, 27)),
        # A Saturday and a Sunday move on to Monday.
        (date(2026, 11, 23), {"days": 5}, date(2026, 11, 30)),
        (date(2026, 11, 23), {"days": 6}, date(2026, 11, 30)),
        (date(2026, 11, 23), {"days": 7}, date(2026, 11, 30)),
        # A month ends on the day of the same number, or on its last.
        (date(2026, 7, 31), {"months": 2}, date(2026, 9, 30)),
        (date(2026, 1, 20), {"months": 6}, date(2026, 7, 20)),
        # The last day falls into the National Day holiday.
        (date(2026, 4, 1), {"months": 6}, date(2026, 10, 8)),
    ],
)
def test_days_are_counted_as_law_counts_them(
    start: date, counted: dict[str, int], end: date
) -> None:
    found = last_day(start, CALENDAR, **counted)

    assert (found.day, found.provisional) == (end, False)


def test_a_day_in_a_year_without_calendar_is_provisional() -> None:
    assert last_day(date(2026, 11, 23), CALENDAR, months=36).provisional


def test_months_are_added_over_the_year() -> None:
    assert add_months(date(2026, 12, 31), 2) == date(2027, 2, 28)
    assert add_months(date(2028, 2, 29), 12) == date(2029, 2, 28)
    assert add_months(date(2026, 5, 5), 0) == date(2026, 5, 5)


def test_every_event_belongs_to_somebody_and_leads_on() -> None:
    events = {event for moves in NEXT.values() for event in moves}

    assert events == set(WHO) == set(ObligationEvent)
    assert set(NEXT) == set(ObligationState)
    for over in (ObligationState.MET, ObligationState.FAILED, ObligationState.LIFTED):
        assert NEXT[over] == {}


def test_what_the_state_does_not_take_is_named_with_what_it_takes() -> None:
    with pytest.raises(Refusal) as found:
        rules.move(ObligationState.MET, ObligationEvent.FAIL)
    assert found.value.code == "event-not-allowed"
    assert "已履行" in found.value.zh
    with pytest.raises(Refusal) as found:
        rules.move(OPEN, ObligationEvent.ACCEPT)
    assert "报送" in found.value.zh


def test_an_obligation_is_late_from_the_day_after_its_day() -> None:
    for due, late in ((date(2026, 11, 22), True), (TODAY, False), (date(2026, 11, 24), False)):
        assert rules.is_overdue(OPEN, due, TODAY) is late
    assert not rules.is_overdue(OPEN, None, TODAY)
    assert not rules.is_overdue(ObligationState.SUBMITTED, date(2026, 1, 1), TODAY)


def test_nothing_fails_before_its_day_is_over() -> None:
    acceptance, submitted = ObligationKind.ACCEPTANCE, ObligationState.SUBMITTED
    rules.require_failed(acceptance, OPEN, date(2026, 11, 22), TODAY)
    rules.require_failed(acceptance, submitted, None, TODAY)
    rules.require_failed(ObligationKind.STAY, OPEN, None, TODAY)
    for due, code in ((TODAY, "not-due"), (date(2026, 11, 24), "not-due"), (None, "no-day")):
        with pytest.raises(Refusal) as found:
            rules.require_failed(acceptance, OPEN, due, TODAY)
        assert found.value.code == code


def test_time_is_extended_to_a_later_day_only() -> None:
    due = date(2026, 12, 1)
    rules.require_later(date(2026, 12, 2), due, TODAY)
    for day in (due, date(2026, 11, 30)):
        with pytest.raises(Refusal):
            rules.require_later(day, due, TODAY)
    # Late already: the new day is not of the past, either.
    with pytest.raises(Refusal):
        rules.require_later(date(2026, 11, 22), date(2026, 11, 1), TODAY)
    rules.require_later(TODAY, date(2026, 11, 1), TODAY)
    with pytest.raises(Refusal) as found:
        rules.require_later(due, None, TODAY)
    assert found.value.code == "no-day"


@pytest.mark.parametrize(
    ("due", "alert"),
    [
        (date(2026, 12, 1), ObligationAlert.NONE),
        (date(2026, 11, 30), ObligationAlert.DUE_SOON),
        (TODAY, ObligationAlert.DUE_SOON),
        (date(2026, 11, 22), ObligationAlert.OVERDUE),
        (date(2026, 11, 19), ObligationAlert.OVERDUE),
        (date(2026, 11, 18), ObligationAlert.APPROVER),
        (None, ObligationAlert.NONE),
    ],
)
def test_lateness_is_told_by_working_days(due: date | None, alert: ObligationAlert) -> None:
    assert rules.alert_of(OPEN, due, RULE, CALENDAR, TODAY) is alert
    submitted = ObligationState.SUBMITTED
    assert rules.alert_of(submitted, due, RULE, CALENDAR, TODAY) is ObligationAlert.NONE


def test_nobody_is_revoked_unheard() -> None:
    recoveries.require_heard(None, TODAY, has_responded=True)
    recoveries.require_heard(date(2026, 11, 22), TODAY, has_responded=False)
    for day in (None, TODAY, date(2026, 11, 24)):
        with pytest.raises(Refusal) as found:
            recoveries.require_heard(day, TODAY, has_responded=False)
        assert found.value.code == "not-heard"
    for day in (TODAY, date(2026, 11, 22)):
        with pytest.raises(Refusal):
            recoveries.require_coming(day, TODAY)
