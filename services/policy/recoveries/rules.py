"""Proposals to revoke and recover on plain values: grounds, states, and when one is ripe."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.kernel.errors import Conflict, invalid_field
from services.policy.aftermath.rules import Part, event_not_allowed


class GroundKind(StrEnum):
    OBLIGATION = "obligation"
    CHECK = "check"
    FINDING = "finding"


class RecoveryState(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    DISMISSED = "dismissed"
    LAPSED = "lapsed"


class RecoveryEvent(StrEnum):
    HEAR = "hear"
    RESPOND = "respond"
    APPROVE = "approve"
    DISMISS = "dismiss"


class SystemEvent(StrEnum):
    PROPOSED = "proposed"
    GROUND_ADDED = "ground-added"
    LAPSED = "lapsed"


THING = "recovery"
THING_NAMES = ("撤销追回提请", "Proposal to revoke and recover")
UNDECIDED = (RecoveryState.OPEN,)
_S, _E = RecoveryState, RecoveryEvent
NEXT: Mapping[RecoveryState, Mapping[RecoveryEvent, RecoveryState]] = {
    _S.OPEN: {
        _E.HEAR: _S.OPEN, _E.RESPOND: _S.OPEN, _E.APPROVE: _S.APPROVED, _E.DISMISS: _S.DISMISSED,
    },
    _S.APPROVED: {},
    _S.DISMISSED: {},
    _S.LAPSED: {},
}  # fmt: skip
WHO: Mapping[RecoveryEvent, Part] = {
    _E.HEAR: Part.REVIEWER, _E.RESPOND: Part.APPLICANT, _E.APPROVE: Part.APPROVER,
    _E.DISMISS: Part.APPROVER,
}  # fmt: skip
NEEDS_NOTE = frozenset({_E.RESPOND, _E.APPROVE, _E.DISMISS})

GROUND_NAMES: Mapping[str, tuple[str, str]] = {
    GroundKind.OBLIGATION: ("未履行义务", "A failed obligation"),
    GroundKind.CHECK: ("抽查不合格", "A failed check"),
    GroundKind.FINDING: ("核查发现", "A finding"),
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.OPEN: ("待决定", "Open"), _S.APPROVED: ("同意撤销追回", "Approved"),
    _S.DISMISSED: ("不予撤销", "Dismissed"), _S.LAPSED: ("随办件终止", "Lapsed with its case"),
}  # fmt: skip
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.HEAR: ("告知陈述期限", "Set a day to be heard by"), _E.RESPOND: ("陈述申辩", "Respond"),
    _E.APPROVE: ("同意", "Approve"), _E.DISMISS: ("不同意", "Dismiss"),
    SystemEvent.PROPOSED: ("提请", "Proposed"),
    SystemEvent.GROUND_ADDED: ("增列理由", "A ground added"),
    SystemEvent.LAPSED: ("终止", "Lapsed"),
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """Why an award may have to be revoked, and the matter that shows it."""

    kind: GroundKind
    id: UUID | None
    reason: str


def move(state: RecoveryState, event: RecoveryEvent) -> RecoveryState:
    """Find where an event leads, or say what the state allows."""
    if event in NEXT[state]:
        return NEXT[state][event]
    names = [EVENT_NAMES[each] for each in NEXT[state]]
    raise event_not_allowed(THING_NAMES, STATE_NAMES[state], EVENT_NAMES[event], names)


def require_heard(respond_by: date | None, today: date, *, has_responded: bool) -> None:
    """Revoke nothing before its holder has spoken, or let the day for it pass."""
    if has_responded or (respond_by is not None and respond_by < today):
        return
    if respond_by is None:
        raise Conflict(
            "尚未告知申报单位陈述、申辩的期限，不能同意撤销追回。",
            "The applicant was given no day to be heard by; nothing is revoked before that.",
            code="not-heard",
        )
    raise Conflict(
        f"申报单位可在{respond_by}前（含当日）陈述、申辩，期限届满前不能同意撤销追回。",
        f"The applicant may be heard until {respond_by}; nothing is revoked before that.",
        code="not-heard",
    )


def require_coming(respond_by: date, today: date) -> None:
    if respond_by <= today:
        raise invalid_field(
            "/data/respond_by", "day-not-coming", f"陈述期限须晚于今日（{today}）。",
            f"The day to be heard by must be after today ({today}).",
        )  # fmt: skip
