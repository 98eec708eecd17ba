"""Timers: something due on the business clock, fired once, in one transaction with its effect."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import (
    func,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel import metrics
from services.kernel.clock import system_now
from services.kernel.crash import crash_point
from services.kernel.database import as_read, raw_connection
from services.kernel.database_faults import sqlstate_of
from services.kernel.ids import new_id
from services.kernel.tables import Timer
from services.kernel.unit import commit

if TYPE_CHECKING:
    from services.kernel.runtime import Runtime

log = structlog.get_logger()

POLL_S = 0.5
BACKOFF_S_MAX = 300
# Whoever moves a thing may set its timer, while that timer, already claimed here, wants the thing:
# one of the two must give way, and the timer can come again.
_GIVE_WAY = "SET LOCAL lock_timeout = '100ms'"
_WAIT_AGAIN = "SET LOCAL lock_timeout = DEFAULT"
LOCK_NOT_AVAILABLE = "55P03"
# Asked at every poll, so on the driver itself. Due, or set for a time that a clock moved back has
# put out of reach: $3 and $4 are the recurring kinds and their periods.
_DUE = """
SELECT id, kind, reference, due_at, fired_at, attempts, not_before, last_error FROM timer
WHERE fired_at IS NULL AND kind = ANY($2::text[]) AND not_before <= clock_timestamp()
      AND (due_at <= $1 OR due_at > $1 + ($4::interval[])[array_position($3::text[], kind)])
ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_SET = """
INSERT INTO timer (id, kind, reference, due_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, reference) DO UPDATE
SET due_at = EXCLUDED.due_at, fired_at = NULL, attempts = 0, not_before = '-infinity',
    last_error = NULL
"""


@dataclass(frozen=True)
class TimerKind:
    """What happens when a timer of this kind is due; `every` makes it come again."""

    kind: str
    fire: Callable[[AsyncSession, str, datetime], Awaitable[None]]
    every: timedelta | None = None


async def set_timer(session: AsyncSession, kind: str, reference: str, due_at: datetime) -> None:
    """Set, or move, the timer of this kind for this thing."""
    connection = await raw_connection(session)
    await connection.execute(_SET, new_id(), kind, reference, due_at)


async def drop_timer(session: AsyncSession, kind: str, reference: str) -> None:
    """Let a timer that is no longer wanted pass."""
    await session.execute(
        update(Timer)
        .where(Timer.kind == kind, Timer.reference == reference, Timer.fired_at.is_(None))
        .values(fired_at=func.clock_timestamp())
    )


class TimerWheel:
    """Claims due rows one by one: a row locked by another instance is passed over."""

    def __init__(self, runtime: "Runtime", kinds: Sequence[TimerKind]) -> None:
        self._runtime = runtime
        self._kinds = {t.kind: t for t in kinds}
        self._hint = asyncio.Event()
        self._has_set_recurring = False
        self._periods = {t.kind: t.every for t in kinds if t.every is not None}

    def poke(self) -> None:
        """Say that something may be due; the slow poll finds it in any case."""
        self._hint.set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Fire what is due until told to stop."""
        while not stopping.is_set():
            self._hint.clear()
            try:
                await self._set_recurring()
                while not stopping.is_set() and await self._fire_next():
                    pass
            except Exception as error:  # noqa: BLE001  the wheel outlives any one timer's fault
                log.warning(
                    "timer wheel stumbled",
                    service=self._runtime.service.name,
                    kind=type(error).__name__,
                )
            try:
                await asyncio.wait_for(self._hint.wait(), POLL_S)
            except TimeoutError:
                continue

    async def _set_recurring(self) -> None:
        if self._has_set_recurring:
            return
        async with self._runtime.sessions() as session, session.begin():
            for kind in self._kinds.values():
                if kind.every is not None:
                    row = {
                        "id": new_id(),
                        "kind": kind.kind,
                        "reference": "recurring",
                        "due_at": self._runtime.clock.now(),
                    }
                    await session.execute(insert(Timer).values(**row).on_conflict_do_nothing())
        self._has_set_recurring = True

    async def _fire_next(self) -> bool:
        now = self._runtime.clock.now()
        async with self._runtime.sessions() as session:
            connection = await raw_connection(session)
            periods = self._periods
            row = await connection.fetchrow(
                _DUE, now, list(self._kinds), list(periods), list(periods.values())
            )
            if row is None:
                return False
            timer = as_read(session, Timer, row)
            crash_point("timer:claimed")
            kind = self._kinds[timer.kind]
            try:
                async with session.begin_nested():
                    await session.execute(text(_GIVE_WAY))
                    await kind.fire(session, timer.reference, now)
                    await session.flush()
                    await session.execute(text(_WAIT_AGAIN))
            except Exception as error:
                if sqlstate_of(error) == LOCK_NOT_AVAILABLE:
                    log.info("timer gives way", timer_kind=timer.kind)
                else:
                    log.exception("timer failed", timer_kind=timer.kind, kind=type(error).__name__)
                _put_off(timer, error)
                session.info.clear()
            else:
                metrics.TIMERS_FIRED.labels(self._runtime.service.name, timer.kind).inc()
                _settle(timer, kind, now)
            await session.flush()
            written = await commit(session)
        self._runtime.hand_to_relay(written)
        return True


def _settle(timer: Timer, kind: TimerKind, now: datetime) -> None:
    if kind.every is None:
        timer.fired_at = now
    else:
        timer.due_at = now + kind.every
    timer.attempts = 0


def _put_off(timer: Timer, error: Exception) -> None:
    timer.attempts += 1
    timer.last_error = f"{type(error).__name__}: {error}"[:300]
    delay = random.uniform(1, min(BACKOFF_S_MAX, 2**timer.attempts))  # noqa: S311  jitter
    timer.not_before = system_now() + timedelta(seconds=delay)
