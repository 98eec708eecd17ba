"""Keeping what finance announces of budget lines and declared aid: what is newer stands."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.contract.events import AidChanged, BudgetChanged
from services.policy.treasury.models import HeardAid, HeardBudget


async def keep_budget(session: AsyncSession, event: BudgetChanged) -> None:
    """Know a budget line as finance holds it."""
    row = {
        "id": event.budget_id,
        "version": event.version,
        "year": event.year,
        "measure": event.measure,
        "programme": event.programme,
        "name": event.name,
        "amount_fen": event.amount_fen,
        "is_approved": event.state == "approved",
    }
    await _keep(session, HeardBudget, row)


async def keep_aid(session: AsyncSession, event: AidChanged) -> None:
    """Know a firm's declared aid, or that it was withdrawn."""
    row = {
        "id": event.aid_id,
        "version": event.version,
        "beneficiary_id": event.beneficiary_id,
        "matter_key": event.matter_key,
        "level": event.level,
        "programme": event.programme,
        "stacking_group": event.stacking_group,
        "relation": event.relation,
        "year": event.year,
        "amount_fen": event.amount_fen,
        "counts": event.state == "declared",
    }
    await _keep(session, HeardAid, row)


async def _keep(
    session: AsyncSession, table: type[HeardBudget | HeardAid], row: dict[str, Any]
) -> None:
    statement = insert(table).values(row)
    newer = {name: statement.excluded[name] for name in row if name != "id"}
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["id"], set_=newer, where=table.version < statement.excluded.version
        )
    )
