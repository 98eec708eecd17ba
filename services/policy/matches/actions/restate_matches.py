"""Telling a newcomer where every firm stands."""

from collections.abc import AsyncIterator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.contract.events import FirmMatched
from services.policy.matches import queries
from services.policy.matches.models import MatchedFirm
from services.policy.matches.rules import event_of

FIRMS_AT_ONCE = 200


async def restate_matches(session: AsyncSession) -> AsyncIterator[FirmMatched]:
    """Announce each firm's standing as it was told last; those never told of anything are not."""
    after = ""
    while True:
        told = select(MatchedFirm).where(MatchedFirm.uscc > after, MatchedFirm.version > 0)
        heads = (await session.scalars(told.order_by(MatchedFirm.uscc).limit(FIRMS_AT_ONCE))).all()
        if not heads:
            return
        rows = await queries.matches_of(session, {head.uscc: head.matched_on for head in heads})
        for head in heads:
            standing = rows.get(head.uscc, [])
            yield event_of(head.uscc, head.version, head.matched_on, standing, [])
        after = heads[-1].uscc
