"""Matters that follow a decision, on plain values: kinds, parts, and days as law counts them."""

import calendar as months_of
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum

from services.kernel.calendar import Calendar, Deadline
from services.kernel.errors import Conflict, invalid_field

MONTHS = 12
Words = tuple[str, str]


class MatterKind(StrEnum):
    """A kind of matter that may still be open once a case is decided."""

    OBLIGATION = "obligation"
    RECOVERY = "recovery"
    APPEAL = "appeal"
    SELF_EVALUATION = "self-evaluation"
    CHECK = "check"


class Part(StrEnum):
    """What someone is to a matter of a case."""

    APPLICANT = "applicant"
    REVIEWER = "reviewer"
    APPROVER = "approver"


MATTER_NAMES: Mapping[str, Words] = {
    MatterKind.OBLIGATION: ("履约义务", "Obligation"),
    MatterKind.RECOVERY: ("撤销追回提请", "Proposal to revoke and recover"),
    MatterKind.APPEAL: ("行政复议或诉讼", "Reconsideration or litigation"),
    MatterKind.SELF_EVALUATION: ("绩效自评", "Self-evaluation"),
    MatterKind.CHECK: ("随机抽查", "Random check"),
}


def last_day(start: date, calendar: Calendar, *, days: int = 0, months: int = 0) -> Deadline:
    """Count as 民法典第201至203条 do: the first day not, a day of rest at the end moves on."""
    end = add_months(start, months) + timedelta(days=days)
    following = calendar.add_working_days(end - timedelta(days=1), 1)
    if calendar.is_working_day(end):
        return Deadline(end, provisional=not calendar.is_published(end.year))
    return following


def add_months(day: date, months: int) -> date:
    """Give the same day of a later month, or its last where it has no such day."""
    years, index = divmod(day.month - 1 + months, MONTHS)
    year, month = day.year + years, index + 1
    return date(year, month, min(day.day, months_of.monthrange(year, month)[1]))


def event_not_allowed(
    thing: Words, state: Words, event: Words, allowed: Iterable[Words]
) -> Conflict:
    """Name the state that a matter is in, and what that state allows."""
    names = list(allowed)
    return Conflict(
        f"{thing[0]}处于“{state[0]}”状态，不能{event[0]}；"
        f"可办理：{'、'.join(name[0] for name in names) or '无'}。",
        f"This ({thing[1].lower()}) is “{state[1]}” and does not take “{event[1]}”; allowed: "
        f"{', '.join(name[1] for name in names) or 'none'}.",
        code="event-not-allowed",
    )


def require_note(note: str, event: Words) -> None:
    """Ask for the reason of an event that nobody does without one."""
    if not note.strip():
        raise invalid_field(
            "/note", "note-required", f"{event[0]}须写明情况或理由。",
            f"“{event[1]}” needs a note that says how it stands, or why.",
        )  # fmt: skip


def require_settled(kinds: Iterable[str]) -> None:
    """Archive no case of which something is still open."""
    open_kinds = list(dict.fromkeys(kinds))
    if open_kinds:
        names = [MATTER_NAMES[kind] for kind in open_kinds]
        raise Conflict(
            f"本件尚有未了事项（{'、'.join(name[0] for name in names)}），了结后方可归档。",
            "Something of the case is still open"
            f" ({', '.join(name[1].lower() for name in names)}); it is archived once that is over.",
            code="matters-open",
        )
