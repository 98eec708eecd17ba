"""Clocks on plain values: the last day, what is left, which clock runs when, whom it is told."""

from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.kernel.calendar import Calendar
from services.policy.cases.rules import CaseState
from services.policy.clocks import rules
from services.policy.clocks.rules import Alert, ClockKind, Fate
from services.policy.limits import DEMONSTRATION_SOURCE, UNSET, Allowed, HeldLimits, Limit, Limits
from services.policy.office import load_office

CALENDAR = Calendar.load()
FIVE = Allowed(5, "办理规定")


def day(text: str) -> date:
    return date.fromisoformat(f"2026-{text}")


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("06-01", "06-08"),  # a Monday: Tuesday to Friday, and the next Monday
        ("06-05", "06-12"),
        ("06-06", "06-12"),  # a Saturday
        ("06-15", "06-23"),  # over the Dragon Boat Festival
        ("09-28", "10-10"),  # over National Day, to the make-up Saturday
    ],
)
def test_the_first_day_is_not_counted(start: str, last: str) -> None:
    found = rules.due(day(start), FIVE, CALENDAR)
    assert found is not None
    assert (found.day, found.provisional) == (day(last), False)


def test_without_a_limit_nothing_is_due() -> None:
    assert rules.due(day("06-01"), UNSET, CALENDAR) is None


def test_a_year_that_is_not_published_is_provisional() -> None:
    found = rules.due(day("12-28"), FIVE, CALENDAR)
    assert found is not None
    assert found.provisional is not CALENDAR.is_published(2027)


@pytest.mark.parametrize(
    ("stopped", "left"),
    [
        ("06-01", 5),  # on its first day nothing has run
        ("06-02", 5),
        ("06-03", 4),
        ("06-06", 1),  # a Saturday
        ("06-08", 1),  # on the last day that very day is left
        ("06-09", 0),
        ("06-30", 0),
    ],
)
def test_what_is_left_counts_the_day_on_which_it_stops(stopped: str, left: int) -> None:
    assert rules.days_left(day(stopped), day("06-01"), day("06-08"), CALENDAR) == left


def test_a_clock_goes_on_with_what_is_left_and_an_overdue_one_stays_so() -> None:
    assert rules.resumed(day("06-10"), day("06-08"), 4, CALENDAR).day == day("06-16")
    assert rules.resumed(day("06-10"), day("06-08"), 1, CALENDAR).day == day("06-11")
    assert rules.resumed(day("06-10"), day("06-08"), 0, CALENDAR).day == day("06-08")


def test_the_last_day_is_not_late() -> None:
    for on, late in (("06-07", False), ("06-08", False), ("06-09", True)):
        assert rules.is_overdue(ClockKind.ACCEPT, day("06-08"), day(on)) is late
    assert rules.is_overdue(ClockKind.NOTICE, day("06-08"), day("06-30")) is False
    assert rules.is_overdue(ClockKind.ACCEPT, None, day("06-30")) is False


@pytest.mark.parametrize(
    ("today", "alert"),
    [
        ("06-03", Alert.NONE),
        ("06-04", Alert.DUE_SOON),  # two working days before Monday the 8th
        ("06-08", Alert.DUE_SOON),
        ("06-09", Alert.OVERDUE),
        ("06-10", Alert.OVERDUE),
        ("06-11", Alert.ESCALATED),  # the third working day after it
        ("07-30", Alert.ESCALATED),
    ],
)
def test_whom_it_is_told(today: str, alert: Alert) -> None:
    limits = rules.thresholds(day(today), Allowed(2), Allowed(3), CALENDAR)
    assert limits.alert(day("06-08")) is alert


def test_where_nobody_said_when_to_remind_only_lateness_is_told() -> None:
    for today, alert in (("06-08", Alert.NONE), ("06-09", Alert.OVERDUE), ("07-30", Alert.OVERDUE)):
        limits = rules.thresholds(day(today), UNSET, UNSET, CALENDAR)
        assert limits.alert(day("06-08")) is alert


def test_an_alert_comes_on_the_day_that_the_count_of_days_says() -> None:
    for due_day in range(1, 29):
        due = date(2026, 9, due_day)
        for offset in range(1, 29):
            today = date.fromordinal(due.toordinal() + offset)
            limits = rules.thresholds(today, UNSET, Allowed(3), CALENDAR)
            is_long = CALENDAR.working_days_between(due, today) >= 3
            assert (limits.alert(due) is Alert.ESCALATED) is is_long, (due, today)


S, K = CaseState, ClockKind


@pytest.mark.parametrize(
    ("kind", "is_running", "state", "becomes"),
    [
        (K.ACCEPT, True, S.SUBMITTED, Fate.GO_ON),
        (K.ACCEPT, True, S.RETURNED, Fate.PAUSE),
        (K.ACCEPT, False, S.SUBMITTED, Fate.RESUME),
        (K.ACCEPT, True, S.ACCEPTED, Fate.FINISH),
        (K.COMPLETION, True, S.SUBMITTED, Fate.FINISH),
        (K.COMPLETION, True, S.RETURNED, Fate.GO_ON),
        (K.REVIEW, True, S.IN_REVIEW, Fate.GO_ON),
        (K.REVIEW, True, S.RETURNED, Fate.PAUSE),
        (K.REVIEW, False, S.SUBMITTED, Fate.STAY_PAUSED),
        (K.REVIEW, False, S.ACCEPTED, Fate.RESUME),
        (K.REVIEW, True, S.PROPOSED, Fate.FINISH),
        (K.STEP, True, S.IN_REVIEW, Fate.GO_ON),
        (K.STEP, True, S.RETURNED, Fate.PAUSE),
        (K.STEP, False, S.SUBMITTED, Fate.STAY_PAUSED),
        (K.STEP, False, S.ACCEPTED, Fate.STAY_PAUSED),
        (K.STEP, False, S.IN_REVIEW, Fate.STAY_PAUSED),
        (K.STEP, True, S.PROPOSED, Fate.FINISH),
        (K.NOTICE, True, S.SUSPENDED, Fate.PAUSE),
        (K.NOTICE, False, S.SUSPENDED, Fate.STAY_PAUSED),
        (K.NOTICE, False, S.IN_NOTICE, Fate.RESUME),
        (K.OBJECTION, True, S.SUSPENDED, Fate.GO_ON),
        (K.OBJECTION, True, S.IN_NOTICE, Fate.FINISH),
        (K.OBJECTION, True, S.IN_REVIEW, Fate.FINISH),
        (K.OBJECTION, True, S.RETURNED, Fate.FINISH),
        (K.DECIDE, True, S.SUSPENDED, Fate.PAUSE),
        (K.DECIDE, True, S.DECIDED, Fate.FINISH),
        (K.REVIEW, False, S.WITHDRAWN, Fate.FINISH),
        (K.DECIDE, True, S.REFUSED, Fate.FINISH),
    ],
)
def test_what_becomes_of_a_clock(
    kind: ClockKind, state: CaseState, becomes: Fate, *, is_running: bool
) -> None:
    want = rules.wanted(state, notice_over=False)
    assert rules.fate(kind, is_running=is_running, state=state, want=want) is becomes


def test_after_the_notice_it_is_the_decision_that_is_waited_for() -> None:
    assert rules.wanted(S.IN_NOTICE, notice_over=False) is K.NOTICE
    assert rules.wanted(S.IN_NOTICE, notice_over=True) is K.DECIDE
    assert {state for state in S if rules.wanted(state, notice_over=False) is None} == {
        S.DRAFT, S.DECIDED, S.AWARDED, S.CLOSED, S.WITHDRAWN, S.REFUSED, S.REVOKED,
    }  # fmt: skip


def test_sample_numbers_hold_in_the_demonstration_alone() -> None:
    limit = Limit(demonstration_days=5)
    assert HeldLimits(Limits(), demonstration=True).of(limit) == Allowed(
        5, DEMONSTRATION_SOURCE, demonstration=True
    )
    assert HeldLimits(Limits(), demonstration=False).of(limit) == UNSET
    known = Limit(days=20, source="规定", demonstration_days=5)
    for demonstration in (True, False):
        assert HeldLimits(Limits(), demonstration).of(known) == Allowed(20, "规定")


def test_a_limit_without_a_source_is_none() -> None:
    with pytest.raises(ValidationError, match="source"):
        Limit(days=5)


def test_the_packaged_office_sets_only_what_practice_gives() -> None:
    clocks = load_office().clocks
    held = HeldLimits(clocks, demonstration=False)
    own = {
        name: held.of(getattr(clocks, name)).days for name in Limits.model_fields if name != "steps"
    }
    assert {name for name, days in own.items() if days is not None} == {"decide_after_notice"}
    assert own["decide_after_notice"] == 20
    assert all(held.of(each) == UNSET for each in clocks.steps.values())


def test_an_office_that_says_nothing_of_limits_has_set_none(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "services/policy/office.yaml").read_text("utf-8")
    own = tmp_path / "office.yaml"
    own.write_text(text[: text.index("clocks:")], "utf-8")
    assert load_office(own).clocks == Limits()
