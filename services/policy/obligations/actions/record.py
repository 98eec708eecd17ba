"""Recording what happened to an obligation: history, audit and announcement together."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.outbox import announce
from services.policy.aftermath.actions import OURS, By
from services.policy.aftermath.actions import record as record_matter
from services.policy.obligations.models import Obligation
from services.policy.obligations.queries import changed
from services.policy.obligations.rules import THING, ObligationState


async def record(
    session: AsyncSession,
    row: Obligation,
    event: str,
    *,
    was: ObligationState | None,
    now: datetime,
    by: By = OURS,
    data: dict[str, Any] | None = None,
) -> None:
    """Keep what happened, and announce how the obligation stands."""
    row.changed_at = now
    await record_matter(session, THING, row, event, was=was, now=now, by=by, data=data)
    announce(session, changed(row), now=now)
