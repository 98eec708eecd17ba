"""Reading parameters: what was approved, and what is proposed."""

import asyncio
from datetime import date
from typing import cast
from uuid import UUID

from sqlalchemy import event, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.policy.notices.rules import midnight
from services.policy.parameters.models import ParameterChange
from services.policy.parameters.rules import NEXT, Decisions, ParameterState
from services.policy.parameters.schemas import Backdating, ParameterChangeView
from services.policy.plan.rules import DatedParameter
from services.policy.situations.models import FrozenSituation

# Where a session carries the decisions that its process has read.
KNOWN = "known_decisions"
# How late another process may learn of a decision; cases read the table itself.
KNOWN_S_MAX = 1


class KnownDecisions:
    """The approved numbers in memory: evaluations of given facts need no database for them."""

    def __init__(self) -> None:
        self._decisions: Decisions | None = None
        self._read_at = 0
        self._generation = 0

    async def read(self, session: AsyncSession) -> Decisions:
        now = int(asyncio.get_running_loop().time())
        if self._decisions is not None and now - self._read_at < KNOWN_S_MAX:
            return self._decisions
        generation = self._generation
        found = await decisions(session)
        if generation == self._generation:
            self._decisions, self._read_at = found, now
        return found

    def forget(self) -> None:
        self._decisions = None
        self._generation += 1


async def known_decisions(session: AsyncSession) -> Decisions:
    """Give what was approved, at most a second old."""
    return await cast("KnownDecisions", session.info[KNOWN]).read(session)


def forget_after_commit(session: AsyncSession) -> None:
    """Have this process read anew what was approved, once this transaction has been committed."""
    known = cast("KnownDecisions", session.info[KNOWN])

    def forget(_: object) -> None:
        known.forget()

    event.listen(session.sync_session, "after_commit", forget, once=True)


async def decisions(session: AsyncSession) -> Decisions:
    """Read what was approved, as of this transaction."""
    approved = select(ParameterChange).where(ParameterChange.state == ParameterState.APPROVED)
    found: dict[str, tuple[DatedParameter, ...]] = {}
    for row in await session.scalars(approved.order_by(ParameterChange.valid_from)):
        dated = DatedParameter(row.value, row.valid_from, row.source)
        found[row.parameter] = (*found.get(row.parameter, ()), dated)
    return found


async def frozen_between(
    session: AsyncSession, programme: str | None, day: date, until: date | None
) -> int:
    """Count cases of a programme whose proposal was frozen from a day on, until before another.

    A number of no programme says how awards go together; each award carries the terms that it was
    granted under, so that none hangs on it.
    """
    if programme is None:
        return 0
    statement = select(func.count(FrozenSituation.case_id.distinct())).where(
        FrozenSituation.programme == programme, FrozenSituation.frozen_at >= midnight(day)
    )
    if until is not None:
        statement = statement.where(FrozenSituation.frozen_at < midnight(until))
    return await session.scalar(statement) or 0


async def changes(session: AsyncSession) -> list[ParameterChange]:
    """List every proposal, the newest first."""
    return list(await session.scalars(select(ParameterChange).order_by(ParameterChange.id.desc())))


async def standing_on(session: AsyncSession, parameter: str, day: date) -> str | None:
    """Give the state of what is proposed or approved of a parameter for a day."""
    statement = select(ParameterChange.state).where(
        ParameterChange.parameter == parameter,
        ParameterChange.valid_from == day,
        ParameterChange.state != ParameterState.REJECTED,
    )
    return await session.scalar(statement)


async def change(
    session: AsyncSession, change_id: UUID, *, for_update: bool = False
) -> ParameterChange:
    """Find a proposal, and lock it where it is about to be decided."""
    found = await session.get(ParameterChange, change_id, with_for_update=for_update or None)
    if found is None:
        raise NotFound("没有这项参数提案。", "There is no such proposal.")
    return found


def view(row: ParameterChange, actor: Actor, operation: UUID | None = None) -> ParameterChangeView:
    """Show a proposal, with what the caller may do about it, and what it has set going."""
    may_decide = actor.has(Role.APPROVER) and actor.subject != row.proposed_by
    return ParameterChangeView(
        id=row.id, parameter=row.parameter, value=row.value, valid_from=row.valid_from,
        source=row.source,
        backdating=Backdating.model_validate(row.backdating) if row.backdating else None,
        state=ParameterState(row.state), version=row.version,
        proposed_by=row.proposed_by, proposed_at=row.proposed_at, decided_by=row.decided_by,
        decided_at=row.decided_at, note=row.note,
        allowed_events=list(NEXT[ParameterState(row.state)]) if may_decide else [],
        operation=operation,
    )  # fmt: skip
