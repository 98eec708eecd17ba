"""Keyed writes at a steady rate, straight at one service: what was answered, and how fast."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from services.kernel.ids import new_id
from services.launch.caller import Caller
from tests.faults.ground import Ground
from tests.faults.load import register_firm

CONNECTIONS = 32
PROBE_S = 2.0
PROBERS = 8
CREATED = 201
# Each write states one fact: a row is a write that was carried out.
_STATED = "SELECT statement_id::text AS id FROM fact_statement WHERE uscc = ANY($1::text[])"
_ANNOUNCED = """
SELECT payload::json ->> 'statement_id' AS id FROM outbox WHERE aggregate = ANY($1::text[])
"""


@dataclass
class Written:
    """What came of some writes; each is timed from when it was due, not from when it was sent."""

    seconds: list[float] = field(default_factory=list[float])
    statuses: Counter[int] = field(default_factory=Counter[int])
    lasted_s: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.lasted_s

    @property
    def p99_ms(self) -> float:
        return 1000 * sorted(self.seconds)[math.ceil(0.99 * len(self.seconds)) - 1]

    @property
    def refused(self) -> int:
        return self.statuses.total() - self.statuses[CREATED]


class Steady:
    """States a fact of one firm after another: each write is a new version, announced."""

    def __init__(self, http: aiohttp.ClientSession, usccs: list[str]) -> None:
        self._http = http
        self.usccs = usccs
        self._sent = 0
        self.acknowledged: list[str] = []

    async def capacity(self) -> float:
        """Measure how many writes a second the service can do at most, here and now."""
        written, began = Written(), time.monotonic()

        async def probe() -> None:
            while time.monotonic() - began < PROBE_S:
                await self._write(written, time.monotonic())

        await asyncio.gather(*(probe() for _ in range(PROBERS)))
        written.lasted_s = time.monotonic() - began
        return written.rate

    async def write_for(self, seconds: float, rate: float) -> Written:
        """Write at a rate, whether the earlier ones are answered or not."""
        written, began = Written(), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(round(seconds * rate)):
                due = began + number / rate
                await asyncio.sleep(due - time.monotonic())
                group.create_task(self._write(written, due))
        written.lasted_s = time.monotonic() - began
        return written

    async def _write(self, written: Written, due: float) -> None:
        path, body = a_fact(self.usccs, self._sent)
        self._sent += 1
        headers = {"Idempotency-Key": str(new_id()), "Content-Type": "application/json"}
        async with self._http.post(path, data=orjson.dumps(body), headers=headers) as answer:
            told = await answer.read()
        written.seconds.append(time.monotonic() - due)
        written.statuses[answer.status] += 1
        if answer.status == CREATED:
            self.acknowledged.append(orjson.loads(told)["statement_id"])

    async def judge(self, ground: Ground) -> tuple[int, int]:
        """Count what was lost and what was doubled of all writes."""
        return await weigh(ground, self.usccs, self.acknowledged, self._sent)


def a_fact(usccs: list[str], number: int) -> tuple[str, dict[str, Any]]:
    """Give path and body of a write: one firm after another, each time the opposite of before."""
    body = {
        "facts": {"is_above_scale": number // len(usccs) % 2 == 0},
        "valid_from": "2025-01-01",
        "source": "经信局认定（演示）",
    }
    return f"/v1/enterprise/firms/{usccs[number % len(usccs)]}/facts", body


async def weigh(
    ground: Ground, usccs: list[str], acknowledged: list[str], sent: int
) -> tuple[int, int]:
    """Count acknowledged writes not carried out or announced, and those that were so twice.

    A write carried out twice under one key is two statements, of which one was acknowledged.
    """
    stated = Counter(row["id"] for row in await ground.fetch("enterprise", _STATED, usccs))
    aggregates = [f"firm:{uscc}" for uscc in usccs]
    rows = await ground.fetch("enterprise", _ANNOUNCED, aggregates)
    announced = Counter(row["id"] for row in rows)
    known = set(acknowledged)
    lost = sum(id_ not in stated or id_ not in announced for id_ in known)
    # Two writes that were answered with one statement: one of them was not carried out.
    lost += len(acknowledged) - len(known)
    double = sum(times - 1 for times in (*stated.values(), *announced.values()))
    # Of a write without a good answer nobody knows whether it was carried out, but at most once.
    return lost, double + max(0, len(set(stated) - known) - (sent - len(acknowledged)))


@asynccontextmanager
async def open_steady(ground: Ground, caller: Caller, firms: int) -> AsyncGenerator[Steady]:
    """Register firms, and open connections to enterprise itself, for a block."""
    usccs = [await register_firm(caller) for _ in range(firms)]
    headers = {"Authorization": f"Bearer {await _token(caller, 'registrar')}"}
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    url = ground.split.services["enterprise"].url
    async with aiohttp.ClientSession(url, connector=connector, headers=headers) as http:
        yield Steady(http, usccs)


async def _token(caller: Caller, role: str) -> str:
    entry = caller.clients[role]
    form = {
        "grant_type": "client_credentials",
        "client_id": entry["client_id"],
        "client_secret": entry["client_secret"],
    }
    answer = await caller.http.post("/oauth2/token", data=form)
    return answer.raise_for_status().json()["access_token"]
