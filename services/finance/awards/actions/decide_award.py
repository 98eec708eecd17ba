"""Making an award of what was reserved, once a second person decided."""

from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid.actions import follow_award
from services.finance.aid.rules import AidState
from services.finance.awards import queries, rules
from services.finance.awards.actions.record_change import record_change
from services.finance.awards.rules import AwardState
from services.finance.moves import four_eyes
from services.kernel.actors import SYSTEM
from services.policy.contract.events import CaseDecided

log = structlog.get_logger()


async def decide_award(session: AsyncSession, decided: CaseDecided, *, now: datetime) -> None:
    """Award what stands reserved for this attempt; anything else is not what was decided on."""
    await queries.lock_case(session, decided.case_id)
    award = await queries.locked_of_case(session, decided.case_id)
    if award is None or award.state != AwardState.RESERVED or award.attempt != decided.attempt:
        log.warning("decision without its reservation", case_id=str(decided.case_id))
        return
    if decided.reviewed_by == decided.decided_by:
        raise four_eyes("审核人与决定人须为两人。", "Review and decision take two persons.")
    award.state = rules.move(award.state, AwardState.AWARDED)
    award.reviewed_by, award.decided_by = decided.reviewed_by, decided.decided_by
    award.decided_on = decided.on
    await record_change(session, SYSTEM, "award", award, now=now)
    await follow_award(session, award.id, AidState.AWARDED)
