"""Waiting until nothing is under way between the services, seen from outside of them."""

import asyncio
import time

import asyncpg

from services.kernel.backlogs import busy_question
from services.kernel.bus import Bus
from services.kernel.database_urls import plain_url
from services.kernel.reactions import consumers_for
from services.kernel.runtime import KERNEL_REACTIONS
from services.kernel.settings import Settings
from services.launch.registry import SERVICES

QUIET_S_MAX = 180.0
QUIET_LOOKS = 2
LOOK_S = 0.05
# A clock moved ahead makes many timers due at once, which announce in their turn.
DUE = """
SELECT EXISTS (
    SELECT 1 FROM timer WHERE fired_at IS NULL
    AND due_at <= now() + make_interval(secs => coalesce((SELECT offset_s FROM heard_clock), 0))
)
"""


async def until_quiet(settings: Settings) -> None:
    """Wait until due timers have fired, all was heard and all long or waiting work is done."""
    bus = Bus(settings.nats_url, "liangxin command quiet")
    await bus.connect()
    connections = {
        name: await asyncpg.connect(plain_url(settings.service_url(name)), timeout=5)
        for name in SERVICES
    }
    deadline, quiet = time.monotonic() + QUIET_S_MAX, 0
    try:
        while quiet < QUIET_LOOKS:
            if time.monotonic() > deadline:
                raise TimeoutError("the services did not become quiet in time")
            quiet = 0 if await _is_busy(bus, connections) else quiet + 1
            await asyncio.sleep(LOOK_S)
    finally:
        for connection in connections.values():
            await connection.close()
        await bus.close()


async def _is_busy(bus: Bus, connections: dict[str, "asyncpg.Connection"]) -> bool:
    for name, service in SERVICES.items():
        asked = (busy_question(service), DUE)
        if any([await connections[name].fetchval(question) for question in asked]):
            return True
    for name, service in SERVICES.items():
        for consumer in consumers_for(name, (*KERNEL_REACTIONS, *service.reactions)):
            info = await bus.jetstream.consumer_info(consumer.stream.name, consumer.name)
            if info.num_pending or info.num_ack_pending:
                return True
    return False
