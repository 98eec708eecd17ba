"""Reading clocks: of a case, of a page of cases, and those to be told of."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState
from services.policy.clocks.models import CaseClock
from services.policy.clocks.rules import (
    PAUSING,
    TOLD_AT_ONCE,
    Alert,
    ClockKind,
    ClockState,
    Thresholds,
    is_overdue,
)
from services.policy.clocks.schemas import DueView


async def clocks_of(session: AsyncSession, case_id: UUID) -> Sequence[CaseClock]:
    """Read every clock of a case; it is locked by whoever moves it."""
    statement = select(CaseClock).where(CaseClock.case_id == case_id)
    return (await session.scalars(statement.order_by(CaseClock.id))).all()


async def dues(
    session: AsyncSession, found: Iterable[Case], today: date
) -> dict[UUID, DueView | None]:
    """Say of each case when it is due, and why."""
    cases = {each.id: each for each in found}
    rows = await session.scalars(
        select(CaseClock)
        .where(CaseClock.case_id.in_(cases), CaseClock.state != ClockState.FINISHED)
        .order_by(CaseClock.id)
    )
    clocks: dict[UUID, list[CaseClock]] = {}
    for row in rows:
        clocks.setdefault(row.case_id, []).append(row)
    return {id_: due_view(case, clocks.get(id_, []), today) for id_, case in cases.items()}


def due_view(case: Case, clocks: Sequence[CaseClock], today: date) -> DueView | None:
    """Show the clock that is due first; of those that stand still, the one that stood last."""
    running = [each for each in clocks if each.state == ClockState.RUNNING]
    stopped = [each for each in clocks if each.state == ClockState.PAUSED]
    is_stopped = CaseState(case.state) in PAUSING
    shown = min(running, key=_first_due, default=None)
    if shown is None and is_stopped:
        shown = max(stopped, key=lambda each: (each.changed_at, each.id), default=None)
    if shown is None:
        return None
    runs, kind = shown.state == ClockState.RUNNING, ClockKind(shown.kind)
    left = [each.left_days for each in stopped if each.left_days is not None]
    return DueView(
        clock=kind, on=shown.due_on if runs else None, days=shown.days, source=shown.source,
        is_demonstration=shown.demonstration, provisional=runs and shown.provisional,
        overdue=runs and is_overdue(kind, shown.due_on, today), alert=Alert(shown.alert),
        paused=is_stopped and bool(stopped),
        days_left=min(left) if is_stopped and left else None,
    )  # fmt: skip


def first_due(clocks: Iterable[CaseClock]) -> date | None:
    """Give the day by which the next deed of a case is due."""
    days = (each.due_on for each in clocks if each.state == ClockState.RUNNING)
    return min((day for day in days if day is not None), default=None)


def overdue_on(case_id: Any, today: date) -> ColumnElement[bool]:
    """Filter cases whose clock has run out; the days of a notice are late for nobody."""
    return exists().where(
        CaseClock.case_id == case_id,
        CaseClock.state == ClockState.RUNNING,
        CaseClock.kind != ClockKind.NOTICE,
        CaseClock.due_on < today,
    )


def told_as(case_id: Any, alert: Alert) -> ColumnElement[bool]:
    """Filter cases with a running clock that was told of so far and no further."""
    return exists().where(
        CaseClock.case_id == case_id,
        CaseClock.state == ClockState.RUNNING,
        CaseClock.alert == alert,
    )


async def to_be_told(session: AsyncSession, limits: Thresholds) -> Sequence[tuple[CaseClock, Case]]:
    """Find clocks of which more is to be told than was told, and lock them."""
    past = [
        and_(CaseClock.alert == Alert.NONE, CaseClock.due_on <= (limits.soon or limits.overdue)),
        and_(CaseClock.alert == Alert.DUE_SOON, CaseClock.due_on <= limits.overdue),
    ]
    if limits.escalated is not None:
        past.append(and_(CaseClock.alert == Alert.OVERDUE, CaseClock.due_on <= limits.escalated))
    statement = (
        select(CaseClock, Case)
        .join(Case, Case.id == CaseClock.case_id)
        .where(
            CaseClock.state == ClockState.RUNNING,
            CaseClock.kind != ClockKind.NOTICE,
            CaseClock.due_on.is_not(None),
            or_(*past),
        )
        .order_by(CaseClock.due_on, CaseClock.id)
        .limit(TOLD_AT_ONCE)
        .with_for_update(of=CaseClock, skip_locked=True)
    )
    rows = await session.execute(statement.execution_options(populate_existing=True))
    return [(clock, case) for clock, case in rows]


async def provisional(session: AsyncSession) -> Sequence[tuple[CaseClock, Case]]:
    """Find running clocks whose last day hung on a year that was not published."""
    statement = (
        select(CaseClock, Case)
        .join(Case, Case.id == CaseClock.case_id)
        .where(CaseClock.state == ClockState.RUNNING, CaseClock.provisional)
        .order_by(CaseClock.case_id)
        .with_for_update(of=Case)
    )
    return [(clock, case) for clock, case in await session.execute(statement)]


def _first_due(clock: CaseClock) -> tuple[date, UUID]:
    return clock.due_on or date.max, clock.id
