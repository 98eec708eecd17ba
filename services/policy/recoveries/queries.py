"""Reading proposals to revoke and recover."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest, in_portions
from services.policy.aftermath.queries import history
from services.policy.aftermath.rules import Part
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for, visible_to
from services.policy.cases.models import Case
from services.policy.contract.aftermath import RecoveryChanged
from services.policy.recoveries.models import Recovery
from services.policy.recoveries.rules import NEXT, UNDECIDED, WHO, RecoveryEvent, RecoveryState
from services.policy.recoveries.schemas import GroundView, RecoverySummary, RecoveryView


async def recovery(
    session: AsyncSession, actor: Actor, recovery_id: UUID, *, for_update: bool = False
) -> tuple[Recovery, Case]:
    """Find a proposal of a case that the caller may know of; its case is locked before it."""
    statement = _visible(actor).where(Recovery.id == recovery_id)
    if for_update:
        statement = statement.with_for_update(of=(Case, Recovery))
    found = (await session.execute(statement.execution_options(populate_existing=True))).first()
    if found is None:
        raise NotFound("没有这份提请。", "There is no such proposal.")
    return found[0], found[1]


async def open_of(session: AsyncSession, case_id: UUID) -> Recovery | None:
    """Find and lock the open proposal of a case."""
    statement = select(Recovery).where(Recovery.case_id == case_id, Recovery.state.in_(UNDECIDED))
    return await session.scalar(statement.with_for_update())


async def recoveries(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    state: RecoveryState | None,
    case: UUID | None,
) -> list[tuple[Recovery, Case]]:
    """List one more than a page holds, the newest first."""
    statement = _visible(actor)
    if state is not None:
        statement = statement.where(Recovery.state == state)
    if case is not None:
        statement = statement.where(Recovery.case_id == case)
    if page.after is not None:
        statement = statement.where(Recovery.id < cases.last_id(page))
    rows = await session.execute(statement.order_by(Recovery.id.desc()).limit(page.limit + 1))
    return [(row, of) for row, of in rows]


async def restate_recoveries(session: AsyncSession) -> AsyncIterator[RecoveryChanged]:
    """Give the current state of every proposal, for listeners that begin late."""
    async for row in in_portions(session, select(Recovery), Recovery.id):
        yield changed(row)


def changed(row: Recovery) -> RecoveryChanged:
    """Word how a proposal stands."""
    return RecoveryChanged(
        recovery_id=row.id, version=row.version, case_id=row.case_id, ground=row.ground,
        state=row.state, respond_by=row.respond_by,
    )  # fmt: skip


def summary(row: Recovery, case: Case) -> RecoverySummary:
    return RecoverySummary(
        id=row.id, case=row.case_id, programme=case.programme, applicant=cases.applicant_of(case),
        applicant_name=case.applicant_name,
        grounds=[GroundView.model_validate(each) for each in row.grounds],
        respond_by=row.respond_by, response=row.response,
        response_evidence=[UUID(each) for each in row.response_evidence],
        responded_at=row.responded_at, state=RecoveryState(row.state), version=row.version,
        created_at=row.created_at, changed_at=row.changed_at,
    )  # fmt: skip


async def view(session: AsyncSession, actor: Actor, row: Recovery, case: Case) -> RecoveryView:
    return RecoveryView(
        **summary(row, case).model_dump(),
        allowed_events=await _allowed(session, actor, row, case),
        history=await history(session, actor, row.id),
    )


async def _allowed(
    session: AsyncSession, actor: Actor, row: Recovery, case: Case
) -> list[RecoveryEvent]:
    applies = acts_for(actor, cases.applicant_of(case))
    parts = {Part.APPLICANT} if applies else set[Part]()
    if not applies and await cases.may_review(session, actor, case.id):
        parts.add(Part.REVIEWER)
    if not applies and actor.has(Role.APPROVER) and actor.subject != row.proposed_by:
        handled = await cases.reviewers(session, case.id)
        parts |= set[Part]() if actor.subject in handled else {Part.APPROVER}
    return [event for event in NEXT[RecoveryState(row.state)] if WHO[event] in parts]


def _visible(actor: Actor) -> Select[tuple[Recovery, Case]]:
    statement = select(Recovery, Case).join(Case, Case.id == Recovery.case_id)
    return statement.where(visible_to(actor))
