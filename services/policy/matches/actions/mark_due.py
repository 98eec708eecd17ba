"""Noting that a firm is to be matched again."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.database import raw_connection

# Stands in a mark for what all firms are matched on.
EVERYBODY = "*"
_MARK = "INSERT INTO match_due (uscc) VALUES ($1)"


async def mark_due(session: AsyncSession, uscc: str) -> None:
    """Have a firm, or everybody, matched again soon after this; nobody is waited for."""
    connection = await raw_connection(session)
    await connection.execute(_MARK, uscc)
