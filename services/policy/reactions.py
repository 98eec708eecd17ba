"""When facts or money moved elsewhere, this is what policy does."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.finance.contract.events import AidChanged, AwardChanged, BudgetChanged
from services.policy.cases.actions.hear_award import hear_award
from services.policy.firms.actions import keep_firm, keep_list_part
from services.policy.matches.actions.mark_due import EVERYBODY, mark_due
from services.policy.treasury.actions import keep_aid, keep_budget


async def project_firm(session: AsyncSession, event: FirmChanged, _: datetime) -> None:
    """Know a firm as enterprise knows it."""
    await keep_firm(session, event)


async def project_list(session: AsyncSession, event: ListPublished, _: datetime) -> None:
    """Know a list as it was published, and match firms again where it counts."""
    if await keep_list_part(session, event):
        await mark_due(session, EVERYBODY)


async def follow_award(session: AsyncSession, event: AwardChanged, now: datetime) -> None:
    """Take a case where finance's word leads it."""
    await hear_award(session, event, now=now)


async def project_budget(session: AsyncSession, event: BudgetChanged, _: datetime) -> None:
    """Know what may be spent."""
    await keep_budget(session, event)


async def project_aid(session: AsyncSession, event: AidChanged, _: datetime) -> None:
    """Know which aid of any level a firm has."""
    await keep_aid(session, event)
