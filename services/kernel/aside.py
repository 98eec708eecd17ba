"""Reading a file while a transaction is open, which must not seem forgotten meanwhile."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# The database ends a transaction that says nothing for ten seconds.
SIGN_OF_LIFE_S = 2

T = TypeVar("T")


async def read_aside(session: AsyncSession, read: Callable[[], T]) -> T:
    """Read in a thread, so that others are served, however long a busy machine takes for it."""
    reading = asyncio.ensure_future(asyncio.to_thread(read))
    try:
        while not (await asyncio.wait({reading}, timeout=SIGN_OF_LIFE_S))[0]:
            if session.in_transaction():
                await session.execute(text("SELECT 1"))
        return reading.result()
    finally:
        reading.cancel()
