"""Reading the steps of a case."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, NotFound
from services.policy.cases.models import Case
from services.policy.cases.queries import applicant_of
from services.policy.cases.rules import CaseState, has_stake
from services.policy.clocks.models import CaseClock
from services.policy.clocks.queries import clocks_of
from services.policy.clocks.rules import ClockKind, ClockState
from services.policy.contract.reminders import StepChanged
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import department_view
from services.policy.plan.rules import Department
from services.policy.recusals.queries import is_recused
from services.policy.steps.access import has_desk
from services.policy.steps.models import CaseStep
from services.policy.steps.rules import (
    NEXT,
    Before,
    Stand,
    StepEvent,
    StepKind,
    StepState,
    require_by_hand,
    require_in_review,
    require_returnable,
)
from services.policy.steps.schemas import StepView

# Who is told what was found, and by whom.
OFFICERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR)


async def steps_of(session: AsyncSession, case_id: UUID) -> Sequence[CaseStep]:
    """Read the steps of a case in their order; they are locked with the case."""
    statement = select(CaseStep).where(CaseStep.case_id == case_id)
    rows = await session.scalars(statement.order_by(CaseStep.ordinal, CaseStep.place))
    return rows.all()


async def awaits(session: AsyncSession, case_id: UUID, kind: StepKind) -> bool:
    """Tell whether a step of this kind is open."""
    statement = select(CaseStep.id).where(
        CaseStep.case_id == case_id, CaseStep.kind == kind, CaseStep.state == StepState.OPEN
    )
    return await session.scalar(statement.limit(1)) is not None


async def desks_of(
    session: AsyncSession, case_id: UUID, ordinal: int
) -> tuple[list[str], str | None]:
    """Name the desks that a step is still open at: departments, or a town."""
    statement = select(CaseStep).where(
        CaseStep.case_id == case_id,
        CaseStep.ordinal == ordinal,
        CaseStep.state == StepState.OPEN,
    )
    rows = (await session.scalars(statement.order_by(CaseStep.place))).all()
    towns = [row.town_code for row in rows if row.department is None]
    return [row.department for row in rows if row.department is not None], next(iter(towns), None)


def found_in(rows: Iterable[CaseStep], step_id: UUID) -> CaseStep:
    found = next((row for row in rows if row.id == step_id), None)
    if found is None:
        raise NotFound("本件没有这个环节。", "The case has no such step.")
    return found


def desk_name(step: CaseStep) -> str:
    """Name whose desk a step is, as people know it."""
    if step.department is None:
        return f"属地{step.town_code or ''}"
    known = library().departments.get(step.department)
    return known.name if known else step.department


def stands_of(rows: Iterable[CaseStep]) -> list[Stand]:
    return [
        Stand(
            row.ordinal, StepKind(row.kind), StepState(row.state), Before(row.before),
            desk_name(row), row.department or row.town_code or "town",
        )
        for row in rows
    ]  # fmt: skip


def changed(step: CaseStep) -> StepChanged:
    """Word how a step stands."""
    return StepChanged(
        step_id=step.id, version=step.version, case_id=step.case_id, kind=step.kind,
        state=step.state, department=step.department, town_code=step.town_code,
    )  # fmt: skip


async def views(session: AsyncSession, actor: Actor, case: Case) -> list[StepView]:
    """Show the steps of a case, with what the caller may do to each."""
    clocks = {
        int(each.reference): each
        for each in await clocks_of(session, case.id)
        if each.kind == ClockKind.STEP
    }
    may_act = not has_stake(actor, applicant_of(case))
    may_act = may_act and not await is_recused(session, case.id, actor.subject)
    return [
        _view(row, case, clocks.get(row.ordinal), actor, may_act=may_act)
        for row in await steps_of(session, case.id)
    ]


def _view(
    row: CaseStep, case: Case, clock: CaseClock | None, actor: Actor, *, may_act: bool
) -> StepView:
    is_officer = actor.has(*OFFICERS) and not has_stake(actor, applicant_of(case))
    runs = clock is not None and clock.state == ClockState.RUNNING
    known = row.department and library().departments.get(row.department)
    own = row.department and department_view(known or Department(row.department, row.department))
    return StepView(
        id=row.id, case=row.case_id, ordinal=row.ordinal, kind=StepKind(row.kind),
        before=Before(row.before), department=own or None, town_code=row.town_code,
        state=StepState(row.state), days=clock.days if clock else row.days,
        days_source=clock.source if clock else row.source,
        due_on=clock.due_on if clock and runs else None,
        provisional=bool(clock and runs and clock.provisional), opened_at=row.opened_at,
        closed_at=row.closed_at, closed_by=row.closed_by if is_officer else None,
        finding=row.finding if is_officer else None, ref=row.ref if is_officer else None,
        ref_on=row.ref_on if is_officer else None,
        evidence=row.evidence_id if is_officer else None, returns=row.returns,
        version=row.version,
        allowed_events=_allowed(row, case) if may_act and has_desk(actor, row) else [],
    )  # fmt: skip


def _allowed(row: CaseStep, case: Case) -> list[StepEvent]:
    return [event for event in NEXT[StepState(row.state)] if _fits(row, case, event)]


def _fits(row: CaseStep, case: Case, event: StepEvent) -> bool:
    """Ask the rules what they would say; what time and money bar is said on trying."""
    state, before = CaseState(case.state), Before(row.before)
    try:
        require_by_hand(StepKind(row.kind), event)
        if event is StepEvent.RETURN:
            require_returnable(state, before)
        else:
            require_in_review(state, case.proposed_outcome, before)
    except Conflict:
        return False
    return True
