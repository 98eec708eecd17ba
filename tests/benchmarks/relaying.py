"""From outbox to broker: our relay beside one-by-one publishing and beside publishing alone."""

import asyncio
import dataclasses
import subprocess
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from nats.js.api import Header, StreamConfig

from services.kernel.bus import Bus, Stream
from services.kernel.clock import system_now
from services.kernel.database_urls import plain_url
from services.kernel.events import shard_of
from services.kernel.ids import new_id
from services.kernel.relay import Relay, _message
from services.launch.nats_server import _binary
from services.launch.server import free_port
from tests.benchmarks.frame import Figure, Goal, Sizes, compare, interleaved, per_second
from tests.benchmarks.ground import Ground

ROWS = 20_000
# One by one takes a flush of the disk for each, so it is timed over fewer.
ROWS_ONE_BY_ONE = 1_000
ROWS_OF_AN_AGGREGATE = 4
EVENTS_GOAL = 15_000
TIMES_GOAL = 4
EXPECTED = {Header.EXPECTED_STREAM: Stream("finance").name}
LOOK_S = 0.01
PENDING = "SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL)"
COLUMNS = (
    "id", "aggregate", "seq", "shard", "type", "subject", "payload", "payload_sha256",
    "occurred_at",
)  # fmt: skip
PAYLOAD = '{"case_id":"' + "0" * 36 + '","state":"reserved","text":"' + "x" * 220 + '"}'


async def measure(ground: Ground, sizes: Sizes) -> list[Figure]:
    """Drain the outbox against the broker as shipped, then against one that flushes later."""
    figures = await _compare(ground, sizes, ground.settings.nats_url, is_shipped=True)
    async with lazy_broker() as url:
        figures += await _compare(ground, sizes, url, is_shipped=False)
    return figures


class Outbox:
    """An outbox to be filled and drained, and the broker it is drained to."""

    def __init__(self, ground: Ground, bus: Bus, admin: Any, rows: int, few: int) -> None:
        self._url = ground.settings.service_url("finance")
        self._bus = bus
        self._admin = admin
        self._rows = rows
        self._few = few

    async def ours(self) -> float:
        await _fill(self._admin, self._rows)
        relay = Relay("finance", self._url, self._bus)
        stopping = asyncio.Event()
        task = asyncio.create_task(relay.run(stopping))
        try:
            return await per_second(self._rows, lambda: _until_drained(self._admin))
        finally:
            stopping.set()
            relay.poke()
            await task

    async def one_by_one(self) -> float:
        messages = await _messages(self._admin, self._few)

        async def publish() -> None:
            for subject, data, id_ in messages:
                headers: dict[str, str] = {Header.MSG_ID: str(id_), **EXPECTED}
                await self._bus.jetstream.publish(subject, data, headers=headers)

        return await per_second(self._few, publish)

    async def publish_async(self) -> float:
        messages = await _messages(self._admin, self._rows)
        jetstream = self._bus.jetstream

        async def publish() -> None:
            for _, data, _ in messages:
                await jetstream.publish_async("bench.all", data, wait_stall=60)
            await jetstream.publish_async_completed()

        return await per_second(self._rows, publish)


async def _compare(
    ground: Ground, sizes: Sizes, nats_url: str, *, is_shipped: bool
) -> list[Figure]:
    bus = Bus(nats_url, "bench relay")
    await bus.connect()
    await bus.declare(Stream("finance"))
    await bus.jetstream.add_stream(StreamConfig(name="BENCH", subjects=["bench.>"]))
    admin = await asyncpg.connect(plain_url(ground.settings.database_url))
    # The outbox is only ever added to; emptying it between rounds takes an administrator.
    await admin.execute("SET search_path = finance; SET session_replication_role = replica")
    rows = sizes.of(ROWS, 2_000)
    outbox = Outbox(ground, bus, admin, rows, sizes.of(ROWS_ONE_BY_ONE, 200))
    one, alone = "one by one", "publish_async alone"
    try:
        measured = await interleaved(
            sizes.rounds,
            {"ours": outbox.ours, one: outbox.one_by_one, alone: outbox.publish_async},
        )
    finally:
        await admin.close()
        await bus.jetstream.delete_stream("BENCH")
        await bus.close()
    how = "flushed each, as shipped" if is_shipped else "flushed later"
    what = f"relay of {rows:,} rows, {how}"
    first = compare(what, "events/s", measured, ours="ours", peer=one)
    is_met = first.ours >= EVENTS_GOAL or (first.ratio or 0) >= TIMES_GOAL
    goal = Goal(f"≥ {EVENTS_GOAL:,}/s or ≥ {TIMES_GOAL}×", is_met)
    return [
        # What is promised is promised of the broker as it is shipped.
        dataclasses.replace(first, goal=goal) if is_shipped else first,
        compare(what, "events/s", measured, ours="ours", peer=alone),
    ]


@asynccontextmanager
async def lazy_broker() -> AsyncGenerator[str]:
    """Run a broker with its default `sync_interval`, only to see what flushing costs."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [str(_binary()), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder]
        log = (Path(folder) / "log").open("wb")
        with subprocess.Popen(command, stdout=log, stderr=log) as server:
            try:
                await _until_open(port)
                yield f"nats://127.0.0.1:{port}"
            finally:
                server.terminate()
                log.close()


async def _until_open(port: int) -> None:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    raise TimeoutError("the broker did not start")


async def _fill(admin: Any, rows: int) -> None:
    """Put rows into the outbox as transactions would have left them."""
    await admin.execute("TRUNCATE outbox")
    now, records = system_now(), []
    for number in range(rows):
        case, seq = divmod(number, ROWS_OF_AN_AGGREGATE)
        aggregate = f"award:bench-{case}"
        shard = shard_of(aggregate)
        records.append(
            (new_id(), aggregate, seq + 1, shard, "liangxin.finance.award.changed.v1",
             f"lx.finance.award.changed.{shard:02d}", PAYLOAD, "0" * 64, now)
        )  # fmt: skip
    await admin.copy_records_to_table("outbox", records=records, columns=COLUMNS)
    await admin.execute("ANALYZE outbox")


async def _messages(admin: Any, rows: int) -> list[tuple[str, bytes, Any]]:
    """Read what the relay would publish, so that only publishing is timed."""
    await _fill(admin, rows)
    found = await admin.fetch("SELECT * FROM outbox ORDER BY id")
    await admin.execute("TRUNCATE outbox")
    return [(row["subject"], _message(row).data, row["id"]) for row in found]


async def _until_drained(admin: Any) -> None:
    is_pending = True
    while is_pending:
        await asyncio.sleep(LOOK_S)
        is_pending = await admin.fetchval(PENDING)
