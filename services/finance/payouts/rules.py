"""Where a payment batch and its lines may go."""

from collections.abc import Iterable
from enum import StrEnum

from services.finance.moves import event_not_allowed, four_eyes

THING = ("支付批次", "The payment batch")


class PayoutState(StrEnum):
    PREPARED = "prepared"
    CHECKED = "checked"
    SENT = "sent"
    SETTLED = "settled"
    PARTLY_RETURNED = "partly-returned"
    CANCELLED = "cancelled"


class LineState(StrEnum):
    PREPARED = "prepared"
    SENT = "sent"
    HELD = "held"
    SETTLED = "settled"
    RETURNED = "returned"
    CANCELLED = "cancelled"


class PayoutEvent(StrEnum):
    CHECK = "check"
    SEND = "send"
    SETTLE = "settle"
    RETURN = "return"
    CANCEL = "cancel"


PAYOUT_STATE_NAMES = {
    PayoutState.PREPARED: ("已编制", "prepared"),
    PayoutState.CHECKED: ("已复核", "checked"),
    PayoutState.SENT: ("已送国库", "sent"),
    PayoutState.SETTLED: ("已支付", "settled"),
    PayoutState.PARTLY_RETURNED: ("部分退回", "partly returned"),
    PayoutState.CANCELLED: ("已撤销", "cancelled"),
}
LINE_STATE_NAMES = {
    LineState.PREPARED: ("待支付", "prepared"),
    LineState.SENT: ("已送国库", "sent"),
    LineState.HELD: ("暂停", "held"),
    LineState.SETTLED: ("已支付", "settled"),
    LineState.RETURNED: ("已退回", "returned"),
    LineState.CANCELLED: ("已撤销", "cancelled"),
}
PAYOUT_EVENT_NAMES = {
    PayoutEvent.CHECK: ("复核", "check"),
    PayoutEvent.SEND: ("送国库", "send"),
    PayoutEvent.SETTLE: ("登记支付", "settle"),
    PayoutEvent.RETURN: ("登记退回", "return"),
    PayoutEvent.CANCEL: ("撤销", "cancel"),
}

ALLOWED = {
    PayoutState.PREPARED: frozenset({PayoutEvent.CHECK, PayoutEvent.CANCEL}),
    PayoutState.CHECKED: frozenset({PayoutEvent.SEND, PayoutEvent.CANCEL}),
    PayoutState.SENT: frozenset({PayoutEvent.SETTLE, PayoutEvent.RETURN}),
    PayoutState.SETTLED: frozenset({PayoutEvent.RETURN}),
    PayoutState.PARTLY_RETURNED: frozenset({PayoutEvent.SETTLE, PayoutEvent.RETURN}),
    PayoutState.CANCELLED: frozenset[PayoutEvent](),
}
# A line that waits for the treasury's answer.
WITH_TREASURY = frozenset({LineState.SENT, LineState.HELD})
RETURNABLE = WITH_TREASURY | {LineState.SETTLED}
# A line that keeps its award out of every other batch.
OCCUPYING = frozenset({LineState.PREPARED, *RETURNABLE})


def allowed_events(state: str, lines: Iterable[str]) -> frozenset[PayoutEvent]:
    """Name what is possible now: nothing is settled or returned where no line is left for it."""
    states = {LineState(line) for line in lines}
    events = ALLOWED[PayoutState(state)]
    if not states & WITH_TREASURY:
        events -= {PayoutEvent.SETTLE}
    if not states & RETURNABLE:
        events -= {PayoutEvent.RETURN}
    return events


def require_allowed(state: str, lines: Iterable[str], event: PayoutEvent) -> None:
    """Refuse what the batch does not know in its state."""
    allowed = allowed_events(state, lines)
    if event not in allowed:
        names = [PAYOUT_EVENT_NAMES[each] for each in allowed]
        raise event_not_allowed(THING, PAYOUT_STATE_NAMES[PayoutState(state)], names)


def require_second_treasurer(prepared_by: str, subject: str) -> None:
    """Refuse the check of one's own batch."""
    if prepared_by == subject:
        raise four_eyes(
            "支付批次须由编制人以外的财务人员复核。",
            "A payment batch is checked by another treasurer than its author.",
        )


def state_after_answers(lines: Iterable[str]) -> PayoutState:
    """Read the state of a batch at the treasury from what became of its lines."""
    states = {LineState(line) for line in lines}
    if LineState.RETURNED in states:
        return PayoutState.PARTLY_RETURNED
    return PayoutState.SENT if states & WITH_TREASURY else PayoutState.SETTLED
