"""Reading how far batches have come."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.operations import OPEN_STATES
from services.kernel.tables import Operation
from services.policy.case_batches.models import CaseBatchAnswer


async def open_batches(session: AsyncSession, kind: str, owner: str) -> int:
    """Count the batches that a person has under way."""
    statement = select(func.count()).select_from(Operation).where(
        Operation.kind == kind, Operation.owner == owner, Operation.state.in_(OPEN_STATES)
    )  # fmt: skip
    return await session.scalar(statement) or 0


async def answers(session: AsyncSession, operation_id: UUID) -> list[dict[str, Any]]:
    """Give the answers of a batch in the order of its items."""
    statement = select(CaseBatchAnswer.answer).where(CaseBatchAnswer.operation_id == operation_id)
    return list(await session.scalars(statement.order_by(CaseBatchAnswer.position)))
