"""When policy proposed, decided or ended something, finance reserves, awards or lets go."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid import actions as aid
from services.finance.awards.actions import decide_award as deciding
from services.finance.awards.actions import end_award as ending
from services.finance.awards.actions import reserve_award as reserving
from services.finance.payouts.actions import stop_payment
from services.policy.contract.desk import LegacyCaseImported
from services.policy.contract.events import AwardProposed, CaseDecided, CaseEnded


async def reserve_award(session: AsyncSession, event: AwardProposed, now: datetime) -> None:
    """Reserve what was proposed, as far as other aid and the budget leave room."""
    await reserving.reserve_award(session, event, now=now)


async def decide_award(session: AsyncSession, event: CaseDecided, now: datetime) -> None:
    """Make an award of what was reserved; a title or a place is none of finance's."""
    if event.without_money:
        return
    await deciding.decide_award(session, event, now=now)


async def end_award(session: AsyncSession, event: CaseEnded, now: datetime) -> None:
    """Let go what is held for a case that is over, stop its payment, or ask it back."""
    await aid.end_legacy(session, event, now=now)
    award = await ending.end_award(session, event, now=now)
    if award is not None:
        await stop_payment(session, award, now=now)


async def enter_legacy_aid(session: AsyncSession, event: LegacyCaseImported, now: datetime) -> None:
    """Count what was paid for a case of earlier years as aid, once."""
    await aid.enter_legacy(session, event, now=now)
