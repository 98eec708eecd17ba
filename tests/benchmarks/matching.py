"""Matching a whole city in the background: all programmes, one parameter, and what others feel.

The worker runs as it does in service, relay included. The lower bound is what the database and the
driver take for it alone: the very statements of some of its steps, sent again by bare asyncpg.
"""

import asyncio
import re
import statistics
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.bus import Bus
from services.kernel.clock import city_day
from services.kernel.database_urls import plain_url
from services.kernel.ids import new_id
from services.kernel.runtime import Runtime
from services.kernel.tables import Operation
from services.kernel.unit import in_unit
from services.launch.registry import SERVICES
from services.policy.firms.queries import kept_firms
from services.policy.firms.rules import KeptFirms
from services.policy.matches import queries
from services.policy.matches.actions.ask_firms import ask_each, ask_firms
from services.policy.matches.actions.review_bases import review_bases, step_matching
from services.policy.matches.rules import Ground as Asking
from services.policy.parameters.actions import decide_parameter, propose_parameter
from services.policy.parameters.schemas import NewParameter, ParameterDeed
from tests.benchmarks.city_firms import city_firms
from tests.benchmarks.frame import Figure, Sizes, compare, interleaved, per_second, percentile
from tests.benchmarks.ground import Ground
from tests.benchmarks.replay import Step, play, recording

FIRMS: Final = 100_000
COPIED_AT_ONCE: Final = 5_000
LOOK_S: Final = 0.02
PARAMETER: Final = "large-strong.award_fen"
STEPS_REPLAYED: Final = 8
ASKED: Final = 1_000
MIB: Final = 2**20
KIB: Final = 1024
PROPOSER = Actor("bench-a", "bench-a", frozenset({Role.REVIEWER}))
APPROVER = Actor("bench-b", "bench-b", frozenset({Role.APPROVER}))
_COLUMNS = ("uscc", "version", "name", "town_code", "state", "statement_id", "recorded_at")


async def measure(ground: Ground, sizes: Sizes) -> list[Figure]:
    """Match everybody with everything, then after one number was set, then with nothing new."""
    count = sizes.of(FIRMS)
    await _settle_in(ground, count)
    bare = await _lower_bound(ground)
    figures = [await _asking(ground, sizes)]
    async with _running(ground) as runtime:
        whole = await _match(runtime, _everything)
        one = await _match(runtime, _one_number)
        again = await _match(runtime, _one_again)
    words = f"{whole.firms:,} firms in the background"
    replayed = f"the statements of {STEPS_REPLAYED} steps, raw asyncpg"
    figures += [
        Figure(f"whole match, {whole.programmes} programmes: {words}", "firms/s", whole.rate,
               replayed, bare, note=f"{whole.changed:,} firms told of it"),
        Figure(f"one number set: {words}", "firms/s", one.rate,
               note=f"{one.changed:,} firms told of it"),
        Figure(f"nothing new: {words}", "firms/s", again.rate),
    ]  # fmt: skip
    for what, run in (("whole match", whole), ("one number", one)):
        note = (
            f"median {statistics.median(run.waits_ms):.1f} ms,"
            f" worst {max(run.waits_ms):.0f} ms of {len(run.waits_ms):,}"
        )
        figures += [
            Figure(f"a small unit beside it, {what}: p99", "ms", percentile(run.waits_ms, 0.99),
                   note=note),
            Figure(f"memory risen, {what}", "MiB", run.risen_bytes / MIB),
            Figure(f"CPU of this process, relay and looks included, {what}", "µs a firm",
                   run.cpu_us),
        ]  # fmt: skip
    return figures


async def _asking(ground: Ground, sizes: Sizes) -> Figure:
    """Ask some firms in a block and one by one: the same answers, without a database."""
    async with ground.still("policy") as runtime:

        async def read(session: AsyncSession, now: Any) -> tuple[KeptFirms, Asking, date]:
            on = city_day(now)
            usccs = await queries.firms_after(session, "", ASKED)
            return await kept_firms(session, usccs, on), await queries.ground(session, on), on

        firms, where, on = await in_unit(runtime, read)

    async def block() -> float:
        return await per_second(ASKED, lambda: asyncio.to_thread(ask_firms, firms, {}, where, on))

    async def each() -> float:
        places = range(len(firms.states))
        return await per_second(
            ASKED, lambda: asyncio.to_thread(ask_each, firms, places, {}, where, on)
        )

    # What is read into columns, and said of those alike, is kept from block to block.
    await block()
    measured = await interleaved(sizes.rounds, {"ours": block, "one by one": each})
    what = f"asking {ASKED:,} firms about {len(where.bases)} programmes"
    return compare(what, "firms/s", measured, ours="ours", peer="one by one")


class Run:
    """What a match of everybody took, and what others felt of it."""

    def __init__(self) -> None:
        self.waits_ms: list[float] = []
        self.rate = 0.0
        self.firms = self.changed = self.programmes = 0
        self.risen_bytes = 0
        self.cpu_us = 0.0


async def _match(runtime: Runtime, begin: Any) -> Run:
    """Begin it, and look on until it is done, as whoever follows the operation does."""
    run = Run()
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    operation: UUID = await in_unit(runtime, begin)
    began, began_cpu = time.perf_counter(), time.process_time()
    while True:
        await asyncio.sleep(LOOK_S)
        asked = time.perf_counter()
        row = await in_unit(runtime, lambda session, _: _progress(session, operation))
        run.waits_ms.append(1e3 * (time.perf_counter() - asked))
        if row["state"] == "failed":
            raise RuntimeError("the match failed")
        if row["state"] == "finished":
            break
    result = row["result"]
    run.firms, run.changed = result["firms"], result["changed"]
    run.programmes = len(result["programmes"])
    run.rate = run.firms / (time.perf_counter() - began)
    run.cpu_us = 1e6 * (time.process_time() - began_cpu) / run.firms
    run.risen_bytes = _status("VmHWM") - before
    return run


async def _progress(session: AsyncSession, operation: UUID) -> Any:
    found = await session.execute(
        text("SELECT state, done, total, result FROM operation WHERE id = :id"), {"id": operation}
    )
    return found.mappings().one()


async def _everything(session: AsyncSession, now: Any) -> UUID | None:
    for table in ("match", "matched_firm", "match_basis", "match_due"):
        await session.execute(text(f"DELETE FROM {table}"))  # noqa: S608  names of ours
    return await review_bases(session, PROPOSER, now=now)


async def _one_number(session: AsyncSession, now: Any) -> UUID | None:
    body = {"parameter": PARAMETER, "value": 7_000_000, "source": "bench",
            "valid_from": city_day(now)}  # fmt: skip
    new = NewParameter.model_validate(body)
    proposed = await propose_parameter(session, PROPOSER, new, now=now)
    deed = ParameterDeed.model_validate({"event": "approve"})
    _, operation = await decide_parameter(session, APPROVER, proposed.id, deed, now=now)
    return operation


async def _one_again(session: AsyncSession, now: Any) -> UUID | None:
    programme = PARAMETER.partition(".")[0]
    row = {"programme": programme}
    await session.execute(text("DELETE FROM match_basis WHERE programme = :programme"), row)
    return await review_bases(session, PROPOSER, now=now)


async def _settle_in(ground: Ground, count: int) -> None:
    """Copy the city into the table in which policy keeps what it has heard of firms."""
    connection: Any = await asyncpg.connect(plain_url(ground.settings.service_url("policy")))
    await connection.execute("DELETE FROM firm")
    rows: list[tuple[Any, ...]] = []

    async def copy() -> None:
        await connection.copy_records_to_table("firm", records=rows, columns=_COLUMNS)
        rows.clear()

    for each in city_firms(count):
        rows.append(
            (each.uscc, each.version, each.name, each.town_code, each.model_dump_json(),
             each.statement_id, each.recorded_at)
        )  # fmt: skip
        if len(rows) == COPIED_AT_ONCE:
            await copy()
    await copy()
    await connection.close()
    await ground.analyze()


async def _lower_bound(ground: Ground) -> float:
    """Give how many firms a second the statements alone of the first steps would allow."""
    async with ground.still("policy") as runtime:
        operation = await in_unit(runtime, _everything)

        async def step(session: AsyncSession, now: Any) -> int:
            row = await session.get_one(Operation, operation)
            done = await step_matching(session, row, PROPOSER, now)
            row.done = done.done
            await session.flush()
            return done.done

        firms = 0
        with recording() as notes:
            for _ in range(STEPS_REPLAYED):
                firms = await in_unit(runtime, step)

        async def forget(session: AsyncSession, _: Any) -> None:
            for table in ("match", "matched_firm"):
                await session.execute(text(f"DELETE FROM {table}"))  # noqa: S608

        await in_unit(runtime, forget)
        connection = await ground.raw("policy")
        steps = [Step(each.sql, tuple(map(_anew, each.arguments))) for each in notes.steps]
        began = time.perf_counter()
        await play(connection, steps)
        took = time.perf_counter() - began
        await connection.close()

        async def give_up(session: AsyncSession, _: Any) -> None:
            await session.execute(text("DELETE FROM operation WHERE kind = 'match-firms'"))

        await in_unit(runtime, give_up)
    return firms / took


def _anew(argument: Any) -> Any:
    """Give announcements ids of their own; nothing else in these statements may stand only once."""
    is_ids = isinstance(argument, list) and argument and isinstance(argument[0], UUID)
    return [new_id() for _ in argument] if is_ids else argument


@asynccontextmanager
async def _running(ground: Ground) -> AsyncGenerator[Runtime]:
    """Run policy with its worker."""
    bus = Bus(ground.settings.nats_url, "bench")
    await bus.connect()
    runtime = Runtime(SERVICES["policy"], ground.settings, bus)
    await runtime.start()
    try:
        yield runtime
    finally:
        await runtime.stop()
        await bus.close()


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * KIB
