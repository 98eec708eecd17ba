"""Obligations on plain values: kinds, states, whose an event is, and when one has failed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.calendar import Calendar
from services.kernel.errors import Conflict, invalid_field
from services.policy.aftermath.rules import Part, event_not_allowed


class ObligationKind(StrEnum):
    MILESTONE = "milestone"
    ACCEPTANCE = "acceptance"
    REPORT = "report"
    STAY = "stay"


class OnFailure(StrEnum):
    """What a failed obligation leads to: a proposal to recover, or a note on the case."""

    RECOVER = "recover"
    NOTE = "note"


class ObligationOrigin(StrEnum):
    PROGRAMME = "programme"
    DOCUMENT = "document"


class ObligationState(StrEnum):
    PROPOSED = "proposed"
    OPEN = "open"
    SUBMITTED = "submitted"
    MET = "met"
    FAILED = "failed"
    LIFTED = "lifted"


class ObligationEvent(StrEnum):
    CONFIRM = "confirm"
    SCHEDULE = "schedule"
    SUBMIT = "submit"
    ACCEPT = "accept"
    RETURN = "return"
    EXTEND = "extend"
    FAIL = "fail"
    LIFT = "lift"


class SystemEvent(StrEnum):
    BEGUN = "begun"
    ADDED = "added"
    REMINDED = "reminded"
    ENDED = "ended"


class ObligationAlert(StrEnum):
    """How far lateness has been told, in this order."""

    NONE = "none"
    DUE_SOON = "due-soon"
    OVERDUE = "overdue"
    APPROVER = "approver"


THING = "obligation"
THING_NAMES = ("履约义务", "Obligation")
UNFINISHED = (ObligationState.PROPOSED, ObligationState.OPEN, ObligationState.SUBMITTED)
# Of these the day counts; what was handed in waits for the office and is not late.
WAITING = (ObligationState.OPEN,)

_S, _E = ObligationState, ObligationEvent
NEXT: Mapping[ObligationState, Mapping[ObligationEvent, ObligationState]] = {
    _S.PROPOSED: {_E.CONFIRM: _S.OPEN, _E.LIFT: _S.LIFTED},
    _S.OPEN: {
        _E.SCHEDULE: _S.OPEN, _E.SUBMIT: _S.SUBMITTED, _E.EXTEND: _S.OPEN,
        _E.FAIL: _S.FAILED, _E.LIFT: _S.LIFTED,
    },
    _S.SUBMITTED: {
        _E.ACCEPT: _S.MET, _E.RETURN: _S.OPEN, _E.EXTEND: _S.SUBMITTED, _E.FAIL: _S.FAILED,
        _E.LIFT: _S.LIFTED,
    },
    _S.MET: {},
    _S.FAILED: {},
    _S.LIFTED: {},
}  # fmt: skip
WHO: Mapping[ObligationEvent, Part] = {
    _E.CONFIRM: Part.APPROVER, _E.SCHEDULE: Part.REVIEWER, _E.SUBMIT: Part.APPLICANT,
    _E.ACCEPT: Part.REVIEWER, _E.RETURN: Part.REVIEWER, _E.EXTEND: Part.APPROVER,
    _E.FAIL: Part.REVIEWER, _E.LIFT: Part.APPROVER,
}  # fmt: skip
NEEDS_NOTE = frozenset({_E.RETURN, _E.EXTEND, _E.FAIL, _E.LIFT})

KIND_NAMES: Mapping[str, tuple[str, str]] = {
    ObligationKind.MILESTONE: ("节点", "Milestone"),
    ObligationKind.ACCEPTANCE: ("验收", "Acceptance"),
    ObligationKind.REPORT: ("报告", "Report"),
    ObligationKind.STAY: ("持续条件", "Condition that must last"),
}
FAILURE_NAMES: Mapping[str, tuple[str, str]] = {
    OnFailure.RECOVER: ("提请撤销并追回", "A proposal to revoke and recover"),
    OnFailure.NOTE: ("记录在案", "A note on the case"),
}
ORIGIN_NAMES: Mapping[str, tuple[str, str]] = {
    ObligationOrigin.PROGRAMME: ("项目条款", "The programme's text"),
    ObligationOrigin.DOCUMENT: ("文书或合同", "A document or contract"),
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.PROPOSED: ("待确认", "Proposed"), _S.OPEN: ("待履行", "Open"),
    _S.SUBMITTED: ("已报待验收", "Submitted"), _S.MET: ("已履行", "Met"),
    _S.FAILED: ("未履行", "Failed"), _S.LIFTED: ("已免除", "Lifted"),
}  # fmt: skip
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.CONFIRM: ("确认", "Confirm"), _E.SCHEDULE: ("定时限", "Schedule"),
    _E.SUBMIT: ("报送", "Submit"), _E.ACCEPT: ("验收", "Accept"), _E.RETURN: ("退回", "Return"),
    _E.EXTEND: ("延期", "Extend"), _E.FAIL: ("认定未履行", "Find failed"),
    _E.LIFT: ("免除", "Lift"), SystemEvent.BEGUN: ("产生", "Begun"),
    SystemEvent.ADDED: ("登记", "Added"), SystemEvent.REMINDED: ("提醒", "Reminded"),
    SystemEvent.ENDED: ("随办件终止", "Ended with its case"),
}  # fmt: skip
ALERT_NAMES: Mapping[str, tuple[str, str]] = {
    ObligationAlert.NONE: ("无", "None"), ObligationAlert.DUE_SOON: ("临期", "Due soon"),
    ObligationAlert.OVERDUE: ("逾期", "Overdue"),
    ObligationAlert.APPROVER: ("已报审批人", "Told the approvers"),
}  # fmt: skip


@dataclass(frozen=True)
class TellingRule:
    """How many working days before its day one is reminded, and after it the approvers."""

    remind_days: int
    approver_days: int


def move(state: ObligationState, event: ObligationEvent) -> ObligationState:
    """Find where an event leads, or say what the state allows."""
    if event in NEXT[state]:
        return NEXT[state][event]
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    raise event_not_allowed(THING_NAMES, STATE_NAMES[state], EVENT_NAMES[event], names)


def is_overdue(state: ObligationState, due_on: date | None, today: date) -> bool:
    return state in WAITING and due_on is not None and due_on < today


def require_failed(
    kind: ObligationKind, state: ObligationState, due_on: date | None, today: date
) -> None:
    """Find failed what was handed in and does not do, or whose day is over; no silence before.

    A condition that must last may fail on any day.
    """
    if state is ObligationState.SUBMITTED or kind is ObligationKind.STAY:
        return
    if due_on is None:
        raise Conflict(
            "该义务尚未定时限，不能认定未履行；请先依文书定时限。",
            "No day is set for this obligation, so it has not failed; set one from its document.",
            code="no-day",
        )
    if due_on >= today:
        raise Conflict(
            f"履行期限至{due_on}，尚未届满，不能认定未履行。",
            f"There is time until {due_on}; it has not failed yet.",
            code="not-due",
        )


def require_no_day(due_on: date | None) -> None:
    """Set a day once; what is set is moved by an approver, who says why."""
    if due_on is not None:
        raise Conflict(
            "该义务已定时限；改期由审批人以延期办理并说明理由。",
            "A day is set already; an approver moves it by an extension, with the reason.",
            code="day-set",
        )


def require_later(due_on: date, before: date | None, today: date) -> None:
    """Extend to a later day than the one that stands, and to none of the past."""
    if before is None:
        raise Conflict(
            "该义务尚未定时限，无从延期。", "No day is set, so none can be moved.", code="no-day"
        )
    if due_on <= before or due_on < today:
        raise invalid_field(
            "/data/due_on", "due-not-later", f"延期后的日期须晚于{before}，且不早于今日。",
            f"The new day must be after {before}, and not before today.",
        )  # fmt: skip


def require_not_past(due_on: date, today: date) -> None:
    if due_on < today:
        raise invalid_field(
            "/data/due_on", "due-past", f"时限不得早于今日（{today}）。",
            f"The day cannot be before today ({today}).",
        )  # fmt: skip


def alert_of(
    state: ObligationState, due_on: date | None, rule: TellingRule, calendar: Calendar, today: date
) -> ObligationAlert:
    """Tell who should have been told by today, counted in working days."""
    if state not in WAITING or due_on is None:
        return ObligationAlert.NONE
    left = calendar.working_days_between(today, due_on)
    if due_on >= today:
        return ObligationAlert.DUE_SOON if left <= rule.remind_days else ObligationAlert.NONE
    return ObligationAlert.APPROVER if -left >= rule.approver_days else ObligationAlert.OVERDUE


def is_worse(alert: ObligationAlert, than: ObligationAlert) -> bool:
    order = list(ObligationAlert)
    return order.index(alert) > order.index(than)
