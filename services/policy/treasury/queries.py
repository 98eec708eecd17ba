"""Reading what finance has announced."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.treasury.models import HeardAid, HeardBudget
from services.rulebook.stacking import Aid


async def declared_aid(session: AsyncSession, usccs: Iterable[str]) -> dict[str, list[Aid]]:
    """List the aid that was declared of firms and stands; a firm without any is not among them."""
    statement = select(HeardAid).where(HeardAid.beneficiary_id.in_(list(usccs)), HeardAid.counts)
    found: dict[str, list[Aid]] = {}
    for row in await session.scalars(statement.order_by(HeardAid.id)):
        found.setdefault(row.beneficiary_id, []).append(_aid(row))
    return found


async def approved_budgets(session: AsyncSession, year: int) -> Sequence[HeardBudget]:
    """List what may be spent in a year."""
    statement = select(HeardBudget).where(HeardBudget.year == year, HeardBudget.is_approved)
    return (await session.scalars(statement.order_by(HeardBudget.id))).all()


def _aid(row: HeardAid) -> Aid:
    # Finance and the rules use the same closed set of words for it.
    relation: Any = row.relation
    return Aid(
        id=str(row.id), programme=row.programme, level=row.level, matter=row.matter_key,
        group=row.stacking_group, relation=relation, year=row.year, amount_fen=row.amount_fen,
    )  # fmt: skip
