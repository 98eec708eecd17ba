"""Backlogs: work that waits in a table and is done soon, some at a time, each some as one unit.

Whoever finds that something must be done writes a row beside the change and goes on; the worker
takes the rows in the transaction of their effect, so that a crash leaves them where they were.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.unit import in_unit

if TYPE_CHECKING:
    from services.kernel.runtime import Runtime
    from services.kernel.service import Service

log = structlog.get_logger()

POLL_S = 0.5
STUMBLE_S = 2.0
OUTBOX_OR_OPERATIONS = """
SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL)
    OR EXISTS (SELECT 1 FROM operation WHERE state IN ('accepted', 'running'))
"""


@dataclass(frozen=True)
class Backlog:
    """Waiting work of one kind: `work` does some of it and tells whether to come back at once.

    `waiting` is a SELECT that gives a row as long as any of it waits.
    """

    name: str
    work: Callable[[AsyncSession, datetime], Awaitable[bool]]
    waiting: str


def busy_question(service: "Service") -> str:
    """Ask a schema whether its service has anything left to tell or to do."""
    waits = (f"    OR EXISTS ({backlog.waiting})\n" for backlog in service.backlogs)
    return OUTBOX_OR_OPERATIONS + "".join(waits)


class BacklogRunner:
    """Works one backlog off until it is told to stop; a hint spares it the wait."""

    def __init__(self, runtime: "Runtime", backlog: Backlog) -> None:
        self._runtime = runtime
        self._backlog = backlog
        self._hint = asyncio.Event()

    def poke(self) -> None:
        """Say that something may have come in."""
        self._hint.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Do what waits, then wait for a hint or look again."""
        while not stopping.is_set():
            self._hint.clear()
            pause_s = POLL_S
            try:
                while not stopping.is_set() and await self._work():
                    pass
            except Exception as error:  # noqa: BLE001  the worker outlives any one fault
                log.warning(
                    "backlog stumbled", backlog=self._backlog.name, kind=type(error).__name__
                )
                pause_s = STUMBLE_S
            try:
                await asyncio.wait_for(self._hint.wait(), pause_s)
            except TimeoutError:
                continue

    async def _work(self) -> bool:
        await self._runtime.let_hearing_go_first()
        return await in_unit(self._runtime, self._backlog.work)
