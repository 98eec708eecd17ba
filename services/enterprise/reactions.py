"""When policy decided on a title, or an upper level did, this is what the registry does."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.granted_titles.actions import Source, record_granted, revoke_granted
from services.policy.contract.events import CaseDecided, CaseEnded
from services.policy.contract.recommendations import RecommendationChanged

FIRM = "firm"
REVOKED = "revoked"


async def record_decided_title(session: AsyncSession, event: CaseDecided, now: datetime) -> None:
    """Record the title that a case yields; of others than firms nothing is kept here."""
    holder = event.beneficiary
    if event.grant is None or holder is None or holder.kind != FIRM:
        return
    source = Source("case", event.case_id, holder.id, event.department)
    await record_granted(session, source, event.grant, now=now)


async def revoke_decided_title(session: AsyncSession, event: CaseEnded, now: datetime) -> None:
    """Take back the title of a case whose decision was revoked."""
    if event.outcome == REVOKED:
        await revoke_granted(session, "case", event.case_id, event.reason, event.on, now=now)


async def record_upper_title(
    session: AsyncSession, event: RecommendationChanged, now: datetime
) -> None:
    """Record what an upper level granted; however often it is told, once."""
    if event.title is None or event.applicant.kind != FIRM:
        return
    source = Source("recommendation", event.recommendation_id, event.applicant.id, event.department)
    await record_granted(session, source, event.title, now=now)
