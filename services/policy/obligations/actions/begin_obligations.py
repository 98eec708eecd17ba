"""Beginning obligations: the text's on the day of the decision, those of documents later."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.policy.aftermath.actions import By, require_part
from services.policy.aftermath.rules import Part, last_day
from services.policy.base import calendar_of
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.rules import RECEIVED, STATE_NAMES, CaseState
from services.policy.obligations.actions.record import record
from services.policy.obligations.models import Obligation
from services.policy.obligations.rules import (
    ObligationAlert,
    ObligationOrigin,
    ObligationState,
    SystemEvent,
    require_not_past,
)
from services.policy.obligations.schemas import NewObligation
from services.policy.plan.rules import PlanProgramme


async def begin_obligations(
    session: AsyncSession, case: Case, programme: PlanProgramme, *, now: datetime
) -> None:
    """Date what the programme's text obliges to, from the day of the decision."""
    today, calendar = city_day(now), calendar_of(session)
    for each in programme.compiled.programme.obligations:
        row = _row(case, ObligationOrigin.PROGRAMME, ObligationState.OPEN, "system", now)
        row.name, row.kind, row.says = each.id, each.kind, each.says
        row.english, row.source = each.english or None, each.source
        row.on_failure = each.on_failure
        if each.after is not None and each.after.date is not None:
            row.due_on, row.day_source = each.after.date, each.source
        elif each.after is not None:
            months, days = each.after.months or 0, each.after.days or 0
            deadline = last_day(today, calendar, days=days, months=months)
            row.due_on, row.provisional = deadline.day, deadline.provisional
            row.day_source = each.source
        session.add(row)
        await record(session, row, SystemEvent.BEGUN, was=None, now=now)


async def add_obligation(
    session: AsyncSession, actor: Actor, case_id: UUID, new: NewObligation, *, now: datetime
) -> tuple[Obligation, Case]:
    """Register what a document of a decided case obliges to; another person confirms it."""
    case = await cases.case(session, actor, case_id, for_update=True)
    role = await require_part(session, actor, case, Part.REVIEWER)
    state = CaseState(case.state)
    if state not in RECEIVED:
        zh, en = STATE_NAMES[state]
        raise Conflict(
            f"办件处于“{zh}”状态；批准之后方可登记义务。",
            f"The case is {en}; obligations follow an approval.",
            code="case-not-decided",
        )
    if new.due_on is not None:
        require_not_past(new.due_on, city_day(now))
    row = _row(case, ObligationOrigin.DOCUMENT, ObligationState.PROPOSED, actor.subject, now)
    row.kind, row.says, row.english = new.kind, new.says, new.english
    row.source, row.on_failure = new.source, new.on_failure
    row.due_on, row.day_source = new.due_on, new.source if new.due_on else None
    session.add(row)
    data = {"due_on": new.due_on and new.due_on.isoformat(), "source": new.source}
    by = By(actor, role)
    await record(session, row, SystemEvent.ADDED, was=None, now=now, by=by, data=data)
    return row, case


def _row(
    case: Case, origin: ObligationOrigin, state: ObligationState, by: str, now: datetime
) -> Obligation:
    return Obligation(
        id=new_id(), case_id=case.id, attempt=case.attempt, name=None, origin=origin,
        due_on=None, provisional=False, day_source=None, state=state, alert=ObligationAlert.NONE,
        evidence=[], version=1, created_by=by, created_at=now, changed_at=now,
    )  # fmt: skip
