"""Reading rounds of self-evaluation and their sheets."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.aftermath.queries import history
from services.policy.aftermath.rules import Part
from services.policy.calls.access import visible_to as calls_visible_to
from services.policy.calls.models import Call
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for, visible_to
from services.policy.cases.models import Case
from services.policy.cases.rules import RECEIVED
from services.policy.self_evaluations import rules
from services.policy.self_evaluations.models import EvaluationRound, SelfEvaluation
from services.policy.self_evaluations.rules import (
    NEXT,
    WHO,
    Grade,
    RoundEvent,
    RoundState,
    SheetEvent,
    SheetState,
)
from services.policy.self_evaluations.schemas import (
    IndicatorBody,
    RoundView,
    SheetSummary,
    SheetView,
)


async def rounds(session: AsyncSession, call_id: UUID) -> Sequence[EvaluationRound]:
    statement = select(EvaluationRound).where(EvaluationRound.call_id == call_id)
    return (await session.scalars(statement.order_by(EvaluationRound.id))).all()


def of_known_call(actor: Actor, call_id: Any) -> ColumnElement[bool]:
    """Show what belongs to a call to those who may know of the call."""
    return exists().where(Call.id == call_id, calls_visible_to(actor))


async def round_(
    session: AsyncSession, actor: Actor, round_id: UUID, *, for_update: bool = False
) -> EvaluationRound:
    statement = select(EvaluationRound).where(
        EvaluationRound.id == round_id, of_known_call(actor, EvaluationRound.call_id)
    )
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这次自评通知。", "There is no such round.")
    return found


async def awarded_cases(session: AsyncSession, call_id: UUID) -> Sequence[Case]:
    """List the cases of a call whose award stands, in the order of their ids."""
    statement = select(Case).where(Case.call_id == call_id, Case.state.in_(RECEIVED))
    return (await session.scalars(statement.order_by(Case.id))).all()


async def sheet(
    session: AsyncSession, actor: Actor, sheet_id: UUID, *, for_update: bool = False
) -> tuple[SelfEvaluation, Case]:
    """Find a sheet of a case that the caller may know of; its case is locked before it."""
    statement = _visible(actor).where(SelfEvaluation.id == sheet_id)
    if for_update:
        statement = statement.with_for_update(of=(Case, SelfEvaluation))
    found = (await session.execute(statement.execution_options(populate_existing=True))).first()
    if found is None:
        raise NotFound("没有这份自评表。", "There is no such self-evaluation.")
    return found[0], found[1]


async def sheets(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    round_id: UUID | None,
    case: UUID | None,
    state: SheetState | None,
) -> list[tuple[SelfEvaluation, Case]]:
    """List one more than a page holds, the newest first."""
    statement = _visible(actor)
    for column, value in (
        (SelfEvaluation.round_id, round_id),
        (SelfEvaluation.case_id, case),
        (SelfEvaluation.state, state),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if page.after is not None:
        statement = statement.where(SelfEvaluation.id < cases.last_id(page))
    statement = statement.order_by(SelfEvaluation.id.desc()).limit(page.limit + 1)
    return [(row, of) for row, of in await session.execute(statement)]


async def round_view(session: AsyncSession, actor: Actor, row: EvaluationRound) -> RoundView:
    counted = select(SelfEvaluation.state, func.count()).where(SelfEvaluation.round_id == row.id)
    rows = (await session.execute(counted.group_by(SelfEvaluation.state))).all()
    counts = {row[0]: row[1] for row in rows}
    may_ask = row.state == RoundState.DRAFTED and actor.has(Role.APPROVER)
    return RoundView(
        id=row.id, call=row.call_id, due_on=row.due_on, source=row.source,
        indicators=[IndicatorBody.model_validate(each) for each in row.indicators],
        state=RoundState(row.state), version=row.version, sheets=sum(counts.values()),
        submitted=counts.get(SheetState.SUBMITTED, 0), assessed=counts.get(SheetState.ASSESSED, 0),
        allowed_events=[RoundEvent.ASK] if may_ask and actor.subject != row.drafted_by else [],
    )  # fmt: skip


def summary(row: SelfEvaluation, case: Case, today: date) -> SheetSummary:
    state = SheetState(row.state)
    return SheetSummary(
        id=row.id, round=row.round_id, case=row.case_id, programme=case.programme,
        applicant=cases.applicant_of(case), applicant_name=case.applicant_name, due_on=row.due_on,
        state=state, overdue=rules.is_overdue(state, row.due_on, today),
        grade=Grade(row.grade) if row.grade else None, version=row.version,
        changed_at=row.changed_at,
    )  # fmt: skip


async def view(
    session: AsyncSession, actor: Actor, row: SelfEvaluation, case: Case, *, today: date
) -> SheetView:
    asked = await session.get_one(EvaluationRound, row.round_id)
    return SheetView(
        **summary(row, case, today).model_dump(),
        indicators=[IndicatorBody.model_validate(each) for each in asked.indicators],
        answers=row.answers, evidence=[UUID(each) for each in row.evidence],
        allowed_events=await _allowed(session, actor, row, case),
        history=await history(session, actor, row.id),
    )  # fmt: skip


async def _allowed(
    session: AsyncSession, actor: Actor, row: SelfEvaluation, case: Case
) -> list[SheetEvent]:
    applies = acts_for(actor, cases.applicant_of(case))
    reviews = not applies and await cases.may_review(session, actor, case.id)
    return [
        event
        for event in NEXT[SheetState(row.state)]
        if (applies if WHO[event] is Part.APPLICANT else reviews)
    ]


def _visible(actor: Actor) -> Select[tuple[SelfEvaluation, Case]]:
    statement = select(SelfEvaluation, Case).join(Case, Case.id == SelfEvaluation.case_id)
    return statement.where(visible_to(actor))


async def call_of(session: AsyncSession, actor: Actor, call_id: UUID) -> Call:
    """Find a published call that the caller may know of."""
    found = await session.scalar(select(Call).where(Call.id == call_id, calls_visible_to(actor)))
    if found is None or found.published_at is None:
        raise NotFound("没有这个申报批次。", "There is no such call.")
    return found
