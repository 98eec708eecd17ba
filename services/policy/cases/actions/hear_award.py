"""Following finance's word: what it reserved or refused, awarded, paid or took back."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.contract.events import AwardChanged
from services.policy.calls.queries import waits_for_list
from services.policy.cases import queries, rules
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, ReservationState, SystemEvent
from services.policy.notices.actions.publish_notice import publish_notice

TOLD = {
    ReservationState.RESERVED: SystemEvent.RESERVED,
    ReservationState.REFUSED: SystemEvent.RESERVATION_REFUSED,
    ReservationState.NONE: SystemEvent.RESERVATION_ENDED,
}
REACHED = {
    (CaseState.DECIDED, CaseState.AWARDED): SystemEvent.AWARDED,
    (CaseState.DECIDED, CaseState.CLOSED): SystemEvent.PAID,
    (CaseState.AWARDED, CaseState.CLOSED): SystemEvent.PAID,
    (CaseState.CLOSED, CaseState.AWARDED): SystemEvent.PAYMENT_RETURNED,
}
RECOVERED = "recovered"


async def hear_award(session: AsyncSession, event: AwardChanged, *, now: datetime) -> None:
    """Take over an award's state, if it is of the latest attempt and newer than what was heard."""
    case = await queries.case_of_award(session, event.case_id)
    if case is None or event.attempt != case.attempt or event.version <= case.award_version:
        return
    case.award_version = event.version
    was, held = CaseState(case.state), ReservationState(case.reservation_state)
    if event.state == RECOVERED:
        await _note_recovery(session, case, event, now)
        return
    _take_over(case, event)
    case.state = rules.advance(was, event.state)
    if case.state == was and case.reservation_state == held:
        return
    case.version += 1
    if case.reservation_state != held:
        data = {"amount_fen": event.amount_fen, "reason_code": event.reason_code}
        told = TOLD[ReservationState(case.reservation_state)]
        await record(session, case, told, was=was, now=now, data=data)
    is_held = was is CaseState.PROPOSED and case.reservation_state == ReservationState.RESERVED
    if is_held and not await waits_for_list(session, case):
        await publish_notice(session, [case], now=now)
    told = REACHED.get((was, CaseState(case.state)))
    if told is not None:
        data = {"amount_fen": event.amount_fen, "paid_fen": event.paid_fen}
        await record(session, case, told, was=was, now=now, data=data)


async def _note_recovery(
    session: AsyncSession, case: Case, event: AwardChanged, now: datetime
) -> None:
    """Record that all was paid back; what was reserved and decided stays as it was."""
    case.version += 1
    data = {"paid_fen": event.paid_fen, "recovered_fen": event.recovered_fen}
    was = CaseState(case.state)
    await record(session, case, SystemEvent.RECOVERED, was=was, now=now, data=data)


def _take_over(case: Case, event: AwardChanged) -> None:
    """Show what finance holds: reserved from reservation to payment, refused, or let go."""
    if event.state == "refused":
        case.reservation_state = ReservationState.REFUSED
    elif event.state == "voided":
        case.reservation_state = ReservationState.NONE
    else:
        case.reservation_state = ReservationState.RESERVED
    case.reservation_amount_fen = event.amount_fen
    case.reservation_reason_code = event.reason_code
    case.reservation_reason, case.reservation_reason_en = event.reason, event.reason_en
    case.reservation_line = event.line.model_dump(mode="json") if event.line else None
