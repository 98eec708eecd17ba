"""Recording what happened to an appeal: history, audit and announcement together."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.outbox import announce
from services.policy.aftermath.actions import By
from services.policy.aftermath.actions import record as record_matter
from services.policy.appeals.models import Appeal
from services.policy.appeals.queries import changed
from services.policy.appeals.rules import THING, AppealState


async def record(
    session: AsyncSession,
    row: Appeal,
    event: str,
    *,
    was: AppealState | None,
    now: datetime,
    by: By,
    data: dict[str, Any],
) -> None:
    """Keep what happened, and announce how the appeal stands."""
    row.changed_at = now
    await record_matter(session, THING, row, event, was=was, now=now, by=by, data=data)
    announce(session, changed(row), now=now)
