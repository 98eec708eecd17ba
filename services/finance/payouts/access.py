"""Who may see payment batches, and who may move them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends

from services.finance.payouts.models import Payout, PayoutLine
from services.finance.payouts.rules import PayoutEvent
from services.finance.payouts.rules import allowed_events as allowed_in_state
from services.kernel.actors import Actor, Guard, Role

PayoutReader = Annotated[Actor, Depends(Guard(Role.TREASURER, Role.AUDITOR, Role.REVIEWER))]
Treasurer = Annotated[Actor, Depends(Guard(Role.TREASURER))]


def allowed_events(actor: Actor, payout: Payout, lines: Sequence[PayoutLine]) -> list[str]:
    """Name what this caller could do with the batch now."""
    if not actor.has(Role.TREASURER):
        return []
    events = allowed_in_state(payout.state, [line.state for line in lines])
    if payout.prepared_by == actor.subject:
        events -= {PayoutEvent.CHECK}
    return sorted(events)
