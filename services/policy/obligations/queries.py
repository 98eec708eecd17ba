"""Reading obligations, of a case and over all that the caller may know of."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, NotFound
from services.kernel.pages import PageRequest, in_portions
from services.policy.aftermath.queries import history
from services.policy.aftermath.rules import Part
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for, visible_to
from services.policy.cases.models import Case
from services.policy.contract.aftermath import ObligationChanged
from services.policy.obligations import rules
from services.policy.obligations.models import Obligation, ObligationCheck
from services.policy.obligations.rules import (
    NEXT,
    UNFINISHED,
    WAITING,
    WHO,
    ObligationAlert,
    ObligationEvent,
    ObligationKind,
    ObligationOrigin,
    ObligationState,
    OnFailure,
    TellingRule,
)
from services.policy.obligations.schemas import ObligationSummary, ObligationView
from services.policy.parameters.queries import known_decisions
from services.policy.parameters.rules import in_force
from services.policy.plan.actions.load_library import library

# The numbers by which the task board tells of lateness hold for obligations, too.
PARAMETERS = {"remind_days": "task-remind-days", "approver_days": "task-lead-approver-days"}


@dataclass(frozen=True)
class Wanted:
    """Which obligations are asked for."""

    state: ObligationState | None = None
    programme: str | None = None
    overdue: bool | None = None
    due_before: date | None = None


async def obligation(
    session: AsyncSession, actor: Actor, obligation_id: UUID, *, for_update: bool = False
) -> tuple[Obligation, Case]:
    """Find an obligation of a case that the caller may know of; its case is locked before it."""
    statement = _visible(actor).where(Obligation.id == obligation_id)
    if for_update:
        statement = statement.with_for_update(of=(Case, Obligation))
    found = (await session.execute(statement.execution_options(populate_existing=True))).first()
    if found is None:
        raise NotFound("没有这项义务。", "There is no such obligation.")
    return found[0], found[1]


async def of_case(session: AsyncSession, case_id: UUID) -> Sequence[Obligation]:
    statement = select(Obligation).where(Obligation.case_id == case_id)
    return (await session.scalars(statement.order_by(Obligation.id))).all()


async def unfinished_of(session: AsyncSession, case_id: UUID) -> Sequence[Obligation]:
    """Lock what a case still obliges to."""
    statement = select(Obligation).where(
        Obligation.case_id == case_id, Obligation.state.in_(UNFINISHED)
    )
    return (await session.scalars(statement.order_by(Obligation.id).with_for_update())).all()


async def obligations(
    session: AsyncSession, actor: Actor, page: PageRequest, wanted: Wanted, *, today: date
) -> list[tuple[Obligation, Case]]:
    """List one more than a page holds, the newest first."""
    statement = _visible(actor)
    if wanted.state is not None:
        statement = statement.where(Obligation.state == wanted.state)
    if wanted.programme is not None:
        statement = statement.where(Case.programme == wanted.programme)
    if wanted.due_before is not None:
        statement = statement.where(Obligation.due_on < wanted.due_before)
    late = Obligation.state.in_(WAITING) & (Obligation.due_on < today)
    if wanted.overdue is not None:
        statement = statement.where(late if wanted.overdue else ~late | Obligation.due_on.is_(None))
    if page.after is not None:
        statement = statement.where(Obligation.id < cases.last_id(page))
    rows = await session.execute(statement.order_by(Obligation.id.desc()).limit(page.limit + 1))
    return [(row, case) for row, case in rows]


async def telling_rule(session: AsyncSession, on: date) -> TellingRule:
    """Read the numbers by which lateness is told on a day."""
    decisions = await known_decisions(session)
    found: dict[str, int] = {}
    for name, parameter in PARAMETERS.items():
        dated = in_force(library().parameters[parameter], decisions, on)
        if dated is None or not isinstance(dated.value, int):
            raise Conflict(
                "提醒的工作日数在当日没有取值。", "No number of days to remind is in force.",
                code="parameter-unset",
            )  # fmt: skip
        found[name] = dated.value
    return TellingRule(**found)


async def is_first_check(session: AsyncSession, day: date, now: datetime) -> bool:
    """Put the day's check on record, unless it is there already."""
    row = insert(ObligationCheck).values(day=day, ran_at=now)
    row = row.on_conflict_do_nothing().returning(ObligationCheck.day)
    return await session.scalar(row) is not None


async def to_be_told(session: AsyncSession, until: date) -> list[tuple[Obligation, Case]]:
    """Lock what is due by a day and has not been told to the last."""
    statement = (
        select(Obligation, Case)
        .join(Case, Case.id == Obligation.case_id)
        .where(
            Obligation.state.in_(WAITING),
            Obligation.due_on <= until,
            Obligation.alert != ObligationAlert.APPROVER,
        )
        .order_by(Obligation.id)
        .with_for_update(of=Obligation)
    )
    return [(row, case) for row, case in await session.execute(statement)]


async def restate_obligations(session: AsyncSession) -> AsyncIterator[ObligationChanged]:
    """Give the current state of every obligation, for listeners that begin late."""
    async for row in in_portions(session, select(Obligation), Obligation.id):
        yield changed(row)


def changed(row: Obligation) -> ObligationChanged:
    """Word how an obligation stands: no person and no note."""
    return ObligationChanged.model_validate(
        {
            "obligation_id": row.id, "version": row.version, "case_id": row.case_id,
            "kind": row.kind, "state": row.state, "on_failure": row.on_failure,
            "due_on": row.due_on,
        }
    )  # fmt: skip


def summary(row: Obligation, case: Case, today: date) -> ObligationSummary:
    state = ObligationState(row.state)
    return ObligationSummary(
        id=row.id, case=row.case_id, programme=case.programme, applicant=cases.applicant_of(case),
        applicant_name=case.applicant_name, name=row.name, kind=ObligationKind(row.kind),
        says=row.says, english=row.english, source=row.source,
        origin=ObligationOrigin(row.origin), on_failure=OnFailure(row.on_failure),
        due_on=row.due_on, provisional=row.provisional, day_source=row.day_source, state=state,
        overdue=rules.is_overdue(state, row.due_on, today), alert=ObligationAlert(row.alert),
        evidence=[UUID(each) for each in row.evidence], version=row.version,
        created_at=row.created_at, changed_at=row.changed_at,
    )  # fmt: skip


async def view(
    session: AsyncSession, actor: Actor, row: Obligation, case: Case, *, today: date
) -> ObligationView:
    return ObligationView(
        **summary(row, case, today).model_dump(),
        allowed_events=await _allowed(session, actor, row, case),
        history=await history(session, actor, row.id),
    )


async def _allowed(
    session: AsyncSession, actor: Actor, row: Obligation, case: Case
) -> list[ObligationEvent]:
    applies = acts_for(actor, cases.applicant_of(case))
    parts = {Part.APPLICANT} if applies else set[Part]()
    if not applies and await cases.may_review(session, actor, case.id):
        parts.add(Part.REVIEWER)
    if not applies and actor.has(Role.APPROVER):
        parts.add(Part.APPROVER)
    is_own = row.created_by == actor.subject
    return [
        event
        for event in NEXT[ObligationState(row.state)]
        if WHO[event] in parts and not (is_own and event is ObligationEvent.CONFIRM)
    ]


def _visible(actor: Actor) -> Select[tuple[Obligation, Case]]:
    statement = select(Obligation, Case).join(Case, Case.id == Obligation.case_id)
    return statement.where(visible_to(actor))
