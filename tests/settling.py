"""Waiting until running services have told, done and heard everything."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import nats.errors
from nats.js.errors import NotFoundError
from sqlalchemy import text

from services.kernel.backlogs import busy_question
from services.kernel.reactions import consumers_for
from services.kernel.runtime import KERNEL_REACTIONS, Runtime

SETTLE_S_MAX = 60.0
QUIET_LOOKS = 2
# Due by the service's own clock; one that recurs is due, too, where a clock that was moved back
# has put it further off than its period.
_DUE = text("""
WITH recurring AS (
    SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:periods AS interval[])) AS r(kind, period)
)
SELECT EXISTS (
    SELECT 1 FROM timer LEFT JOIN recurring USING (kind)
    WHERE fired_at IS NULL AND (due_at <= :now OR due_at > :now + period)
)
""")


@dataclass(frozen=True)
class Look:
    """What was seen of the services: the first that has something left, or how far all heard."""

    left: str | None = "nobody has looked"
    heard_to: list[tuple[int, ...]] | None = None


async def settle(runtimes: Mapping[str, Runtime]) -> None:
    """Wait until due timers have fired, all was heard, and all long or waiting work is done."""
    deadline = time.monotonic() + SETTLE_S_MAX
    quiet, was = 0, Look()
    while quiet < QUIET_LOOKS:
        look = await _look(runtimes)
        if look.left and time.monotonic() > deadline:
            raise TimeoutError(f"the platform did not settle in time: {look.left}")
        # What was heard between two looks may have gone round behind the first.
        is_same = look.heard_to == was.heard_to
        quiet = 0 if look.left else quiet + 1 if is_same else 1
        was = look
        await asyncio.sleep(0.01)


async def _look(runtimes: Mapping[str, Runtime]) -> Look:
    """Look for a service that has something left to tell, to do or to hear."""
    reached: list[tuple[int, ...]] = []
    for name, runtime in runtimes.items():
        async with runtime.engine.connect() as connection:
            if await connection.scalar(text(busy_question(runtime.service))):
                return Look(f"{name} has announcements or work left")
            if await connection.scalar(_DUE, _recurring(runtime)):
                return Look(f"{name} has timers that are due")
        heard = await heard_to(runtime)
        if heard is None:
            return Look(f"{name} has not heard everything")
        reached.append(heard)
    return Look(None, reached)


def _recurring(runtime: Runtime) -> dict[str, object]:
    timers = [timer for timer in runtime.service.timers if timer.every is not None]
    return {
        "kinds": [timer.kind for timer in timers],
        "periods": [timer.every for timer in timers],
        "now": runtime.clock.now(),
    }


async def heard_to(runtime: Runtime) -> tuple[int, ...] | None:
    """Say how far each stream was heard; nothing while an event waits for this service."""
    reached: list[int] = []
    for consumer in consumers_for(
        runtime.service.name, (*KERNEL_REACTIONS, *runtime.service.reactions)
    ):
        try:
            info = await runtime.bus.jetstream.consumer_info(consumer.stream.name, consumer.name)
        except (NotFoundError, nats.errors.TimeoutError):
            # Not declared yet, or the broker is too busy to say: no proof of silence.
            return None
        if info.num_pending or info.num_ack_pending or info.ack_floor is None:
            return None
        reached.append(info.ack_floor.stream_seq)
    return tuple(reached)
