"""What is asked of the processes while something is broken: are they alive, how full are they."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from services.launch.split import Child
from tests.faults.ground import METRICS_TOKEN, Ground

ASK_EACH_S = 0.25
ALIVE_S_MAX = 5.0
SERVICE_CONNECTIONS_MAX = 12
WAIT_S_MAX = 30.0

_STUCK = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name LIKE 'liangxin %' AND state LIKE 'idle in transaction%'
AND state_change < clock_timestamp() - interval '1 second'
"""
_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1"


@dataclass
class Pulse:
    """How /livez answered: how often, the longest, and what was not a 200."""

    asked: int = 0
    longest_s: float = 0.0
    failed: list[str] = field(default_factory=list[str])

    async def follow(self, child: Child) -> None:
        async with httpx.AsyncClient(base_url=child.url, timeout=ALIVE_S_MAX) as http:
            while True:
                began = time.monotonic()
                try:
                    status = (await http.get("/livez")).status_code
                except httpx.TransportError as error:
                    status = type(error).__name__
                self.asked += 1
                self.longest_s = max(self.longest_s, time.monotonic() - began)
                if status != httpx.codes.OK:
                    self.failed.append(f"{child.name}: {status}")
                await asyncio.sleep(ASK_EACH_S)


@asynccontextmanager
async def pulse(children: tuple[Child, ...]) -> AsyncGenerator[Pulse]:
    """Feel the pulse of processes while a block runs."""
    felt = Pulse()
    tasks = [asyncio.create_task(felt.follow(child)) for child in children]
    try:
        yield felt
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def gauge(ground: Ground, name: str, service: str) -> float:
    """Read one gauge of the gateway."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    async with httpx.AsyncClient(base_url=ground.split.url, timeout=ALIVE_S_MAX) as http:
        told = await http.get("/metrics", headers=headers)
    assert told.status_code == httpx.codes.OK, told.text
    return value_of(told.text, f'{name}{{service="{service}"}}')


def value_of(metrics: str, series: str) -> float:
    """Read one series of a Prometheus text; one that never counted is 0."""
    lines = (line.rpartition(" ") for line in metrics.splitlines())
    return next((float(value) for name, _, value in lines if name == series), 0.0)


async def in_flight(ground: Ground, service: str) -> float:
    return await gauge(ground, "liangxin_gateway_in_flight", service)


async def is_open(ground: Ground, service: str) -> bool:
    return await gauge(ground, "liangxin_gateway_breaker_open", service) == 1


async def stuck_sessions(ground: Ground) -> int:
    """Count transactions that stand still for a second or more."""
    return int(await ground.value("finance", _STUCK))


async def connections(ground: Ground, service: str) -> int:
    return int(await ground.value("finance", _CONNECTIONS, f"liangxin {service}"))
