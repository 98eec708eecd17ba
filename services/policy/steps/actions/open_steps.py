"""Opening the steps of a case: one after the other, departments of one step side by side."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.cases.models import Case
from services.policy.cases.rules import FIRM
from services.policy.clocks.actions.follow_case import start_step_clock
from services.policy.firms.queries import town_of
from services.policy.limits import Allowed, limits_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.steps import queries
from services.policy.steps.models import CaseStep
from services.policy.steps.rules import Before, StepKind, StepState, next_open, require_passed
from services.rulebook.administration import ReviewStep

TOWN_UNKNOWN = "申请单位所在镇（街道）不明，本环节不适用。"


async def open_steps(session: AsyncSession, case: Case, *, now: datetime) -> None:
    """Lay out what the programme asks and open the first; after a completion, go on with it."""
    rows = await queries.steps_of(session, case.id)
    if not rows:
        rows = await _lay_out(session, case, now)
    await open_next(session, case, rows, Before.PROPOSAL, now=now)


async def require_reviewed(session: AsyncSession, case: Case, *, now: datetime) -> None:
    """Let an approval be proposed once its steps have passed, and open what is for the decision."""
    rows = await queries.steps_of(session, case.id)
    require_passed(queries.stands_of(rows), Before.PROPOSAL)
    await open_next(session, case, rows, Before.DECISION, now=now)


async def require_decidable(session: AsyncSession, case: Case) -> None:
    """Let an approval be decided on once every step has passed."""
    require_passed(queries.stands_of(await queries.steps_of(session, case.id)), Before.DECISION)


async def open_next(
    session: AsyncSession,
    case: Case,
    rows: Sequence[CaseStep],
    before: Before,
    *,
    now: datetime,
) -> StepKind | None:
    """Open the step whose turn it is, and begin its clock or let it go on; give its kind."""
    ordinal = next_open(queries.stands_of(rows), before=before)
    parts = [row for row in rows if row.ordinal == ordinal and row.state == StepState.WAITING]
    if ordinal is None or not parts:
        return None
    for row in parts:
        row.state, row.opened_at = StepState.OPEN, row.opened_at or now
        row.version += 1
        announce(session, queries.changed(row), now=now)
    await session.flush()
    kind = StepKind(parts[0].kind)
    if before is Before.PROPOSAL:
        # The limit of the decision holds for what waits for it.
        allowed = _limit(session, parts[0])
        await start_step_clock(session, case, str(ordinal), allowed, now=now)
    return kind


def _limit(session: AsyncSession, step: CaseStep) -> Allowed:
    """Give the days that the plan states, or those of the office for steps of this kind."""
    if step.days is not None:
        return Allowed(step.days, step.source)
    held = limits_of(session)
    return held.of(held.limits.steps.get(StepKind(step.kind).value))


async def _lay_out(session: AsyncSession, case: Case, now: datetime) -> list[CaseStep]:
    """Write down the steps of the wording of the day on which the case was opened."""
    programme = library().programme_on(case.programme, city_day(case.created_at))
    asked = programme.compiled.programme.steps if programme else ()
    if programme is None or not asked:
        return []
    town = await town_of(session, case.applicant_id) if case.applicant_kind == FIRM else None
    rows = [
        _row(case, ordinal, place, step, desk, town=town, now=now)
        for ordinal, step in enumerate(asked, 1)
        for place, desk in enumerate(_desks(step, programme), 1)
    ]
    session.add_all(rows)
    await session.flush()
    return rows


def _desks(step: ReviewStep, programme: PlanProgramme) -> tuple[str | None, ...]:
    if step.kind == StepKind.TOWN_REVIEW:
        return (None,)
    return step.departments or (programme.lead_code,)


def _row(
    case: Case,
    ordinal: int,
    place: int,
    step: ReviewStep,
    desk: str | None,
    *,
    town: str | None,
    now: datetime,
) -> CaseStep:
    is_nobodys = desk is None and town is None
    return CaseStep(
        id=new_id(), case_id=case.id, ordinal=ordinal, place=place, kind=step.kind,
        before=step.before, department=desk, town_code=town if desk is None else None,
        state=StepState.SKIPPED if is_nobodys else StepState.WAITING, days=step.days,
        source=step.source or None, closed_at=now if is_nobodys else None,
        finding=TOWN_UNKNOWN if is_nobodys else None, returns=0, version=1,
    )  # fmt: skip
