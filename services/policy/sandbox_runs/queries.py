"""Reading runs, their grants, and what is owed under each budget."""

from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.kernel.errors import NotFound
from services.kernel.operations import OPEN_STATES
from services.kernel.pages import PageRequest
from services.kernel.tables import Operation
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.rules import ReservationState, SystemEvent
from services.policy.firms.models import Firm
from services.policy.sandbox_runs.models import SandboxGrant, SandboxOutcome, SandboxRun
from services.policy.sandbox_runs.rules import COLUMNS, WANTED, Wanted, cells, outcome_rows
from services.policy.sandbox_runs.schemas import Budget, RunResult, RunSummary, RunView
from services.policy.treasury.models import HeardBudget
from services.policy.treasury.queries import approved_budgets

RunAndWork = tuple[SandboxRun, Operation]
EXPORTED_AT_ONCE = 5_000
FIRMS_AT_ONCE = 500
PROGRAMME_COLUMN = list(COLUMNS).index("programme")


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
    sessions: async_sessionmaker[AsyncSession], run_id: UUID, programme: str | None
) -> AsyncIterator[list[list[Any]]]:
    """Give the rows of grants, some at a time; no transaction waits for a slow reader."""
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
        if programme is not None:
            statement = statement.where(SandboxGrant.programme == programme)
        async with sessions() as session:
            rows = (await session.execute(statement)).all()
        if not rows:
            return
        yield [cells(*row) for row in rows]
        after = rows[-1][0].programme, rows[-1][0].uscc


async def every_outcome(
    sessions: async_sessionmaker[AsyncSession],
    run_id: UUID,
    names: list[str],
    outcomes: Iterable[Wanted],
    programme: str | None,
) -> AsyncIterator[list[list[Any]]]:
    """Give the rows of the outcomes asked for, firm by firm, of one programme or of all."""
    wanted = frozenset(WANTED[each] for each in outcomes)
    after = ""
    while True:
        statement = (
            select(SandboxOutcome, Firm.name, Firm.town_code)
            .join(Firm, Firm.uscc == SandboxOutcome.uscc)
            .where(SandboxOutcome.run_id == run_id, SandboxOutcome.uscc > after)
            .order_by(SandboxOutcome.uscc)
            .limit(FIRMS_AT_ONCE)
        )
        async with sessions() as session:
            rows = (await session.execute(statement)).all()
            grants = await _grants_of(session, run_id, [row[0].uscc for row in rows])
        if not rows:
            return
        for found, name, town_code in rows:
            firm = (found.uscc, name, town_code)
            said = outcome_rows(
                firm, (found.before, found.after), names, wanted, grants.get(found.uscc, {})
            )
            yield [row for row in said if programme in (None, row[PROGRAMME_COLUMN])]
        after = rows[-1][0].uscc


async def _grants_of(
    session: AsyncSession, run_id: UUID, usccs: Collection[str]
) -> dict[str, dict[str, SandboxGrant]]:
    statement = select(SandboxGrant).where(
        SandboxGrant.run_id == run_id, SandboxGrant.uscc.in_(usccs)
    )
    found: dict[str, dict[str, SandboxGrant]] = {}
    for row in await session.scalars(statement):
        found.setdefault(row.uscc, {})[row.programme] = row
    return found


@dataclass(frozen=True)
class Spendable:
    """What a year's approved lines for a purpose still hold, as far as it has been heard."""

    budget: Budget
    lines: list[UUID]
    allotted_fen: int
    reserved_fen: int


async def spendable(session: AsyncSession, year: int) -> list[Spendable]:
    """Put the approved lines of each purpose together, less what our own cases hold of them."""
    reserved = await _reserved_by_line(session)
    by_purpose: dict[tuple[int | None, str | None], list[HeardBudget]] = {}
    for line in await approved_budgets(session, year):
        by_purpose.setdefault((line.measure, line.programme), []).append(line)
    return [
        _spendable(purpose, lines, sum(reserved.get(str(line.id), 0) for line in lines))
        for purpose, lines in by_purpose.items()
    ]


def _spendable(
    purpose: tuple[int | None, str | None], lines: list[HeardBudget], reserved_fen: int
) -> Spendable:
    measure, programme = purpose
    allotted_fen = sum(line.amount_fen for line in lines)
    left_fen = max(allotted_fen - reserved_fen, 0)
    budget = Budget(
        measure=measure, programme=programme, amount_fen=left_fen, oversubscription=None
    )
    return Spendable(budget, [line.id for line in lines], allotted_fen, reserved_fen)


async def _reserved_by_line(session: AsyncSession) -> dict[str, int]:
    """Sum what finance holds or has paid for cases from each line."""
    line = Case.reservation_line["id"].astext
    recovered = select(CaseHistory.id).where(
        CaseHistory.case_id == Case.id, CaseHistory.event == SystemEvent.RECOVERED
    )
    statement = (
        select(line, func.sum(Case.reservation_amount_fen))
        .where(Case.reservation_state == ReservationState.RESERVED, ~recovered.exists())
        .group_by(line)
    )
    rows = await session.execute(statement)
    return {id_: int(fen) for id_, fen in rows if id_ is not None and fen is not None}


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
