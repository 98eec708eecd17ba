"""Reading cases, and what would follow for their applicants today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, not_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import Malformed, NotFound
from services.kernel.pages import PageRequest
from services.policy.aftermath.access import OFFICERS
from services.policy.aftermath.queries import open_matters
from services.policy.base import calendar_of
from services.policy.cases.access import acts_for, reviewed_by, visible_to
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.rules import (
    APPLICANT,
    OPEN,
    REVIEWER,
    CaseEvent,
    CaseState,
    Outcome,
    ReservationState,
    has_stake,
    moves,
)
from services.policy.cases.schemas import (
    CaseSummary,
    CaseView,
    NoticeDays,
    PlanStand,
    Reassessed,
    ReservationView,
    TitleView,
)
from services.policy.clocks.queries import dues, overdue_on, told_as
from services.policy.clocks.rules import Alert
from services.policy.clocks.schemas import DueView
from services.policy.contract.events import Matter, Party
from services.policy.evidence.queries import case_flags
from services.policy.fact_objections.queries import case_facts
from services.policy.legacy_cases import queries as legacy_cases
from services.policy.notices.models import Notice, NoticeItem
from services.policy.notices.rules import ItemState, decision_day, midnight
from services.policy.offers.queries import case_offer
from services.policy.overrides import queries as overrides
from services.policy.overrides.models import CaseOverride
from services.policy.overrides.queries import is_overridden
from services.policy.plan.actions.load_library import library
from services.policy.recusals.queries import is_recused


@dataclass(frozen=True)
class DueDays:
    """What a list asks of due days; one that asks is in their order."""

    today: date
    overdue: bool | None = None
    before: date | None = None

    @property
    def by_day(self) -> bool:
        return bool(self.overdue) or self.before is not None


@dataclass(frozen=True)
class CaseFilter:
    """Which cases a list is asked for; None is all of them."""

    state: CaseState | None = None
    programme: str | None = None
    external_ref: str | None = None
    overridden: bool | None = None
    alert: Alert | None = None
    days: DueDays | None = None

    @property
    def by_day(self) -> bool:
        return self.days is not None and self.days.by_day


async def case(
    session: AsyncSession, actor: Actor, case_id: UUID, *, for_update: bool = False
) -> Case:
    """Find a case that the caller may know of, and lock it where it is about to move."""
    statement = select(Case).where(Case.id == case_id, visible_to(actor))
    if for_update:
        statement = statement.with_for_update(of=Case)
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这份办件。", "There is no such case.")
    return found


async def case_of_award(session: AsyncSession, case_id: UUID) -> Case | None:
    """Find and lock the case that finance speaks of."""
    return await session.get(Case, case_id, with_for_update=True, populate_existing=True)


async def cases(
    session: AsyncSession, actor: Actor, page: PageRequest, wanted: CaseFilter
) -> list[Case]:
    """List the cases that the caller may know of, without their grounds.

    The newest come first, or what is due first where due days are asked for.
    """
    return list(await session.scalars(cases_page(actor, page, wanted)))


def cases_page(actor: Actor, page: PageRequest, wanted: CaseFilter) -> Select[tuple[Case]]:
    """Ask for a page of cases; what each was decided on is long, and is left where it lies."""
    statement = select(Case).where(visible_to(actor))
    for column, value in (
        (Case.state, wanted.state),
        (Case.programme, wanted.programme),
        (Case.external_ref, wanted.external_ref),
    ):
        if value is not None:
            statement = statement.where(column == value)
    if wanted.alert is not None:
        statement = statement.where(told_as(Case.id, wanted.alert))
    if wanted.overridden is not None:
        statement = statement.where(is_overridden() if wanted.overridden else ~is_overridden())
    statement = statement.options(
        defer(Case.situation, raiseload=True), defer(Case.assessment, raiseload=True)
    )
    days = wanted.days
    if days is not None and days.overdue is not None:
        is_late = overdue_on(Case.id, days.today)
        statement = statement.where(is_late if days.overdue else not_(is_late))
    if days is not None and days.by_day:
        return _due_first(statement, page, days)
    if page.after is not None:
        statement = statement.where(Case.id < last_id(page))
    return statement.order_by(Case.id.desc()).limit(page.limit + 1)


def _due_first(
    statement: Select[tuple[Case]], page: PageRequest, days: DueDays
) -> Select[tuple[Case]]:
    statement = statement.where(Case.due_on.is_not(None))
    if days.before is not None:
        statement = statement.where(Case.due_on < days.before)
    if page.after is not None:
        statement = statement.where(tuple_(Case.due_on, Case.id) > _last_due(page.after))
    return statement.order_by(Case.due_on, Case.id).limit(page.limit + 1)


def _last_due(after: list[Any]) -> tuple[date, UUID]:
    """Read where a list by due day stopped; the cursor of the other order is refused."""
    try:
        day, id_ = after
        return date.fromisoformat(str(day)), UUID(str(id_))
    except ValueError:
        raise Malformed(
            "cursor属于另一种排序，请从第一页读起。",
            "The cursor is of another order; begin with the first page.",
            code="cursor-invalid",
        ) from None


def last_id(page: PageRequest) -> UUID:
    """Read the id that a cursor stopped at; a cursor of another list finds nothing."""
    try:
        return UUID(str((page.after or [""])[0]))
    except ValueError:
        return UUID(int=0)


async def open_case_id(session: AsyncSession, like: Case) -> UUID | None:
    """Find the open case that stands in the way of another."""
    statement = select(Case.id).where(
        Case.applicant_kind == like.applicant_kind,
        Case.applicant_id == like.applicant_id,
        Case.programme == like.programme,
        Case.open_key == like.open_key,
        Case.state.in_(OPEN),
        Case.id != like.id,
    )
    return await session.scalar(statement.order_by(Case.id).limit(1))


async def history(session: AsyncSession, case_id: UUID) -> Sequence[CaseHistory]:
    statement = select(CaseHistory).where(CaseHistory.case_id == case_id)
    return (await session.scalars(statement.order_by(CaseHistory.number))).all()


async def reviewers(session: AsyncSession, case_id: UUID) -> frozenset[str]:
    """Name everyone who handled a case as a reviewer."""
    statement = select(CaseHistory.actor).where(
        CaseHistory.case_id == case_id, CaseHistory.role == Role.REVIEWER
    )
    return frozenset(await session.scalars(statement))


async def next_number(session: AsyncSession, case_id: UUID) -> int:
    statement = select(func.max(CaseHistory.number)).where(CaseHistory.case_id == case_id)
    return (await session.scalar(statement) or 0) + 1


async def may_review(session: AsyncSession, actor: Actor, case_id: UUID) -> bool:
    """Tell whether the case is of the actor's department or town."""
    if not actor.has(Role.REVIEWER):
        return False
    statement = select(Case.id).where(Case.id == case_id, reviewed_by(actor))
    return await session.scalar(statement) is not None


def is_visible(case_id: Any, actor: Actor) -> ColumnElement[bool]:
    """Show what belongs to a case to those who may know of the case."""
    return exists().where(Case.id == case_id, visible_to(actor))


async def may_handle(session: AsyncSession, actor: Actor, case_id: UUID) -> bool:
    """Tell whether a reviewer's desk has the case, and he has no stake in it."""
    if not actor.has(Role.REVIEWER):
        return False
    found = await session.scalar(select(Case).where(Case.id == case_id, reviewed_by(actor)))
    return found is not None and not has_stake(actor, applicant_of(found))


async def listed_item(session: AsyncSession, found: Case) -> NoticeItem | None:
    """Find the item by which a case's latest proposal stands, or stood, in public notice."""
    statement = select(NoticeItem).where(
        NoticeItem.case_id == found.id, NoticeItem.attempt == found.attempt
    )
    return await session.scalar(statement)


async def view(session: AsyncSession, actor: Actor, found: Case, *, now: datetime) -> CaseView:
    """Show a case whole, with what the caller may do about it now."""
    shown = await listed_item(session, found)
    barred = set[CaseEvent]()
    if shown is not None and found.state == CaseState.IN_NOTICE:
        first = midnight(decision_day(shown.last_day, calendar_of(session)))
        barred |= {CaseEvent.DECIDE} if now < first else set()
        barred |= {CaseEvent.OBJECT} if now >= shown.ends_at else set()
    plan = library().plans.get(found.plan)
    departed = (await overrides.latest_of(session, [found.id])).get(found.id)
    return CaseView(
        **summary(
            actor, found, (await dues(session, [found], city_day(now)))[found.id], departed
        ).model_dump(),
        plan=PlanStand(
            id=found.plan,
            version=found.plan_version,
            flags=plan.flags(city_day(now)) if plan else [],
        ),
        call=found.call_id,
        situation=found.situation,
        assessment=found.assessment,
        facts_known_until=found.facts_known_until,
        allowed_events=await _allowed(session, actor, found, barred),
        notice=await _notice_days(session, shown),
        proposed_outcome=Outcome(found.proposed_outcome) if found.proposed_outcome else None,
        without_money=found.without_money,
        title=TitleView.model_validate(found.title) if found.title else None,
        reassesses=Reassessed.model_validate(found.reassesses) if found.reassesses else None,
        evidence_flags=await case_flags(session, actor, found),
        legacy_record=await legacy_cases.record_of(session, found),
        offer=await case_offer(session, found),
        facts=await case_facts(session, found),
        open_matters=await open_matters(session, found.id, is_office=actor.has(*OFFICERS)),
    )


def summary(
    actor: Actor, found: Case, due: DueView | None, departed: CaseOverride | None
) -> CaseSummary:
    """Show a case in a list; while it is in notice, `due_on` is the last day of the notice."""
    return CaseSummary(
        id=found.id, programme=found.programme, measure=found.measure,
        applicant=applicant_of(found), applicant_name=found.applicant_name,
        matter=matter_of(found), state=CaseState(found.state), version=found.version,
        reservation=_reservation(found), due_on=found.due_on, due=due,
        external_ref=found.external_ref, legacy=found.legacy,
        override=overrides.view(actor, departed), created_at=found.created_at,
        changed_at=found.changed_at,
    )  # fmt: skip


def applicant_of(found: Case) -> Party:
    return Party(kind=found.applicant_kind, id=found.applicant_id)


def matter_of(found: Case) -> Matter:
    return Matter(kind=found.matter_kind, id=found.matter_id, period=found.matter_period)


async def _allowed(
    session: AsyncSession, actor: Actor, found: Case, barred: set[CaseEvent]
) -> list[CaseEvent]:
    """List the events that the caller may do in this state; what money bars is said on trying."""
    if await is_recused(session, found.id, actor.subject):
        return []
    applies = acts_for(actor, applicant_of(found))
    reviews = not applies and await may_review(session, actor, found.id)
    decides = actor.has(Role.APPROVER) and not applies
    if decides:
        decides = actor.subject not in await reviewers(session, found.id)
    allowed: list[CaseEvent] = []
    way = moves(CaseState(found.state), offered=found.offer_batch_id is not None)
    for event, move in way.items():
        may = applies if move.who == APPLICANT else reviews if move.who == REVIEWER else decides
        if may and event not in barred and (event is not CaseEvent.PROPOSE or may_propose(found)):
            allowed.append(event)
    return allowed


def may_propose(found: Case) -> bool:
    """Tell whether a next attempt is open: the last one was refused money, or was for refusal."""
    if found.state != CaseState.PROPOSED:
        return True
    is_refused = found.reservation_state == ReservationState.REFUSED
    return is_refused or found.proposed_outcome == Outcome.REFUSE


def _reservation(found: Case) -> ReservationView:
    line: Any = found.reservation_line
    return ReservationView(
        state=ReservationState(found.reservation_state), amount_fen=found.reservation_amount_fen,
        reason=found.reservation_reason, reason_en=found.reservation_reason_en,
        reason_code=found.reservation_reason_code, line=line,
    )  # fmt: skip


async def _notice_days(session: AsyncSession, shown: NoticeItem | None) -> NoticeDays | None:
    if shown is None:
        return None
    found = await session.get_one(Notice, shown.notice_id)
    stands = shown.state == ItemState.LISTED
    first = decision_day(shown.last_day, calendar_of(session)) if stands else None
    return NoticeDays.model_validate(
        {
            "id": found.id,
            "state": shown.state,
            "days_left": shown.days_left,
            "decision_from": first,
            "published_on": found.published_on,
            "from": shown.first_day,
            "to": shown.last_day,
            "days": found.days,
            "provisional": shown.provisional,
        }
    )
