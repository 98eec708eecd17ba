"""Reading draws and checks, and drawing again what was drawn."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.aftermath.access import OFFICERS
from services.policy.aftermath.queries import history
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for
from services.policy.cases.models import Case
from services.policy.checks import rules
from services.policy.checks.access import shown_to
from services.policy.checks.models import CaseCheck, CheckDraw
from services.policy.checks.rules import (
    NEXT,
    CheckEvent,
    CheckOutcome,
    CheckState,
    DrawEvent,
    DrawState,
    Lot,
)
from services.policy.checks.schemas import CheckSummary, CheckView, DrawCheck, DrawView
from services.policy.self_evaluations.queries import of_known_call


async def draws(session: AsyncSession, call_id: UUID) -> Sequence[CheckDraw]:
    statement = select(CheckDraw).where(CheckDraw.call_id == call_id).order_by(CheckDraw.id)
    return (await session.scalars(statement)).all()


async def draw(
    session: AsyncSession, actor: Actor, draw_id: UUID, *, for_update: bool = False
) -> CheckDraw:
    statement = select(CheckDraw).where(
        CheckDraw.id == draw_id, of_known_call(actor, CheckDraw.call_id)
    )
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这次抽查。", "There is no such draw.")
    return found


async def of_draw(session: AsyncSession, draw_id: UUID) -> Sequence[CaseCheck]:
    statement = select(CaseCheck).where(CaseCheck.draw_id == draw_id)
    return (await session.scalars(statement.order_by(CaseCheck.position))).all()


async def check(
    session: AsyncSession, actor: Actor, check_id: UUID, *, for_update: bool = False
) -> tuple[CaseCheck, Case]:
    """Find a check that the caller may know of; its case is locked before it."""
    statement = _visible(actor).where(CaseCheck.id == check_id)
    if for_update:
        statement = statement.with_for_update(of=(Case, CaseCheck))
    found = (await session.execute(statement.execution_options(populate_existing=True))).first()
    if found is None:
        raise NotFound("没有这项抽查。", "There is no such check.")
    return found[0], found[1]


async def checks(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    draw_id: UUID | None,
    state: CheckState | None,
) -> list[tuple[CaseCheck, Case]]:
    """List one more than a page holds, the newest first."""
    statement = _visible(actor)
    if draw_id is not None:
        statement = statement.where(CaseCheck.draw_id == draw_id)
    if state is not None:
        statement = statement.where(CaseCheck.state == state)
    if page.after is not None:
        statement = statement.where(CaseCheck.id < cases.last_id(page))
    rows = await session.execute(statement.order_by(CaseCheck.id.desc()).limit(page.limit + 1))
    return [(row, of) for row, of in rows]


async def verified(session: AsyncSession, row: CheckDraw) -> DrawCheck:
    """Draw again from what is on record, and compare with what was drawn."""
    known = await of_draw(session, row.id)
    drawn = [Lot(each.case_id, each.position, tuple(each.inspectors)) for each in known]
    listed = [UUID(each) for each in row.cases]
    found_hash = rules.list_sha256(listed)
    excluded = {each.case_id: each.excluded for each in known}
    found: list[Lot] = []
    if row.seed is not None:
        number = rules.picks(len(listed), share_bp=row.share_bp, count=row.count)
        seed_hash = rules.seed_sha256(found_hash, row.seed)
        found = rules.draw(listed, seed_hash, number, row.inspectors, excluded)
    return DrawCheck(
        id=row.id, same=found == drawn and found_hash == row.list_sha256,
        list_sha256=row.list_sha256, found_list_sha256=found_hash,
        drawn=[each.case for each in drawn], found=[each.case for each in found],
    )  # fmt: skip


def draw_view(actor: Actor, row: CheckDraw) -> DrawView:
    may_draw = row.state == DrawState.PLANNED and actor.has(Role.APPROVER)
    return DrawView(
        id=row.id, call=row.call_id, state=DrawState(row.state),
        cases=[UUID(each) for each in row.cases], list_sha256=row.list_sha256,
        inspectors=row.inspectors, share_bp=row.share_bp, count=row.count,
        picks=rules.picks(len(row.cases), share_bp=row.share_bp, count=row.count),
        seed_source=row.seed_source, seed_on=row.seed_on, seed=row.seed,
        seed_sha256=row.seed_sha256, drawn_on=row.drawn_on, version=row.version,
        created_at=row.created_at,
        allowed_events=[DrawEvent.DRAW] if may_draw and actor.subject != row.planned_by else [],
    )  # fmt: skip


def summary(actor: Actor, row: CaseCheck, case: Case) -> CheckSummary:
    is_own = acts_for(actor, cases.applicant_of(case))
    names = row.inspectors if actor.has(*OFFICERS) and not is_own else None
    return CheckSummary(
        id=row.id, draw=row.draw_id, case=row.case_id, programme=case.programme,
        applicant=cases.applicant_of(case), applicant_name=case.applicant_name,
        position=row.position, inspectors=names, state=CheckState(row.state),
        outcome=CheckOutcome(row.outcome) if row.outcome else None, finding=row.finding,
        checked_on=row.checked_on, report_number=row.report_number, version=row.version,
        changed_at=row.changed_at,
    )  # fmt: skip


async def view(session: AsyncSession, actor: Actor, row: CaseCheck, case: Case) -> CheckView:
    inspects = actor.subject in row.inspectors
    events = NEXT[CheckState(row.state)] if inspects else ()
    judges = actor.subject != row.reported_by
    return CheckView(
        **summary(actor, row, case).model_dump(),
        allowed_events=[each for each in events if each is CheckEvent.REPORT or judges],
        history=await history(session, actor, row.id),
    )


def _visible(actor: Actor) -> Select[tuple[CaseCheck, Case]]:
    statement = select(CaseCheck, Case).join(Case, Case.id == CaseCheck.case_id)
    return statement.where(shown_to(actor))
