"""Reading runs, their grants, and what is owed under each budget."""

from collections.abc import AsyncIterator, Collection
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.kernel.errors import NotFound
from services.kernel.operations import OPEN_STATES
from services.kernel.pages import PageRequest
from services.kernel.tables import Operation
from services.policy.firms.models import Firm
from services.policy.sandbox_runs.models import SandboxGrant, SandboxRun
from services.policy.sandbox_runs.schemas import RunResult, RunSummary, RunView

RunAndWork = tuple[SandboxRun, Operation]
EXPORTED_AT_ONCE = 5_000


async def run(session: AsyncSession, run_id: UUID) -> RunAndWork:
    """Find a run with the operation that it is."""
    found = await session.get(SandboxRun, run_id)
    if found is None:
        raise NotFound("没有这次测算。", "There is no such run.")
    return found, await session.get_one(Operation, run_id)


async def runs(session: AsyncSession, page: PageRequest) -> list[RunAndWork]:
    """List runs, the newest first."""
    statement = select(SandboxRun, Operation).join(Operation, Operation.id == SandboxRun.id)
    if page.after is not None:
        statement = statement.where(SandboxRun.id < UUID(str(page.after[0])))
    rows = await session.execute(statement.order_by(SandboxRun.id.desc()).limit(page.limit + 1))
    return [(found, operation) for found, operation in rows]


async def open_runs(session: AsyncSession, kind: str, owner: str) -> int:
    """Count what a person has under way."""
    statement = select(func.count()).where(
        Operation.kind == kind, Operation.owner == owner, Operation.state.in_(OPEN_STATES)
    )
    return await session.scalar(statement) or 0


async def demands(
    session: AsyncSession, run_id: UUID, programmes: Collection[str]
) -> list[tuple[int, str | None]]:
    """Read what firms would receive under some programmes, as far as it is known, with ranks."""
    statement = select(SandboxGrant.after_fen, SandboxGrant.rank).where(
        SandboxGrant.run_id == run_id,
        SandboxGrant.programme.in_(programmes),
        SandboxGrant.after_fen > 0,
    )
    return [(amount, rank) for amount, rank in await session.execute(statement)]


async def names(session: AsyncSession, usccs: Collection[str]) -> dict[str, str]:
    rows = await session.execute(select(Firm.uscc, Firm.name).where(Firm.uscc.in_(usccs)))
    return {row.uscc: row.name for row in rows}


async def every_grant(
    sessions: async_sessionmaker[AsyncSession], run_id: UUID
) -> AsyncIterator[list[Any]]:
    """Give all grants of a run, some at a time; no transaction waits for a slow reader."""
    after: tuple[Any, ...] = ("", "")
    while True:
        statement = (
            select(SandboxGrant, Firm.name, Firm.town_code)
            .join(Firm, Firm.uscc == SandboxGrant.uscc)
            .where(
                SandboxGrant.run_id == run_id,
                tuple_(SandboxGrant.programme, SandboxGrant.uscc) > tuple_(*after),
            )
            .order_by(SandboxGrant.programme, SandboxGrant.uscc)
            .limit(EXPORTED_AT_ONCE)
        )
        async with sessions() as session:
            rows = (await session.execute(statement)).all()
        if not rows:
            return
        yield list(rows)
        after = rows[-1][0].programme, rows[-1][0].uscc


async def count_grants(session: AsyncSession, run_id: UUID) -> int:
    statement = select(func.count()).where(SandboxGrant.run_id == run_id)
    return await session.scalar(statement) or 0


def summary(found: SandboxRun, operation: Operation) -> RunSummary:
    return RunSummary(**_told(found, operation))


def view(found: SandboxRun, operation: Operation) -> RunView:
    """Show a run with what was asked and, once it is over, what came out."""
    result = RunResult.model_validate(operation.result) if operation.result else None
    return RunView(**_told(found, operation), request=found.request, result=result)


def _told(found: SandboxRun, operation: Operation) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "on": found.on_day,
        "demonstration": found.demonstration,
        "started_by": found.started_by,
        "started_at": found.started_at,
        "state": operation.state,
        "done": operation.done,
        "total": operation.total,
    }
