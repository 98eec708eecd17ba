"""Reading rows that wait for their step."""

from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.imports.models import ImportRow
from services.kernel.errors import FieldError
from services.kernel.row_files import Row
from services.kernel.tables import Operation

FORGOTTEN_AT_ONCE = 1000


async def waiting_rows(
    session: AsyncSession, operation_id: UUID, after: int, limit: int
) -> list[Row]:
    """Give the next rows of an import in the order of the file."""
    waiting = (
        select(ImportRow)
        .where(
            ImportRow.operation_id == operation_id,
            ImportRow.position > after,
            ImportRow.position <= after + limit,
        )
        .order_by(ImportRow.position)
    )
    return [
        Row(row.line, row.cells, FieldError(**row.fault) if row.fault else None)
        for row in await session.scalars(waiting)
    ]


async def drop_rows(session: AsyncSession, operation_id: UUID, up_to: int) -> None:
    """Let go of rows that have been answered for."""
    await session.execute(
        delete(ImportRow).where(ImportRow.operation_id == operation_id, ImportRow.position <= up_to)
    )


async def drop_orphans(session: AsyncSession) -> None:
    """Let go of rows whose import failed, some at a time."""
    orphans = (
        select(ImportRow.operation_id, ImportRow.position)
        .join(Operation, Operation.id == ImportRow.operation_id)
        .where(Operation.state == "failed")
        .limit(FORGOTTEN_AT_ONCE)
        .subquery()
    )
    await session.execute(
        delete(ImportRow).where(
            ImportRow.operation_id == orphans.c.operation_id,
            ImportRow.position == orphans.c.position,
        )
    )
