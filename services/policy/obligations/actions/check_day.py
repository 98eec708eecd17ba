"""Telling once a day what of the obligations is nearly due or late; silence changes no state."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.outbox import announce
from services.policy.base import calendar_of
from services.policy.cases.models import Case
from services.policy.contract.aftermath import ObligationReminded
from services.policy.obligations import queries, rules
from services.policy.obligations.actions.record import record
from services.policy.obligations.models import Obligation
from services.policy.obligations.rules import ObligationAlert, ObligationState, SystemEvent
from services.policy.plan.actions.load_library import library

CHECK_TIMER = "check-obligations"
# The timer comes more often than the day changes, so that a moved clock is noticed at once.
CHECK_EVERY = timedelta(minutes=10)


async def check_obligations(session: AsyncSession, _: str, now: datetime) -> None:
    """Tell what a day brings, unless this day has been looked through already."""
    today, calendar = city_day(now), calendar_of(session)
    if not await queries.is_first_check(session, today, now):
        return
    rule = await queries.telling_rule(session, today)
    until = calendar.add_working_days(today, rule.remind_days).day
    for row, case in await queries.to_be_told(session, until):
        alert = rules.alert_of(ObligationState(row.state), row.due_on, rule, calendar, today)
        if rules.is_worse(alert, ObligationAlert(row.alert)):
            await _tell(session, row, case, alert, now)


async def _tell(
    session: AsyncSession, row: Obligation, case: Case, alert: ObligationAlert, now: datetime
) -> None:
    """Mark how far it has come, and say who is to be told."""
    row.alert = alert
    row.version += 1
    programme = library().programmes.get(case.programme)
    was = ObligationState(row.state)
    await record(session, row, SystemEvent.REMINDED, was=was, now=now, data={"alert": alert})
    event = ObligationReminded.model_validate(
        {
            "obligation_id": row.id, "case_id": row.case_id, "alert": alert,
            "department": programme.lead_code if programme else None, "due_on": row.due_on,
            "on": city_day(now),
        }
    )  # fmt: skip
    announce(session, event, now=now)
