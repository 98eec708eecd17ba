"""Keyed writes whose every answer is kept: what was acknowledged must be there, once and whole."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from services.kernel.ids import new_id
from services.launch.caller import Caller
from tests.faults.ground import PATIENCE_S, Ground

PATH = "/v1/finance/budgets"
CLIENT_S_MAX = 20.0
NO_ANSWER = 0
CREATED = 201
WAIT_S_MAX = 60.0
POLL_S = 0.02
REPEATED_AT_ONCE = 8
_numbers = itertools.count(1)

_FOUND = """
WITH made AS (SELECT name, count(*) AS rows, min(id::text) AS id FROM budget GROUP BY name),
kept AS (SELECT key, count(*) AS answers FROM stored_answer GROUP BY key),
noted AS (SELECT thing_id, count(*) AS entries FROM audit_entry
          WHERE action = 'budget.draft' GROUP BY thing_id)
SELECT n.name, COALESCE(made.rows, 0) AS rows, COALESCE(kept.answers, 0) AS answers,
       COALESCE(noted.entries, 0) AS entries
FROM unnest($1::text[], $2::text[]) AS n(name, key)
LEFT JOIN made ON made.name = n.name LEFT JOIN kept ON kept.key = n.key
LEFT JOIN noted ON noted.thing_id = made.id
"""


@dataclass(frozen=True)
class Answer:
    """One answer to one sending; a status of 0 is a connection that broke."""

    sent_at: float
    seconds: float
    status: int
    code: str = ""
    retry_after: bool = False
    replayed: bool = False

    @property
    def is_fit(self) -> bool:
        """Whether it is what an outage may answer: done, or come back later."""
        return self.status == CREATED or (self.status in (429, 503) and self.retry_after)


@dataclass
class Intent:
    """One budget line that somebody wants to be there once."""

    name: str = field(default_factory=lambda: f"试写{next(_numbers)}")
    key: str = field(default_factory=lambda: str(new_id()))
    answers: list[Answer] = field(default_factory=list[Answer])

    @property
    def is_acknowledged(self) -> bool:
        return any(answer.status == CREATED for answer in self.answers)

    @property
    def body(self) -> dict[str, Any]:
        return {
            "year": 2026,
            "programme": "faults",
            "name": self.name,
            "department": "经信局",
            "amount_fen": 1_000_000,
        }


class Writers:
    """A few writers at a steady pace, each write sent once; afterwards again until it is told."""

    def __init__(self, ground: Ground, http: httpx.AsyncClient, pause_s: float) -> None:
        self._caller = Caller(http, dict(ground.credentials.clients), patience_s=PATIENCE_S)
        self._pause_s = pause_s
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.intents: list[Intent] = []

    async def start(self, workers: int) -> None:
        await self._caller.sign_in("treasurer")
        self._tasks = [asyncio.create_task(self._run()) for _ in range(workers)]

    async def stop(self) -> None:
        self._stopping.set()
        await asyncio.gather(*self._tasks)

    async def finish(self) -> None:
        """Stop, then send what was not acknowledged again, under its key, until it is."""
        await self.stop()
        left = iter([intent for intent in self.intents if not intent.is_acknowledged])
        await asyncio.gather(*(self._repeat(left) for _ in range(REPEATED_AT_ONCE)))

    async def write(self, intent: Intent | None = None) -> Answer:
        """Send an intent once, a new one if none is given; keep what came of it."""
        if intent is None:
            intent = Intent()
            self.intents.append(intent)
        began = time.monotonic()
        headers = {"Idempotency-Key": intent.key}
        try:
            told = await self._caller.once(
                "treasurer", "POST", PATH, json=intent.body, headers=headers
            )
        except httpx.TransportError:
            answer = Answer(began, time.monotonic() - began, NO_ANSWER)
        else:
            answer = _answer(told, began)
        intent.answers.append(answer)
        return answer

    async def until_acknowledged(self, since: float) -> float:
        """Wait for a write that was sent, and acknowledged, after a moment; give how long after."""
        while time.monotonic() - since < WAIT_S_MAX:
            for intent in reversed(self.intents[-200:]):
                for answer in intent.answers:
                    if answer.sent_at >= since and answer.status == CREATED:
                        return answer.sent_at + answer.seconds - since
            await asyncio.sleep(POLL_S)
        raise AssertionError(f"no write was acknowledged in {WAIT_S_MAX} s: {self.told()}")

    @property
    def answers(self) -> list[Answer]:
        return [answer for intent in self.intents for answer in intent.answers]

    def told(self) -> dict[int, int]:
        """Count the answers by status."""
        return dict(Counter(answer.status for answer in self.answers))

    async def _repeat(self, left: Iterator[Intent]) -> None:
        for intent in left:
            deadline = time.monotonic() + WAIT_S_MAX
            while (answer := await self.write(intent)).status != CREATED:
                assert time.monotonic() < deadline, (intent, answer)
                await asyncio.sleep(0.2)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self.write()
            await asyncio.sleep(self._pause_s)


@asynccontextmanager
async def writing(
    ground: Ground, *, workers: int = 4, pause_s: float = 0.05
) -> AsyncGenerator[Writers]:
    """Write through the gateway while a block runs."""
    async with httpx.AsyncClient(base_url=ground.split.url, timeout=CLIENT_S_MAX) as http:
        writers = Writers(ground, http, pause_s)
        await writers.start(workers)
        try:
            yield writers
        finally:
            await writers.stop()


async def weigh(ground: Ground, intents: Iterable[Intent]) -> tuple[list[str], list[str]]:
    """Say which intents are lost or by halves, and which are there more than once."""
    by_name = {intent.name: intent for intent in intents}
    rows = await ground.fetch(
        "finance", _FOUND, list(by_name), [intent.key for intent in by_name.values()]
    )
    lost = [
        f"acknowledged, not there: {row['name']}"
        for row in rows
        if by_name[row["name"]].is_acknowledged and not row["rows"]
    ]
    lost += [
        f"there by halves: {dict(row)}"
        for row in rows
        if row["rows"] == 1 and not row["answers"] == row["entries"] == 1
    ]
    lost += [
        f"an answer without its effect: {dict(row)}"
        for row in rows
        if not row["rows"] and row["answers"]
    ]
    return lost, [f"{row['rows']} times: {row['name']}" for row in rows if row["rows"] > 1]


async def there(ground: Ground, intents: Iterable[Intent]) -> set[str]:
    """Give the names that have a row."""
    found = list(intents)
    arguments = [each.name for each in found], [each.key for each in found]
    return {row["name"] for row in await ground.fetch("finance", _FOUND, *arguments) if row["rows"]}


def _answer(told: httpx.Response, began: float) -> Answer:
    is_problem = told.headers.get("content-type", "").startswith("application/problem+json")
    return Answer(
        began,
        time.monotonic() - began,
        told.status_code,
        told.json()["code"] if is_problem else "",
        "retry-after" in told.headers,
        "idempotency-replayed" in told.headers,
    )
