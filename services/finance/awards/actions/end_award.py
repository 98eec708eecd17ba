"""A case that is over: what finance holds for it is let go, what it paid is due back."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid.actions import follow_award
from services.finance.aid.rules import AidState
from services.finance.awards import queries, rules
from services.finance.awards.actions.record_change import give_reason, record_change
from services.finance.awards.actions.release_award import release
from services.finance.awards.models import Award, EndedCase
from services.finance.awards.rules import AwardState
from services.kernel.actors import SYSTEM
from services.policy.contract.events import CaseEnded


async def end_award(session: AsyncSession, ended: CaseEnded, *, now: datetime) -> Award | None:
    """Void what is held, ask back what is paid; what is at the treasury waits for its answer."""
    await queries.lock_case(session, ended.case_id)
    if await queries.has_ended(session, ended.case_id):
        return None
    session.add(
        EndedCase(case_id=ended.case_id, outcome=ended.outcome, ended_on=ended.on, heard_at=now)
    )
    await session.flush()
    award = await queries.locked_of_case(session, ended.case_id)
    if award is None or award.state == AwardState.REFUSED:
        return None
    award.ended = ended.outcome
    give_reason(award, rules.case_ended(ended.outcome))
    if award.state in (AwardState.RESERVED, AwardState.AWARDED):
        await void(session, award, now=now)
    elif award.state == AwardState.PAID:
        award.recovery_due_fen = award.paid_fen - award.recovered_fen
        await record_change(session, SYSTEM, "ask-back", award, now=now)
    else:
        verb = "hold" if award.state == AwardState.PAYING else "note-end"
        await record_change(session, SYSTEM, verb, award, now=now)
    return award


async def void(session: AsyncSession, award: Award, *, now: datetime) -> None:
    """Release what is held; the award is over."""
    await release(session, award, f"释放预留：{award.reason_zh}", now=now)
    award.state = rules.move(award.state, AwardState.VOIDED)
    await record_change(session, SYSTEM, "void", award, now=now)
    await follow_award(session, award.id, AidState.VOID)
