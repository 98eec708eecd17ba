"""The award's side of a payment: handed to the treasury, paid, or come back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid.actions import follow_award
from services.finance.aid.rules import AidState
from services.finance.awards import rules
from services.finance.awards.actions.end_award import void
from services.finance.awards.actions.record_change import give_reason, record_change, restate_grant
from services.finance.awards.actions.recover_award import cancel_waiting
from services.finance.awards.models import Award
from services.finance.awards.rules import AwardState
from services.finance.ledger.actions import post
from services.finance.ledger.queries import posted
from services.finance.ledger.rules import Posting, TransferKind
from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict


async def start_paying(session: AsyncSession, actor: Actor, award: Award, *, now: datetime) -> None:
    """Mark that the treasury has the payment in hand."""
    award.state = rules.move(award.state, AwardState.PAYING)
    restate_grant(award)
    await record_change(session, actor, "send", award, now=now)


async def settle(
    session: AsyncSession,
    actor: Actor,
    award: Award,
    line_id: UUID,
    document: str,
    *,
    now: datetime,
) -> None:
    """Post the payment, once for this tranche; of a case that is over it is due back at once."""
    award.state = rules.move(award.state, AwardState.PAID)
    posting = Posting(
        TransferKind.PAY,
        award.line_id,
        award.amount_fen,
        f"支付：{document}",
        award.id,
        award.tranche,
        payout_line_id=line_id,
    )
    await post(session, posting, now=now)
    award.paid_fen, award.document, award.paid_on = award.amount_fen, document, city_day(now)
    award.recovery_due_fen = award.paid_fen if award.ended else 0
    await record_change(session, actor, "pay", award, now=now, detail={"tranche": award.tranche})
    await follow_award(
        session, award.id, AidState.PAID, paid_on=award.paid_on, document=award.document
    )


async def take_back(
    session: AsyncSession, actor: Actor, award: Award, line_id: UUID, *, now: datetime
) -> None:
    """Let what came back be payable anew; let it go where the case is over."""
    if award.recovered_fen:
        raise Conflict(
            "该笔资助已部分追回，不能再按退回办理。",
            "Part of this award was recovered; it cannot come back as a returned payment.",
            code="recovery-begun",
        )
    if award.state == AwardState.PAID:
        paid = await posted(session, award.id, TransferKind.PAY, award.tranche)
        posting = Posting(
            TransferKind.RETURN,
            award.line_id,
            award.paid_fen,
            "支付退回",
            award.id,
            award.tranche,
            payout_line_id=line_id,
            reverses=paid,
        )
        await post(session, posting, now=now)
    await cancel_waiting(session, award, now=now)
    award.state = rules.move(award.state, AwardState.AWARDED)
    award.paid_fen, award.recovery_due_fen = 0, 0
    award.paid_on, award.document = None, None
    award.tranche += 1
    if award.ended is not None:
        await void(session, award, now=now)
        return
    give_reason(award, rules.PAYMENT_RETURNED)
    await record_change(session, actor, "take-back", award, now=now)
    await follow_award(session, award.id, AidState.AWARDED)
