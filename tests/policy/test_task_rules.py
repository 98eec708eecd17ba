"""Tasks on plain values: transitions, lateness, risk, periods."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.kernel.actors import Actor, Role
from services.kernel.calendar import Calendar
from services.kernel.errors import Conflict, Forbidden, Invalid
from services.policy.tasks import rules
from services.policy.tasks.rules import (
    NEXT,
    WHO,
    Alert,
    BoardRule,
    Every,
    Part,
    Progress,
    Risk,
    TaskEvent,
    TaskState,
)

RULE = BoardRule(behind_bp=2000, silent_days=30, remind_days=5, lead_days=3, office_days=10)
BEGUN = date(2026, 3, 2)
# A Friday, with plain weeks around it.
DUE = date(2026, 6, 12)
AT = Progress(TaskState.IN_PROGRESS, BEGUN, DUE, DUE, 10_000)
CALENDAR = Calendar.load()


def actor(department: str | None, *roles: Role) -> Actor:
    return Actor("someone", "client", frozenset(map(str, roles)), department=department)


@pytest.mark.parametrize("state", TaskState)
@pytest.mark.parametrize("event", TaskEvent)
def test_an_event_moves_as_the_table_says_or_is_refused(state: TaskState, event: TaskEvent) -> None:
    if event in NEXT[state]:
        assert rules.move(state, event, WHO[event]) is NEXT[state][event]
        return
    with pytest.raises(Conflict) as refused:
        rules.move(state, event, WHO[event])
    assert refused.value.code == "event-not-allowed"


@pytest.mark.parametrize("event", TaskEvent)
def test_an_event_is_for_its_parts_only(event: TaskEvent) -> None:
    others = frozenset(Part) - WHO[event]
    state = next(state for state in TaskState if event in NEXT[state])

    with pytest.raises(Forbidden) as refused:
        rules.move(state, event, others)
    assert refused.value.code == "not-your-task"
    assert event not in rules.allowed(state, others, has_worked=False)


def test_what_has_ended_takes_no_event() -> None:
    assert all(not NEXT[state] for state in rules.ENDED)


@pytest.mark.parametrize(
    ("who", "parts"),
    [
        (actor("jxj", Role.REVIEWER), {Part.LEAD}),
        (actor("jxj", Role.APPROVER), {Part.LEAD, Part.LEAD_APPROVER}),
        (actor("kjj", Role.REGISTRAR), {Part.SUPPORT}),
        (actor("kjj", Role.APPROVER), {Part.SUPPORT}),
        (actor("zfb", Role.REVIEWER), {Part.OFFICE}),
        (actor("zfb", Role.APPROVER), {Part.OFFICE, Part.OFFICE_APPROVER}),
        (actor("rsj", Role.APPROVER), set()),
        (actor("jxj", Role.AUDITOR), set()),
        (actor(None, Role.REVIEWER), set()),
    ],
)
def test_what_someone_is_to_a_task(who: Actor, parts: set[Part]) -> None:
    assert rules.parts_of(who, "jxj", ["kjj"]) == parts


def test_whoever_worked_on_a_task_does_not_judge_it() -> None:
    judge = WHO[TaskEvent.ACCEPT]
    assert rules.allowed(TaskState.DONE, judge, has_worked=False) == ["accept", "return"]
    assert rules.allowed(TaskState.DONE, judge, has_worked=True) == []
    with pytest.raises(Forbidden) as refused:
        rules.require_other_person("a", {"a", "b"})
    assert refused.value.code == "four-eyes"
    rules.require_other_person("c", {"a", "b"})


@pytest.mark.parametrize("event", sorted(rules.NEEDS_NOTE))
def test_what_needs_a_reason_is_refused_without_one(event: TaskEvent) -> None:
    with pytest.raises(Invalid) as refused:
        rules.require_note(event, "  ")
    assert refused.value.code == "note-required"
    rules.require_note(event, "因会议改期")


def test_nothing_is_finished_without_proof() -> None:
    with pytest.raises(Conflict) as refused:
        rules.require_evidence(0)
    assert refused.value.code == "evidence-missing"
    rules.require_evidence(1)


def test_a_task_is_late_from_the_day_after_its_day() -> None:
    assert not rules.is_overdue(AT, DUE)
    assert rules.is_overdue(AT, DUE + timedelta(days=1))


@pytest.mark.parametrize("state", [*rules.FINISHED, TaskState.CANCELLED, TaskState.RECURRING])
def test_what_is_finished_or_no_work_is_never_late_nor_at_risk(state: TaskState) -> None:
    after = DUE + timedelta(days=400)
    at = replace(AT, state=state, reported_bp=0)
    assert not rules.is_overdue(at, after)
    assert rules.risks(at, RULE, after) == []
    assert rules.alert_of(at, RULE, CALENDAR, after) is Alert.NONE


def test_without_a_day_nothing_is_late_but_silence_is_a_risk() -> None:
    at = replace(AT, due_on=None, reported_on=None)
    assert not rules.is_overdue(at, date(2030, 1, 1))
    assert rules.risks(at, RULE, BEGUN + timedelta(days=30)) == []
    assert rules.risks(at, RULE, BEGUN + timedelta(days=31)) == [Risk.SILENT]


def test_silence_counts_from_the_last_report() -> None:
    at = replace(AT, reported_on=BEGUN + timedelta(days=20))
    assert rules.risks(at, RULE, BEGUN + timedelta(days=50)) == []
    assert rules.risks(at, RULE, BEGUN + timedelta(days=51)) == [Risk.SILENT]


@pytest.mark.parametrize(("reported_bp", "is_behind"), [(3000, False), (2999, True)])
def test_progress_is_behind_beyond_the_margin(reported_bp: int, *, is_behind: bool) -> None:
    # Half of a hundred days: 5,000 bp of the time, a margin of 2,000.
    today = BEGUN + timedelta(days=50)
    at = replace(AT, due_on=BEGUN + timedelta(days=100), reported_on=today, reported_bp=reported_bp)
    assert (Risk.BEHIND in rules.risks(at, RULE, today)) is is_behind


def test_what_is_late_is_no_longer_called_at_risk() -> None:
    at = replace(AT, reported_bp=0, reported_on=None)
    assert rules.risks(at, RULE, DUE) == [Risk.BEHIND, Risk.SILENT]
    assert rules.risks(at, RULE, DUE + timedelta(days=1)) == []


@pytest.mark.parametrize(
    ("today", "alert"),
    [
        (date(2026, 6, 4), Alert.NONE),  # six working days before
        (date(2026, 6, 5), Alert.DUE_SOON),  # five
        (DUE, Alert.DUE_SOON),
        (date(2026, 6, 13), Alert.OVERDUE),  # a Saturday: late, and no working day yet
        (date(2026, 6, 16), Alert.OVERDUE),  # two working days late
        (date(2026, 6, 17), Alert.LEAD_APPROVER),  # three
        (date(2026, 6, 26), Alert.LEAD_APPROVER),  # nine: 19 June is the Dragon Boat Festival
        (date(2026, 6, 29), Alert.OFFICE),  # ten
    ],
)
def test_lateness_is_told_further_and_further(today: date, alert: Alert) -> None:
    assert rules.alert_of(AT, RULE, CALENDAR, today) is alert


def test_alerts_only_rise() -> None:
    assert rules.is_worse(Alert.OFFICE, Alert.OVERDUE)
    assert not rules.is_worse(Alert.OVERDUE, Alert.OVERDUE)
    assert not rules.is_worse(Alert.DUE_SOON, Alert.OVERDUE)


@pytest.mark.parametrize(
    ("every", "day", "key", "first", "last"),
    [
        (Every.MONTH, date(2028, 2, 29), "2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        (Every.MONTH, date(2026, 12, 1), "2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        (Every.QUARTER, date(2026, 3, 31), "2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        (Every.QUARTER, date(2026, 4, 1), "2026-Q2", date(2026, 4, 1), date(2026, 6, 30)),
        (Every.HALF_YEAR, date(2026, 6, 30), "2026-H1", date(2026, 1, 1), date(2026, 6, 30)),
        (Every.HALF_YEAR, date(2026, 7, 1), "2026-H2", date(2026, 7, 1), date(2026, 12, 31)),
        (Every.YEAR, date(2026, 12, 31), "2026", date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_a_day_lies_in_its_period(
    every: Every, day: date, key: str, first: date, last: date
) -> None:
    found = rules.period_of(every, day)
    assert (found.key, found.first, found.last) == (key, first, last)


def test_periods_follow_one_another_without_a_gap() -> None:
    found = list(rules.periods_since(Every.QUARTER, date(2026, 11, 28), date(2027, 7, 1)))
    assert [each.key for each in found] == ["2026-Q4", "2027-Q1", "2027-Q2", "2027-Q3"]
    assert list(rules.periods_since(Every.YEAR, date(2027, 1, 1), date(2026, 12, 31))) == []


def test_a_clock_moved_very_far_begins_no_more_than_so_many() -> None:
    found = list(rules.periods_since(Every.MONTH, date(2026, 1, 1), date(2099, 1, 1)))
    assert len(found) == rules.PERIODS_MAX


def test_what_is_finished_counts_as_whole() -> None:
    assert replace(AT, reported_bp=4000).effective_bp == 4000
    assert replace(AT, state=TaskState.DONE, reported_bp=4000).effective_bp == 10_000
