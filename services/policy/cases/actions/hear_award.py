"""Following finance's word: what it reserved or refused, awarded, paid or took back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.contract.events import AwardChanged
from services.kernel.clock import city_day
from services.kernel.ids import new_id
from services.kernel.timers import set_timer
from services.policy.base import calendar_of
from services.policy.cases import queries, rules
from services.policy.cases.actions.move_case import NOTICE_TIMER
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case, Notice
from services.policy.cases.rules import CaseState, ReservationState, SystemEvent
from services.policy.plan.actions.load_library import library

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
    if was is CaseState.PROPOSED and case.reservation_state == ReservationState.RESERVED:
        await _begin_notice(session, case, event.amount_fen, now)
    told = REACHED.get((was, CaseState(case.state)))
    if told is not None:
        data = {"amount_fen": event.amount_fen, "paid_fen": event.paid_fen}
        await record(session, case, told, was=was, now=now, data=data)


async def end_notice(session: AsyncSession, reference: str, now: datetime) -> None:
    """Note that a notice has run its days; from now on the case may be decided."""
    notice = await session.get(Notice, UUID(reference))
    if notice is None:
        return
    notice.ended_at = now
    case = await queries.case_of_award(session, notice.case_id)
    if case is not None and case.state == CaseState.IN_NOTICE and case.attempt == notice.attempt:
        data = {"last_day": notice.last_day.isoformat()}
        await record(
            session, case, SystemEvent.NOTICE_ENDED, was=CaseState.IN_NOTICE, now=now, data=data
        )


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


async def _begin_notice(session: AsyncSession, case: Case, amount_fen: int, now: datetime) -> None:
    """Publish what is proposed, where the programme asks for a notice."""
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if programme is None or programme.notice_days == 0:
        return
    period = rules.notice_period(city_day(now), programme.notice_days, calendar_of(session))
    notice = Notice(
        id=new_id(), case_id=case.id, attempt=case.attempt, amount_fen=amount_fen,
        published_on=period.published_on, first_day=period.first_day, last_day=period.last_day,
        days=programme.notice_days, ends_at=period.ends_at, provisional=period.provisional,
    )  # fmt: skip
    session.add(notice)
    case.state = CaseState.IN_NOTICE
    await set_timer(session, NOTICE_TIMER, str(notice.id), period.ends_at)
    data = {"from": period.first_day.isoformat(), "to": period.last_day.isoformat()}
    await record(
        session, case, SystemEvent.NOTICE_BEGUN, was=CaseState.PROPOSED, now=now, data=data
    )
