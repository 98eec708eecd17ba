"""Reading budget lines."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.budgets.access import allowed_events
from services.finance.budgets.models import Budget
from services.finance.budgets.rules import BudgetState, Line
from services.finance.budgets.schemas import BudgetView
from services.finance.contract.events import BudgetChanged
from services.finance.ledger.queries import balances
from services.finance.ledger.rules import Balances
from services.finance.paging import newest_first
from services.kernel.actors import Actor
from services.kernel.database import raw_connection
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest, in_portions

# No measure is equal to none: then the programme alone names the lines.
_LOCK = """
SELECT id, name FROM budget
WHERE year = $1 AND (programme = $2 OR measure = $3) AND state = $4 ORDER BY id FOR UPDATE
"""


async def budget(session: AsyncSession, budget_id: UUID, *, lock: bool = False) -> Budget:
    """Find a budget line, if wanted to change it."""
    statement = select(Budget).where(Budget.id == budget_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = await session.scalar(statement)
    if found is None:
        raise NotFound("没有这条预算指标。", "There is no such budget line.")
    return found


async def budgets(
    session: AsyncSession,
    page: PageRequest,
    *,
    year: int | None,
    measure: int | None,
    programme: str | None,
) -> list[Budget]:
    """List budget lines, the newest first."""
    statement = select(Budget)
    if year is not None:
        statement = statement.where(Budget.year == year)
    if measure is not None:
        statement = statement.where(Budget.measure == measure)
    if programme is not None:
        statement = statement.where(Budget.programme == programme)
    return list(await session.scalars(newest_first(statement, Budget.id, page)))


async def locked_lines(
    session: AsyncSession, *, year: int, measure: int | None, programme: str
) -> list[Line]:
    """Lock the approved lines of a purpose in the order of their ids, then read what they hold."""
    connection = await raw_connection(session)
    found = await connection.fetch(_LOCK, year, programme, measure, BudgetState.APPROVED.value)
    held = await balances(session, [line["id"] for line in found])
    return [Line(id_, name, year, held[id_].available_fen) for id_, name in found]


async def views(session: AsyncSession, actor: Actor, rows: list[Budget]) -> list[BudgetView]:
    """Show budget lines with what stands on them."""
    held = await balances(session, [row.id for row in rows])
    return [_view(actor, row, held[row.id]) for row in rows]


async def view(session: AsyncSession, actor: Actor, row: Budget) -> BudgetView:
    (shown,) = await views(session, actor, [row])
    return shown


def _view(actor: Actor, row: Budget, held: Balances) -> BudgetView:
    return BudgetView(
        id=row.id,
        year=row.year,
        measure=row.measure,
        programme=row.programme,
        name=row.name,
        department=row.department,
        amount_fen=row.amount_fen,
        state=row.state,
        version=row.version,
        created_at=row.created_at,
        approved_at=row.approved_at,
        allowed_events=allowed_events(actor, row),
        **asdict(held),
    )


async def restate_budgets(session: AsyncSession) -> AsyncIterator[BudgetChanged]:
    """Give the whole current state of every line."""
    async for row in in_portions(session, select(Budget), Budget.id):
        yield state_of(row)


def state_of(row: Budget) -> BudgetChanged:
    """Put a line's whole current state into the event that announces it."""
    return BudgetChanged(
        version=row.version, budget_id=row.id, year=row.year, measure=row.measure,
        programme=row.programme, name=row.name, department=row.department,
        amount_fen=row.amount_fen, state=BudgetState(row.state).value,
    )  # fmt: skip
