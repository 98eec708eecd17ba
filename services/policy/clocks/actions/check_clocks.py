"""Telling of what is due soon or late: an event and a line in the audit, and nothing more."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.outbox import announce
from services.policy.base import calendar_of
from services.policy.cases.models import Case
from services.policy.clocks import queries, rules
from services.policy.clocks.models import CaseClock
from services.policy.clocks.rules import Alert, ClockKind
from services.policy.contract.reminders import CaseReminded
from services.policy.limits import limits_of
from services.policy.plan.actions.load_library import library
from services.policy.steps.queries import desks_of


async def check_clocks(session: AsyncSession, _: str, now: datetime) -> None:
    """Tell each clock that has come nearer to its day, or past it, once for each alert."""
    today, held = city_day(now), limits_of(session)
    limits = rules.thresholds(
        today, held.of(held.limits.remind), held.of(held.limits.escalate), calendar_of(session)
    )
    for clock, case in await queries.to_be_told(session, limits):
        if clock.due_on is not None:
            clock.alert = limits.alert(clock.due_on)
            await _tell(session, clock, case, now)
    await session.flush()


async def _tell(session: AsyncSession, clock: CaseClock, case: Case, now: datetime) -> None:
    """Say who is to be told: whose turn it is, and in the end the lead's approver."""
    programme = library().programmes.get(case.programme)
    departments = [programme.lead_code] if programme else list[str]()
    town, role = None, "reviewer"
    if clock.alert == Alert.ESCALATED:
        role = "approver"
    elif clock.kind == ClockKind.COMPLETION and clock.alert == Alert.DUE_SOON:
        role = "applicant"
    elif clock.kind == ClockKind.STEP:
        departments, town = await desks_of(session, case.id, int(clock.reference))
    is_secret = programme is None or programme.compiled.programme.confidential
    event = CaseReminded.model_validate(
        {
            "case_id": case.id, "clock": clock.kind, "alert": clock.alert, "role": role,
            "programme": None if is_secret else case.programme,
            "departments": [] if is_secret else departments, "town_code": town,
            "due_on": clock.due_on, "provisional": clock.provisional, "on": city_day(now),
        }
    )  # fmt: skip
    announce(session, event, now=now)
    told = {"clock": clock.kind, "alert": clock.alert, "due_on": str(clock.due_on)}
    audit(session, SYSTEM, "case.remind", "case", case.id, now=now, detail=told)
