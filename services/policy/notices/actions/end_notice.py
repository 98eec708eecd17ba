"""What time does to an item: its days are over, its result is wanted, its result is there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.outbox import announce
from services.kernel.timers import set_timer
from services.policy.base import calendar_of
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case
from services.policy.cases.queries import case_of_award, listed_item
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.contract.events import ResultReminded
from services.policy.notices import queries
from services.policy.notices.models import NoticeItem
from services.policy.notices.rules import (
    ONE_DAY,
    OVERDUE_TIMER,
    REMIND_TIMER,
    RESULT_REMINDER_DAYS,
    ItemResult,
    ItemState,
    midnight,
    result_deadline,
)
from services.policy.plan.actions.load_library import library


async def end_notice(session: AsyncSession, reference: str, now: datetime) -> None:
    """Note that an item has run its days, and have its result reminded of; nothing is decided."""
    found = await _locked(session, reference)
    if found is None:
        return
    item, case = found
    if item.state != ItemState.LISTED or item.ended_at is not None or now < item.ends_at:
        return
    if case.state != CaseState.IN_NOTICE or case.attempt != item.attempt:
        return
    item.ended_at = now
    calendar = calendar_of(session)
    reminded_on = calendar.add_working_days(item.last_day, RESULT_REMINDER_DAYS).day
    due_on = result_deadline(item.last_day, calendar).day
    await set_timer(session, REMIND_TIMER, reference, midnight(reminded_on))
    await set_timer(session, OVERDUE_TIMER, reference, midnight(due_on + ONE_DAY))
    data = {"last_day": item.last_day.isoformat(), "result_due_on": due_on.isoformat()}
    was = CaseState.IN_NOTICE
    await record(session, case, SystemEvent.NOTICE_ENDED, was=was, now=now, data=data)


async def remind_of_result(session: AsyncSession, reference: str, now: datetime) -> None:
    """Announce that the result of an item is wanted soon, unless it is late already."""
    await _remind(session, reference, now, is_overdue=False)


async def report_overdue(session: AsyncSession, reference: str, now: datetime) -> None:
    """Announce that the result of an item was not published in its days."""
    await _remind(session, reference, now, is_overdue=True)


async def publish_result(
    session: AsyncSession, case: Case, result: ItemResult, *, now: datetime
) -> None:
    """Show on the notice what came of a case, where it had one."""
    item = await listed_item(session, case)
    if item is not None:
        item.result, item.result_at = result, now


async def _remind(
    session: AsyncSession, reference: str, now: datetime, *, is_overdue: bool
) -> None:
    found = await _locked(session, reference)
    if found is None:
        return
    item, case = found
    if item.state != ItemState.LISTED or item.ended_at is None or item.result is not None:
        return
    due_on = result_deadline(item.last_day, calendar_of(session)).day
    if (now >= midnight(due_on + ONE_DAY)) is not is_overdue:
        return
    programme = library().programmes.get(case.programme)
    event = ResultReminded(
        notice_id=item.notice_id, case_id=case.id,
        department=programme.lead_code if programme else None, due_on=due_on,
        is_overdue=is_overdue,
    )  # fmt: skip
    announce(session, event, now=now)


async def _locked(session: AsyncSession, reference: str) -> tuple[NoticeItem, Case] | None:
    """Find an item and its case, the case first: whoever moves it locks in this order."""
    item = await session.get(NoticeItem, UUID(reference))
    case = await case_of_award(session, item.case_id) if item is not None else None
    if item is None or case is None:
        return None
    return await queries.current(session, item.id), case
