"""A transaction of ours beside its very statements in bare asyncpg, alone and eight at once."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.frame import Contender, Figure, Sizes, compare, interleaved, per_second
from tests.benchmarks.ground import Ground
from tests.benchmarks.replay import Recording, play, recording

RATIO_GOAL = 0.7
WARM_UP = 20
UNITS = 240

# What a caller or the broker hands over about a subject: a firm's code, a programme's name.
Word = Callable[[str], Any]
Ours = Callable[[Any], Awaitable[Any]]
Other = Callable[[Any, str], Awaitable[Any]]


@dataclass
class Bench:
    """One kind of transaction, and what it is compared with."""

    what: str
    service: str
    # The words of others are made before the clock runs, as the peer's arguments are.
    word: Word
    ours: Ours
    # What the transactions are about, apart for each worker, so that none waits for another.
    subjects: list[list[str]]
    # Another way to write the same, given a bare connection.
    other_name: str = ""
    other: Other | None = None


class Workers:
    """So many tasks, each with a bare connection and subjects of its own."""

    def __init__(self, ground: Ground, bench: Bench, connections: list[Any], units: int) -> None:
        self._ground = ground
        self._bench = bench
        self._connections = connections
        self._units = units
        self._turns = [itertools.cycle(each) for each in bench.subjects]
        self._tapes: list[tuple[str, Recording]] = []

    async def record(self) -> int:
        """Record one transaction of each worker, warm; give the number of its round trips."""
        for turn in self._turns[: len(self._connections)]:
            for _ in range(WARM_UP):
                await self._bench.ours(self._bench.word(next(turn)))
            subject = next(turn)
            with recording() as notes:
                await self._bench.ours(self._bench.word(subject))
            self._tapes.append((subject, notes))
        return len(self._tapes[0][1].steps)

    async def ours(self) -> float:
        worded = [
            [self._bench.word(next(turn)) for _ in range(self._units)]
            for turn in self._turns[: len(self._connections)]
        ]

        async def one(worker: int) -> None:
            for each in worded[worker]:
                await self._bench.ours(each)

        return await self._at_once(one)

    async def same_statements(self) -> float:
        scripts = [
            [tape.anew({subject: next(turn)}) for _ in range(self._units)]
            for (subject, tape), turn in zip(self._tapes, self._turns, strict=False)
        ]

        async def one(worker: int) -> None:
            for steps in scripts[worker]:
                await play(self._connections[worker], steps)

        return await self._at_once(one)

    async def other(self) -> float:
        assert self._bench.other is not None
        way = self._bench.other

        async def one(worker: int) -> None:
            for _ in range(self._units):
                await way(self._connections[worker], next(self._turns[worker]))

        return await self._at_once(one)

    async def _at_once(self, one: Callable[[int], Awaitable[None]]) -> float:
        # As autovacuum does within a minute: a plan made while tables are empty reads all of them.
        await self._ground.analyze()
        workers = range(len(self._connections))

        async def together() -> None:
            await asyncio.gather(*(one(worker) for worker in workers))

        return await per_second(self._units * len(workers), together)


async def compare_transactions(
    ground: Ground, sizes: Sizes, bench: Bench, at_once: int
) -> list[Figure]:
    """Time ours, the same statements, and the other way, so many at once."""
    connections = [await ground.raw(bench.service) for _ in range(at_once)]
    workers = Workers(ground, bench, connections, sizes.of(UNITS, 40) // at_once)
    try:
        trips = await workers.record()
        contenders: dict[str, Contender] = {"ours": workers.ours, "same": workers.same_statements}
        if bench.other is not None:
            contenders["other"] = workers.other
        measured = await interleaved(sizes.rounds, contenders)
    finally:
        for connection in connections:
            await connection.close()
    what = f"{bench.what}, {at_once} at once"
    peer = f"the same {trips} round trips, raw asyncpg"
    measured[peer] = measured["same"]
    figures = [compare(what, "/s", measured, ours="ours", peer=peer, ratio_at_least=RATIO_GOAL)]
    if bench.other is not None:
        measured[bench.other_name] = measured["other"]
        figures.append(compare(what, "/s", measured, ours="ours", peer=bench.other_name))
    return figures
