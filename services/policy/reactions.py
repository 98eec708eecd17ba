"""When facts or money moved elsewhere, this is what policy does."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.finance.contract.events import AwardChanged
from services.policy.cases.actions.hear_award import hear_award
from services.policy.firms.actions import keep_firm, keep_list_part
from services.policy.matches.actions.mark_due import EVERYBODY, mark_due
from services.policy.prefill.actions.recheck_facts import recheck_facts


async def project_firm(session: AsyncSession, event: FirmChanged, now: datetime) -> None:
    """Know a firm as enterprise knows it, and compare what cases took on its own word."""
    await keep_firm(session, event)
    await recheck_facts(session, event, now=now)


async def project_list(session: AsyncSession, event: ListPublished, _: datetime) -> None:
    """Know a list as it was published, and match firms again where it counts."""
    if await keep_list_part(session, event):
        await mark_due(session, EVERYBODY)


async def follow_award(session: AsyncSession, event: AwardChanged, now: datetime) -> None:
    """Take a case where finance's word leads it."""
    await hear_award(session, event, now=now)
