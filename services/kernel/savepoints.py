"""Part of a transaction that may fail alone: its rows, announcements and audit go with it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from copy import copy
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession


@asynccontextmanager
async def savepoint(session: AsyncSession) -> AsyncGenerator[None]:
    """Do some work that leaves nothing behind if it fails; the failure is the caller's to answer.

    What is announced and recorded waits in the session until the commit, so it is put back, too.
    """
    before = {name: _kept(value) for name, value in session.info.items()}
    try:
        async with session.begin_nested():
            yield
    except BaseException:
        session.info.clear()
        session.info.update(before)
        raise


def _kept(value: Any) -> Any:
    """Copy what grows; what a process lends its sessions is lent again."""
    return copy(value) if isinstance(value, dict | list) else value
