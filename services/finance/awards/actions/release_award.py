"""Letting a reservation go: the reverse of the transfer that made it."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.awards.models import Award
from services.finance.ledger.actions import post
from services.finance.ledger.queries import posted
from services.finance.ledger.rules import Posting, TransferKind


async def release(session: AsyncSession, award: Award, statement: str, *, now: datetime) -> None:
    """Give what the current attempt reserved back to its line."""
    reserved = await posted(session, award.id, TransferKind.RESERVE, award.attempt)
    posting = Posting(
        TransferKind.RELEASE,
        award.line_id,
        award.amount_fen,
        statement,
        award.id,
        award.attempt,
        reverses=reserved,
    )
    await post(session, posting, now=now)
