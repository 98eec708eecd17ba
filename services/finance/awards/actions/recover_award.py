"""Claw-back: prepared by one treasurer, posted as a reverse transfer when another confirms."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid.actions import follow_award
from services.finance.aid.rules import AidState
from services.finance.awards import queries, rules
from services.finance.awards.actions.record_change import record_change
from services.finance.awards.models import Award, Recovery
from services.finance.awards.rules import AwardEvent, AwardState
from services.finance.awards.schemas import AwardEventBody
from services.finance.ledger.actions import post
from services.finance.ledger.queries import posted
from services.finance.ledger.rules import Posting, TransferKind
from services.finance.money import yuan, yuan_in_english
from services.finance.moves import event_not_allowed, four_eyes
from services.kernel.actors import Actor
from services.kernel.errors import invalid_field
from services.kernel.etags import check_version
from services.kernel.ids import new_id


async def move_award(
    session: AsyncSession, actor: Actor, award_id: UUID, body: AwardEventBody, *, now: datetime
) -> Award:
    """Prepare, confirm or cancel the recovery of a paid award."""
    found = await queries.locked(session, [award_id])
    if not found:
        raise queries.not_found()
    (award,) = found
    check_version(body.version, award.version)
    waiting = await queries.open_recovery(session, award.id)
    _require_allowed(actor, award, waiting, body.event)
    if body.event is AwardEvent.RECOVER:
        await _prepare(session, actor, award, body, now=now)
    elif waiting is not None and body.event is AwardEvent.CONFIRM_RECOVERY:
        await _confirm(session, actor, award, waiting, now=now)
    else:
        await cancel_waiting(session, award, now=now)
        await record_change(session, actor, "cancel-recovery", award, now=now)
    return award


async def cancel_waiting(session: AsyncSession, award: Award, *, now: datetime) -> None:
    """Let a recovery go that nobody confirmed: it was wrong, or the money came back by itself."""
    waiting = await queries.open_recovery(session, award.id)
    if waiting is not None:
        waiting.state, waiting.closed_at = "cancelled", now
        await session.flush()


def _require_allowed(
    actor: Actor, award: Award, waiting: Recovery | None, event: AwardEvent
) -> None:
    prepared_by = waiting.prepared_by if waiting else None
    if event is AwardEvent.CONFIRM_RECOVERY and prepared_by == actor.subject:
        raise four_eyes(
            "追回须由另一名财务人员确认。", "A recovery is confirmed by a second treasurer."
        )
    left_fen = award.paid_fen - award.recovered_fen
    allowed = rules.events_for(
        award.state, left_fen=left_fen, prepared_by=prepared_by, subject=actor.subject
    )
    if event not in allowed:
        names = [rules.AWARD_EVENT_NAMES[each] for each in allowed]
        state = rules.AWARD_STATE_NAMES[AwardState(award.state)]
        raise event_not_allowed(rules.THING, state, names)


async def _prepare(
    session: AsyncSession, actor: Actor, award: Award, body: AwardEventBody, *, now: datetime
) -> None:
    left_fen = award.paid_fen - award.recovered_fen
    amount_fen = body.data.amount_fen or award.recovery_due_fen or left_fen
    if amount_fen > left_fen:
        raise invalid_field(
            "/data/amount_fen",
            "recovery-exceeds-paid",
            f"追回金额不能超过尚未追回的已付金额{yuan(left_fen)}。",
            f"No more than the {yuan_in_english(left_fen)} still paid can be recovered.",
        )
    if body.data.document is None:
        raise invalid_field(
            "/data/document", "missing", "追回须注明文号。", "A recovery names its document."
        )
    earlier = await queries.recoveries(session, award.id)
    recovery = Recovery(
        id=new_id(),
        award_id=award.id,
        number=len(earlier) + 1,
        amount_fen=amount_fen,
        document=body.data.document,
        note=body.note,
        state="prepared",
        prepared_by=actor.subject,
        prepared_at=now,
    )
    session.add(recovery)
    detail = {"recovery_fen": amount_fen}
    await record_change(session, actor, "prepare-recovery", award, now=now, detail=detail)


async def _confirm(
    session: AsyncSession, actor: Actor, award: Award, waiting: Recovery, *, now: datetime
) -> None:
    waiting.state, waiting.confirmed_by, waiting.closed_at = "confirmed", actor.subject, now
    whole = waiting.amount_fen == award.paid_fen
    reverses = None
    if whole:
        reverses = await posted(session, award.id, TransferKind.PAY, award.tranche)
    posting = Posting(
        TransferKind.RECOVER,
        award.line_id,
        waiting.amount_fen,
        f"追回：{waiting.document}",
        award.id,
        waiting.number,
        reverses=reverses,
    )
    await post(session, posting, now=now)
    award.recovered_fen += waiting.amount_fen
    left_fen = award.paid_fen - award.recovered_fen
    award.recovery_due_fen = min(max(0, award.recovery_due_fen - waiting.amount_fen), left_fen)
    if left_fen == 0:
        award.state = rules.move(award.state, AwardState.RECOVERED)
    detail = {"recovery_fen": waiting.amount_fen}
    await record_change(session, actor, "recover", award, now=now, detail=detail)
    await follow_award(
        session,
        award.id,
        AidState.PAID if left_fen else AidState.VOID,
        amount_fen=left_fen or None,
        paid_on=award.paid_on,
        document=award.document,
    )
