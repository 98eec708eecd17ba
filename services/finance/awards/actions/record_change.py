"""What every change of an award ends with: a new version, announced and audited."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.awards.models import Award
from services.finance.awards.queries import position_of, state_of, terms_of
from services.finance.awards.rules import Reason, counted_from, grant
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.database import save
from services.kernel.outbox import announce


async def record_change(
    session: AsyncSession,
    actor: Actor,
    verb: str,
    award: Award,
    *,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Count the version up, write the award, announce its whole state, and audit who did what."""
    award.version += 1
    award.changed_at = now
    await save(session, award)
    announce(session, state_of(award), now=now)
    told = {"state": str(award.state), "amount_fen": award.amount_fen, **(detail or {})}
    audit(session, actor, f"award.{verb}", "award", award.id, now=now, detail=told)


def restate_grant(award: Award) -> None:
    """Give the reason of the grant again, which the frozen terms and the counted aid still tell."""
    position = position_of(award)
    counted = [counted_from(each, position) for each in award.counted]
    give_reason(award, grant(award.asked_fen, position, counted, terms_of(award)).reason)


def give_reason(award: Award, reason: Reason | None) -> None:
    """State why the award is as it is, or that nothing needs saying."""
    award.reason_code = reason.code if reason else None
    award.reason_zh = reason.zh if reason else None
    award.reason_en = reason.en if reason else None
