"""Appeals on plain values: kinds, days as law counts them, states, results, who may handle one."""

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from services.kernel.calendar import Calendar, Deadline
from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.policy.aftermath.rules import event_not_allowed, last_day
from services.policy.cases.rules import STATE_NAMES as CASE_STATE_NAMES
from services.policy.cases.rules import CaseState
from services.policy.office import Remedies

# 行政诉讼法第四十五条: against what came of a reconsideration, from the day it was received.
AFTER_RECONSIDERATION_DAYS: Final = 15
AFTER_RECONSIDERATION_SOURCE: Final = "《中华人民共和国行政诉讼法》第四十五条"


class AppealKind(StrEnum):
    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"


class AppealAgainst(StrEnum):
    """The decision that is appealed against."""

    APPROVAL = "approval"
    REFUSAL = "refusal"
    REVOCATION = "revocation"


class AppealState(StrEnum):
    LODGED = "lodged"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DECIDED = "decided"


class AppealEvent(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    DECIDE = "decide"
    REOPEN = "reopen"


class SystemEvent(StrEnum):
    LODGED = "lodged"


class AppealResult(StrEnum):
    UPHELD = "upheld"
    CHANGED = "changed"
    ANNULLED = "annulled"
    WITHDRAWN = "withdrawn"
    SETTLED = "settled"


THING = "appeal"
THING_NAMES = ("复议诉讼件", "Appeal")
OPEN = (AppealState.LODGED, AppealState.ACCEPTED)
_S, _E = AppealState, AppealEvent
NEXT: Mapping[AppealState, Mapping[AppealEvent, AppealState]] = {
    _S.LODGED: {_E.ACCEPT: _S.ACCEPTED, _E.REJECT: _S.REJECTED, _E.DECIDE: _S.DECIDED},
    _S.ACCEPTED: {_E.DECIDE: _S.DECIDED},
    _S.REJECTED: {},
    _S.DECIDED: {_E.REOPEN: _S.DECIDED},
}
# What may end an appeal that nobody has accepted yet.
UNACCEPTED_RESULTS = (AppealResult.WITHDRAWN, AppealResult.SETTLED)
# What takes the decision out of the world, so that its case is decided anew.
UNDOING = (AppealResult.ANNULLED, AppealResult.CHANGED)
AGAINST: Mapping[CaseState, AppealAgainst] = {
    CaseState.DECIDED: AppealAgainst.APPROVAL,
    CaseState.AWARDED: AppealAgainst.APPROVAL,
    CaseState.CLOSED: AppealAgainst.APPROVAL,
    CaseState.REFUSED: AppealAgainst.REFUSAL,
    CaseState.REVOKED: AppealAgainst.REVOCATION,
}

KIND_NAMES: Mapping[str, tuple[str, str]] = {
    AppealKind.RECONSIDERATION: ("行政复议", "Administrative reconsideration"),
    AppealKind.LITIGATION: ("行政诉讼", "Administrative litigation"),
}
AGAINST_NAMES: Mapping[str, tuple[str, str]] = {
    AppealAgainst.APPROVAL: ("批准决定", "The approval"),
    AppealAgainst.REFUSAL: ("不予批准决定", "The refusal"),
    AppealAgainst.REVOCATION: ("撤销决定", "The revocation"),
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.LODGED: ("已提出", "Lodged"), _S.ACCEPTED: ("已受理", "Accepted"),
    _S.REJECTED: ("不予受理", "Not accepted"), _S.DECIDED: ("已有结果", "Decided"),
}  # fmt: skip
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    SystemEvent.LODGED: ("提出", "Lodged"), _E.ACCEPT: ("登记受理", "Record acceptance"),
    _E.REJECT: ("登记不予受理", "Record that it is not accepted"),
    _E.DECIDE: ("登记结果", "Record the result"), _E.REOPEN: ("重新办理", "Have decided anew"),
}  # fmt: skip
RESULT_NAMES: Mapping[str, tuple[str, str]] = {
    AppealResult.UPHELD: ("维持", "Upheld"), AppealResult.CHANGED: ("变更", "Changed"),
    AppealResult.ANNULLED: ("撤销或责令重作", "Annulled"),
    AppealResult.WITHDRAWN: ("申请人撤回", "Withdrawn"),
    AppealResult.SETTLED: ("调解或和解", "Settled"),
}  # fmt: skip


def move(state: AppealState, event: AppealEvent) -> AppealState:
    """Find where an event leads, or say what the state allows."""
    if event in NEXT[state]:
        return NEXT[state][event]
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    raise event_not_allowed(THING_NAMES, STATE_NAMES[state], EVENT_NAMES[event], names)


def against_of(state: CaseState) -> AppealAgainst:
    """Name the decision that a case stands by, or refuse: only decisions are appealed against."""
    if state in AGAINST:
        return AGAINST[state]
    zh, en = CASE_STATE_NAMES[state]
    raise Conflict(
        f"办件处于“{zh}”状态，尚无可申请复议或起诉的决定。",
        f"The case is {en}; there is no decision to appeal against.",
        code="case-not-decided",
    )


def deadline_of(
    kind: AppealKind,
    notified_on: date | None,
    remedies: Remedies,
    calendar: Calendar,
    *,
    after_reconsideration: bool,
) -> Deadline | None:
    """Count from the day of notification; where that is not known, neither is the last day."""
    if notified_on is None:
        return None
    if kind is AppealKind.RECONSIDERATION:
        return last_day(notified_on, calendar, days=remedies.reconsideration.days)
    if after_reconsideration:
        return last_day(notified_on, calendar, days=AFTER_RECONSIDERATION_DAYS)
    return last_day(notified_on, calendar, months=remedies.litigation.months)


def is_late(lodged_on: date, deadline: Deadline | None) -> bool | None:
    """Say that it came late, which its own body judges; None where the last day is not known."""
    return None if deadline is None else lodged_on > deadline.day


def require_days(decided_on: date, notified_on: date | None, lodged_on: date, today: date) -> None:
    """Refuse days that cannot be: decision, notification, lodging and today follow each other."""
    if not decided_on <= lodged_on <= today:
        raise invalid_field(
            "/lodged_on", "day-out-of-order", f"提出之日须在{decided_on}（决定之日）至今日之间。",
            f"It was lodged between the decision ({decided_on}) and today.",
        )  # fmt: skip
    if notified_on is not None and not decided_on <= notified_on <= lodged_on:
        raise invalid_field(
            "/notified_on", "day-out-of-order",
            f"知道之日须在{decided_on}（决定之日）至提出之日之间。",
            f"It was known of between the decision ({decided_on}) and the day of lodging.",
        )  # fmt: skip


def require_between(on: date, first: date, today: date) -> None:
    if not first <= on <= today:
        raise invalid_field(
            "/data/on", "day-out-of-order", f"日期须在{first}至今日之间。",
            f"The day must be between {first} and today.",
        )  # fmt: skip


def may_be_followed(kind: str, state: str) -> bool:
    """Tell whether litigation may follow: a reconsideration has ended, or was not accepted."""
    ended = state in (AppealState.DECIDED, AppealState.REJECTED)
    return kind == AppealKind.RECONSIDERATION and ended


def require_other_hands(subject: str, handled: Iterable[str]) -> None:
    """Let no one who had a hand in the decision handle what is brought against it."""
    if subject in set(handled):
        raise Forbidden(
            "办理过本件的人员不能办理针对本件的复议、诉讼事项，须由另一人办理。",
            "Whoever handled the case does not handle what is brought against it.",
            code="four-eyes",
        )


def require_accepted(state: AppealState, result: AppealResult) -> None:
    """Take a judgement only of what was accepted; what was not may be withdrawn or settled."""
    if state is AppealState.LODGED and result not in UNACCEPTED_RESULTS:
        raise Conflict(
            "尚未登记受理，只能登记撤回或和解；请先登记受理。",
            "It was not accepted yet: only a withdrawal or settlement can be recorded.",
            code="not-accepted",
        )


def require_undone(
    result: AppealResult | None, state: CaseState, *, same_attempt: bool, was_paid: bool
) -> None:
    """Decide anew only what was undone, and what finance has not paid."""
    if result not in UNDOING or not same_attempt:
        raise Conflict(
            "原决定未被撤销或变更，不能重新办理。",
            "The decision was neither annulled nor changed; it is not decided anew.",
            code="decision-stands",
        )
    if state not in (CaseState.REFUSED, CaseState.REVOKED):
        raise Conflict(
            "批准决定被撤销或变更的，请先撤销本件，再重新办理。",
            "Of an approval that was undone, revoke the case first; then have it decided anew.",
            code="case-not-ended",
        )
    if was_paid:
        raise Conflict(
            "资金已经拨付，撤销被推翻的，由资金部门停止追回，不重新办理。",
            "Its money was paid: finance stops recovering it; nothing is decided anew.",
            code="paid-before",
        )


def already_reopened() -> Conflict:
    return Conflict(
        "已重新办理，见后续办件。", "It is being decided anew; see the case that follows.",
        code="already-reopened",
    )  # fmt: skip
