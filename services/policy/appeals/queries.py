"""Reading appeals, and who had a hand in the decision that they are against."""

from collections.abc import AsyncIterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest, in_portions
from services.policy.aftermath.queries import history
from services.policy.appeals.models import Appeal
from services.policy.appeals.rules import (
    NEXT,
    UNDOING,
    AppealAgainst,
    AppealEvent,
    AppealKind,
    AppealResult,
    AppealState,
)
from services.policy.appeals.schemas import AppealSummary, AppealView
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for, visible_to
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.rules import CaseEvent
from services.policy.cases.rules import SystemEvent as CaseSystemEvent
from services.policy.contract.aftermath import AppealChanged
from services.policy.legacy_cases.models import LegacyCase

DECIDING = (CaseEvent.DECIDE, CaseEvent.REVOKE)


async def appeal(
    session: AsyncSession, actor: Actor, appeal_id: UUID, *, for_update: bool = False
) -> tuple[Appeal, Case]:
    """Find an appeal of a case that the caller may know of; its case is locked before it."""
    statement = _visible(actor).where(Appeal.id == appeal_id)
    if for_update:
        statement = statement.with_for_update(of=(Case, Appeal))
    found = (await session.execute(statement.execution_options(populate_existing=True))).first()
    if found is None:
        raise NotFound("没有这份复议诉讼件。", "There is no such appeal.")
    return found[0], found[1]


async def of_case(session: AsyncSession, case_id: UUID) -> Sequence[Appeal]:
    statement = select(Appeal).where(Appeal.case_id == case_id)
    return (await session.scalars(statement.order_by(Appeal.id))).all()


async def appeals(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    state: AppealState | None,
    kind: AppealKind | None,
) -> list[tuple[Appeal, Case]]:
    """List one more than a page holds, the newest first."""
    statement = _visible(actor)
    if state is not None:
        statement = statement.where(Appeal.state == state)
    if kind is not None:
        statement = statement.where(Appeal.kind == kind)
    if page.after is not None:
        statement = statement.where(Appeal.id < cases.last_id(page))
    rows = await session.execute(statement.order_by(Appeal.id.desc()).limit(page.limit + 1))
    return [(row, of) for row, of in rows]


async def decided_on(session: AsyncSession, case: Case) -> date:
    """Find the day of the decision that a case stands by; of earlier years, the document's."""
    statement = select(CaseHistory.at).where(
        CaseHistory.case_id == case.id, CaseHistory.event.in_(DECIDING)
    )
    at = await session.scalar(statement.order_by(CaseHistory.number.desc()).limit(1))
    if at is not None:
        return city_day(at)
    return (await session.get_one(LegacyCase, case.id)).decided_on


async def officers(session: AsyncSession, case_id: UUID) -> frozenset[str]:
    """Name every officer who had a hand in a case."""
    statement = select(CaseHistory.actor).where(
        CaseHistory.case_id == case_id, CaseHistory.role.in_((Role.REVIEWER, Role.APPROVER))
    )
    return frozenset(await session.scalars(statement))


async def was_paid(session: AsyncSession, case_id: UUID) -> bool:
    """Tell whether money of a case ever left the treasury."""
    found = exists().where(
        CaseHistory.case_id == case_id, CaseHistory.event == CaseSystemEvent.PAID
    )
    return bool(await session.scalar(select(found)))


async def restate_appeals(session: AsyncSession) -> AsyncIterator[AppealChanged]:
    """Give the current state of every appeal, for listeners that begin late."""
    async for row in in_portions(session, select(Appeal), Appeal.id):
        yield changed(row)


def changed(row: Appeal) -> AppealChanged:
    """Word how an appeal stands."""
    return AppealChanged.model_validate(
        {
            "appeal_id": row.id, "version": row.version, "case_id": row.case_id,
            "kind": row.kind, "against": row.against, "state": row.state, "is_late": row.is_late,
            "result": row.result, "successor_id": row.successor_id,
        }
    )  # fmt: skip


def summary(row: Appeal, case: Case) -> AppealSummary:
    return AppealSummary(
        id=row.id, case=row.case_id, programme=case.programme, applicant=cases.applicant_of(case),
        applicant_name=case.applicant_name, kind=AppealKind(row.kind),
        against=AppealAgainst(row.against), follows=row.follows_id, body=row.body,
        number=row.number, grounds=row.grounds, decided_on=row.decided_on,
        notified_on=row.notified_on, lodged_on=row.lodged_on, deadline_on=row.deadline_on,
        provisional=row.provisional, late=row.is_late, accepted_number=row.accepted_number,
        accepted_on=row.accepted_on, state=AppealState(row.state),
        result=AppealResult(row.result) if row.result else None,
        result_number=row.result_number, result_on=row.result_on, successor=row.successor_id,
        version=row.version, created_at=row.created_at, changed_at=row.changed_at,
    )  # fmt: skip


async def view(session: AsyncSession, actor: Actor, row: Appeal, case: Case) -> AppealView:
    return AppealView(
        **summary(row, case).model_dump(),
        allowed_events=await _allowed(session, actor, row, case),
        history=await history(session, actor, row.id),
    )


async def _allowed(
    session: AsyncSession, actor: Actor, row: Appeal, case: Case
) -> list[AppealEvent]:
    """List what the caller may do: nothing on his own behalf, nor of what he handled."""
    if acts_for(actor, cases.applicant_of(case)):
        return []
    reviews = await cases.may_review(session, actor, case.id)
    if not reviews and not actor.has(Role.APPROVER):
        return []
    if actor.subject in await officers(session, case.id):
        return []
    may_reopen = row.result in UNDOING and row.successor_id is None and actor.has(Role.APPROVER)
    events = NEXT[AppealState(row.state)]
    return [each for each in events if each is not AppealEvent.REOPEN or may_reopen]


def _visible(actor: Actor) -> Select[tuple[Appeal, Case]]:
    statement = select(Appeal, Case).join(Case, Case.id == Appeal.case_id)
    return statement.where(visible_to(actor))
