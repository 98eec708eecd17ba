"""When facts or money moved elsewhere, this is what policy does."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import FirmChanged, ListPublished
from services.enterprise.contract.recognitions import RecognitionAnswered
from services.finance.contract.events import AidChanged, AwardChanged, BudgetChanged
from services.policy.cases.actions.hear_award import hear_award
from services.policy.firms.actions import keep_firm, keep_list_part
from services.policy.matches.actions.mark_due import EVERYBODY, mark_due
from services.policy.prefill.actions.recheck_facts import recheck_facts
from services.policy.recommendations.actions import hear_title as of_recommendation
from services.policy.titles import actions as of_case
from services.policy.treasury.actions import keep_aid, keep_budget


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


async def project_budget(session: AsyncSession, event: BudgetChanged, _: datetime) -> None:
    """Know what may be spent."""
    await keep_budget(session, event)


async def project_aid(session: AsyncSession, event: AidChanged, _: datetime) -> None:
    """Know which aid of any level a firm has."""
    await keep_aid(session, event)


async def follow_recognition(
    session: AsyncSession, event: RecognitionAnswered, now: datetime
) -> None:
    """Take over what the registry holds of a title that a case or an upper level granted."""
    if event.source_kind == "case":
        await of_case.hear_title(session, event, now=now)
    else:
        await of_recommendation.hear_title(session, event, now=now)
