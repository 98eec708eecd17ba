"""Clocks on plain values: which one runs in a state, when it is due, paused, overdue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.kernel.calendar import Calendar, Deadline
from services.policy.cases.rules import CaseState
from services.policy.limits import Allowed

CHECK_TIMER = "check-case-clocks"
# The timer comes more often than the day changes, so that a moved clock is noticed at once.
CHECK_EVERY = timedelta(minutes=10)
TOLD_AT_ONCE = 500
ONE_DAY = timedelta(days=1)


class ClockKind(StrEnum):
    ACCEPT = "accept"
    COMPLETION = "completion"
    REVIEW = "review"
    STEP = "step"
    NOTICE = "notice"
    OBJECTION = "objection"
    DECIDE = "decide"


class ClockState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


class Alert(StrEnum):
    """How far a clock has been told of, from nothing to the approver."""

    NONE = "none"
    DUE_SOON = "due-soon"
    OVERDUE = "overdue"
    ESCALATED = "escalated"


KIND_NAMES: Mapping[str, tuple[str, str]] = {
    ClockKind.ACCEPT: ("受理", "Acceptance"),
    ClockKind.COMPLETION: ("申请人补正", "Completion by the applicant"),
    ClockKind.REVIEW: ("审核", "Review"),
    ClockKind.STEP: ("审核环节", "A step of the review"),
    ClockKind.NOTICE: ("公示", "Public notice"),
    ClockKind.OBJECTION: ("异议处理", "Handling of an objection"),
    ClockKind.DECIDE: ("决定", "Decision"),
}
ALERT_NAMES: Mapping[str, tuple[str, str]] = {
    Alert.NONE: ("未提醒", "Not told of"),
    Alert.DUE_SOON: ("即将到期", "Due soon"),
    Alert.OVERDUE: ("逾期", "Overdue"),
    Alert.ESCALATED: ("逾期，已报告审批人", "Overdue, told to the approver"),
}
NOTICE_SOURCE = "公示期"

# The clock of each state; a state that is not here has none.
CLOCK_OF: Mapping[CaseState, ClockKind] = {
    CaseState.SUBMITTED: ClockKind.ACCEPT,
    CaseState.RETURNED: ClockKind.COMPLETION,
    CaseState.ACCEPTED: ClockKind.REVIEW,
    CaseState.IN_REVIEW: ClockKind.REVIEW,
    CaseState.PROPOSED: ClockKind.DECIDE,
    CaseState.IN_NOTICE: ClockKind.NOTICE,
    CaseState.SUSPENDED: ClockKind.OBJECTION,
}
# While a case waits for its applicant, or for an objection to be handled, the other clocks stop.
PAUSING = frozenset({CaseState.RETURNED, CaseState.SUSPENDED})
# What runs while the others are stopped.
RUNS_MEANWHILE = frozenset({ClockKind.COMPLETION, ClockKind.OBJECTION})
# In these a clock that was stopped may still be wanted again.
BEFORE_PROPOSAL = frozenset(
    {CaseState.SUBMITTED, CaseState.RETURNED, CaseState.ACCEPTED, CaseState.IN_REVIEW}
)


class Fate(StrEnum):
    """What becomes of a clock when its case has moved."""

    GO_ON = "go-on"
    PAUSE = "pause"
    RESUME = "resume"
    STAY_PAUSED = "stay-paused"
    FINISH = "finish"


def wanted(state: CaseState, *, notice_over: bool) -> ClockKind | None:
    """Name the clock of a state; once the days of the notice are over it is the decision's."""
    if state is CaseState.IN_NOTICE and notice_over:
        return ClockKind.DECIDE
    return CLOCK_OF.get(state)


def fate(kind: ClockKind, *, is_running: bool, state: CaseState, want: ClockKind | None) -> Fate:
    """Tell what becomes of a clock that has not finished."""
    is_step = kind is ClockKind.STEP and state is CaseState.IN_REVIEW
    if kind is want:
        return Fate.GO_ON if is_running else Fate.RESUME
    if is_step:
        # A step resumes when it is opened again, which the steps say themselves.
        return Fate.GO_ON if is_running else Fate.STAY_PAUSED
    if is_running:
        stops = state in PAUSING and kind not in RUNS_MEANWHILE
        return Fate.PAUSE if stops else Fate.FINISH
    return Fate.STAY_PAUSED if state in (*BEFORE_PROPOSAL, *PAUSING) else Fate.FINISH


def due(start: date, allowed: Allowed, calendar: Calendar) -> Deadline | None:
    """Give the last day, the first not counted (民法典第201条); None where no limit is set."""
    return None if allowed.days is None else calendar.add_working_days(start, allowed.days)


def days_left(today: date, started_on: date, due_on: date, calendar: Calendar) -> int:
    """Count what is left when a clock stops; the day on which it stops was not run to its end.

    The day on which it began is not counted. A clock that was overdue has none left.
    """
    stopped_on = max(today, started_on + ONE_DAY)
    return max(0, calendar.working_days_between(stopped_on - ONE_DAY, due_on))


def resumed(today: date, due_on: date, left: int, calendar: Calendar) -> Deadline:
    """Give the last day of a clock that goes on; one that was overdue stays so."""
    if left == 0:
        return Deadline(due_on, provisional=False)
    return calendar.add_working_days(today, left)


def is_overdue(kind: ClockKind, due_on: date | None, today: date) -> bool:
    """Tell whether a last day has passed; the end of a notice is late for nobody."""
    return kind is not ClockKind.NOTICE and due_on is not None and today > due_on


@dataclass(frozen=True)
class Thresholds:
    """Up to which due day each alert is told today; None is never."""

    soon: date | None
    overdue: date
    escalated: date | None

    def alert(self, due_on: date) -> Alert:
        if self.escalated is not None and due_on <= self.escalated:
            return Alert.ESCALATED
        if due_on <= self.overdue:
            return Alert.OVERDUE
        return Alert.DUE_SOON if self.soon is not None and due_on <= self.soon else Alert.NONE


def thresholds(today: date, remind: Allowed, escalate: Allowed, calendar: Calendar) -> Thresholds:
    """Count from today which due days are near, past, and long past."""
    soon = None if remind.days is None else calendar.add_working_days(today, remind.days).day
    long_past = None
    if escalate.days is not None:
        long_past, left = today, escalate.days
        while left:
            left -= calendar.is_working_day(long_past)
            long_past -= ONE_DAY
    return Thresholds(soon, today - ONE_DAY, long_past)
