"""From the outbox to the broker: each row once, in its aggregate's order, whatever fails."""

import asyncio
import dataclasses
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from prometheus_client import REGISTRY

from services.kernel import relay as relays
from services.kernel.bus import Bus, Message, Stream
from services.kernel.clock import system_now
from services.kernel.events import SHARDS
from services.kernel.ids import new_id
from services.kernel.relay import LOCK_CLASS, TOGETHER_ROWS_MIN, Relay
from services.launch import nats_server
from services.launch.commands.operating import UNPUBLISH
from tests.kernel.probe import NoteCounted
from tests.kernel.running import NOW, Probe, fresh, until

OWNERS = """
SELECT pid, count(*) AS shards FROM pg_locks
WHERE locktype = 'advisory' AND classid = $1 GROUP BY pid
"""
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'liangxin relay probe'
"""
HERE = "SELECT pid FROM pg_stat_activity WHERE application_name = 'liangxin relay probe'"
ROW = """
SELECT attempts, last_error, published_at FROM outbox
WHERE aggregate = :a ORDER BY seq LIMIT 1
"""
MEND = """
UPDATE outbox SET subject = $2, payload = $3, next_attempt_at = '-infinity'
WHERE aggregate = $1
"""
INSERT = """
INSERT INTO outbox (id, aggregate, seq, shard, type, subject, payload, payload_sha256, occurred_at)
VALUES ($1, $2, $3, 1, 'liangxin.probe.note.counted.v1', $4, $5, 'x', $6)
"""
SUBJECT = "lx.probe.note.counted.01"


@pytest.fixture
async def more_relays(probe: Probe) -> AsyncIterator[list[Relay]]:
    """Run two more relays beside the probe's own."""
    runtime = probe.runtime
    stopping = asyncio.Event()
    more = [Relay("probe", runtime.database_url, runtime.bus) for _ in range(2)]
    tasks = [asyncio.create_task(relay.run(stopping)) for relay in more]
    yield more
    stopping.set()
    for relay in more:
        relay.poke()
    await asyncio.gather(*tasks)


async def owners(admin_db: asyncpg.Connection) -> dict[int, int]:
    pids = {row["pid"] for row in await admin_db.fetch(HERE)}
    rows = await admin_db.fetch(OWNERS, LOCK_CLASS)
    return {row["pid"]: row["shards"] for row in rows if row["pid"] in pids}


async def write_row(db: asyncpg.Connection, aggregate: str, seq: int, **changes: Any) -> None:
    row = {"id": new_id(), "subject": SUBJECT, "payload": f'{{"note":"{aggregate}"}}', **changes}
    await db.execute(INSERT, row["id"], aggregate, seq, row["subject"], row["payload"], NOW)


async def test_of_three_relays_one_owns_each_shard_and_publishes_each_row_once(
    probe: Probe, admin_db: asyncpg.Connection, more_relays: list[Relay]
) -> None:
    notes = [fresh(f"shared-{n}") for n in range(10)]
    for _ in range(4):
        await asyncio.gather(*(probe.announce(NoteCounted(note=n)) for n in notes))
        for relay in more_relays:
            relay.poke()
    await probe.settle()
    assert list((await owners(admin_db)).values()) == [SHARDS]
    messages = await probe.messages(*notes)
    assert len({m["id"] for m in messages}) == len(messages) == 40
    for note in notes:
        assert [m["lxseq"] for m in messages if m["lxaggregate"] == note] == [1, 2, 3, 4]


async def test_when_the_owner_dies_another_relay_goes_on(
    probe: Probe, admin_db: asyncpg.Connection, more_relays: list[Relay]
) -> None:
    note = fresh("inherited")
    before = await owners(admin_db)
    for n in range(6):
        await probe.announce(NoteCounted(note=note))
        if n == 2:
            await admin_db.execute("SELECT pg_terminate_backend($1)", *before)
        for relay in more_relays:
            relay.poke()
    await probe.settle()
    after = await owners(admin_db)
    assert sum(after.values()) == SHARDS
    assert not set(before) & set(after)
    assert [m["lxseq"] for m in await probe.messages(note)] == [1, 2, 3, 4, 5, 6]
    assert await probe.effects("counted", note) == 6


async def test_a_relay_outlives_the_end_of_its_connection_at_any_moment(
    probe: Probe, admin_db: asyncpg.Connection
) -> None:
    note, chance = fresh("stubborn"), random.Random(7)  # noqa: S311  no secret
    for _ in range(12):
        await probe.announce(*[NoteCounted(note=note)] * 4)
        await asyncio.sleep(chance.uniform(0, 0.01))
        await admin_db.execute(CUT)
    await probe.settle()
    assert [m["lxseq"] for m in await probe.messages(note)] == list(range(1, 49))
    assert probe.runtime.is_alive


async def test_a_relay_outlives_errors_that_the_driver_has_no_common_class_for(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, met = Relay._publish_due, list[int]()

    async def fail_first(self: Relay, connection: Any) -> bool:
        if self._service != "probe":
            return await publish(self, connection)
        met.append(1)
        if len(met) == 1:
            raise asyncpg.InternalClientError("another operation is in progress")
        return await publish(self, connection)

    monkeypatch.setattr(Relay, "_publish_due", fail_first)
    note = fresh("odd-error")
    await probe.announce(NoteCounted(note=note))
    await probe.settle()
    assert len(met) > 1
    assert await probe.effects("counted", note) == 1


async def test_an_aggregate_whose_row_waits_is_passed_over_until_its_time(
    probe: Probe, admin_db: asyncpg.Connection
) -> None:
    waiting, free = fresh("waiting"), fresh("free")
    async with admin_db.transaction():
        await write_row(admin_db, waiting, 1)
        await write_row(admin_db, waiting, 2)
        await admin_db.execute(
            "UPDATE outbox SET attempts = 1, next_attempt_at = now() + interval '1 hour'"
            " WHERE aggregate = $1 AND seq = 1",
            waiting,
        )
    await probe.announce(NoteCounted(note=free))

    async def is_free_out() -> bool:
        return len(await probe.messages(free)) == 1

    await until(is_free_out)
    await asyncio.sleep(0.3)
    assert await probe.messages(waiting) == []
    await admin_db.execute(
        "UPDATE outbox SET next_attempt_at = now() WHERE aggregate = $1", waiting
    )
    await probe.settle()
    assert [m["lxseq"] for m in await probe.messages(waiting)] == [1, 2]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"subject": "elsewhere.note"}, "NoRespondersError"),
        ({"subject": "lx.identity.note.counted.01"}, "expected stream does not match"),
        ({"payload": '{"note":"%s"}' % ("x" * 1_100_000)}, "MaxPayloadError"),
    ],
    ids=["no stream", "another's stream", "too large"],
)
@pytest.mark.parametrize("company", [2, TOGETHER_ROWS_MIN])
async def test_a_row_that_cannot_be_published_holds_up_its_own_aggregate_only(
    probe: Probe, admin_db: asyncpg.Connection, fault: dict[str, str], reason: str, company: int
) -> None:
    stuck, free = fresh("stuck"), fresh("free")
    async with admin_db.transaction():
        for seq in range(1, company + 1):
            await write_row(admin_db, free, seq)
        await write_row(admin_db, stuck, 1, **fault)
        await write_row(admin_db, stuck, 2)
    probe.runtime.relay_hint()

    async def was_tried_twice() -> bool:
        return (await probe.rows(ROW, a=stuck))[0].attempts >= 2

    try:
        await until(was_tried_twice)
        row = (await probe.rows(ROW, a=stuck))[0]
        assert reason in row.last_error
        assert row.published_at is None
        assert [m["lxseq"] for m in await probe.messages(free)] == list(range(1, company + 1))
        assert await probe.messages(stuck) == []
    finally:
        async with admin_db.transaction():
            await admin_db.execute("SET LOCAL session_replication_role = replica")
            await admin_db.execute(MEND, stuck, SUBJECT, f'{{"note":"{stuck}"}}')
    probe.runtime.relay_hint()
    await probe.settle()
    assert [m["lxseq"] for m in await probe.messages(stuck)] == [1, 2]


async def test_an_aggregate_that_a_full_batch_cuts_keeps_its_order(
    probe: Probe, admin_db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relays, "BATCH_ROWS", 2)
    note, others = fresh("cut"), [fresh(f"other-{n}") for n in range(3)]
    ids = [new_id() for _ in range(6)]
    async with admin_db.transaction():
        # Its later row has the smaller id, as after a wait for the aggregate's lock.
        await write_row(admin_db, note, 2, id=ids[0])
        for number, other in enumerate(others, 1):
            await write_row(admin_db, other, 1, id=ids[number])
        await write_row(admin_db, note, 1, id=ids[5])
    probe.runtime.relay_hint()
    await probe.settle()
    assert [m["lxseq"] for m in await probe.messages(note)] == [1, 2]
    assert len(await probe.messages(*others)) == 3


async def test_many_rows_are_stored_together_each_once_and_in_order(
    probe: Probe, admin_db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = list[UUID]()
    monkeypatch.setattr(Bus, "publish", lambda _, message, __: alone.append(message.id))
    notes = [fresh(f"together-{n}") for n in range(TOGETHER_ROWS_MIN)]
    async with admin_db.transaction():
        for seq in (3, 1, 2):
            for note in notes:
                await write_row(admin_db, note, seq)
    probe.runtime.relay_hint()
    await probe.settle()
    messages = await probe.messages(*notes)
    assert len(messages) == 3 * len(notes)
    for note in notes:
        assert [m["lxseq"] for m in messages if m["lxaggregate"] == note] == [1, 2, 3]
    assert alone == []


@pytest.mark.parametrize("rows", [1, TOGETHER_ROWS_MIN])
async def test_what_a_full_broker_refuses_waits_until_there_is_room(
    probe: Probe, admin_db: asyncpg.Connection, rows: int
) -> None:
    manage, config, note = probe.runtime.bus.jetstream, Stream("probe").config(), fresh("full")
    used = (await manage.stream_info("LX_PROBE")).state.bytes
    await manage.update_stream(dataclasses.replace(config, max_bytes=max(used, 1)))
    try:
        async with admin_db.transaction():
            for seq in range(1, rows + 1):
                await write_row(admin_db, note, seq)
        probe.runtime.relay_hint()

        async def was_refused() -> bool:
            return (await probe.rows(ROW, a=note))[0].attempts > 0

        await until(was_refused)
        assert "exceeded" in (await probe.rows(ROW, a=note))[0].last_error
    finally:
        await manage.update_stream(config)
    probe.runtime.relay_hint()
    await probe.settle()
    assert [m["lxseq"] for m in await probe.messages(note)] == list(range(1, rows + 1))


@pytest.mark.parametrize("size", [3, TOGETHER_ROWS_MIN])
async def test_what_is_published_again_has_no_second_effect(
    probe: Probe, app_db: asyncpg.Connection, size: int
) -> None:
    notes = [fresh(f"again-{n}") for n in range(size)]
    await probe.announce(*(NoteCounted(note=n) for n in notes))
    await probe.settle()
    before = await probe.messages(*notes)
    again = "UPDATE outbox SET published_at = NULL WHERE aggregate = ANY($1::text[])"
    assert await app_db.execute(again, notes[1:]) == f"UPDATE {size - 1}"
    await probe.announce(NoteCounted(note=(new := fresh("new"))))
    probe.runtime.relay_hint()
    await probe.settle()
    assert await probe.messages(*notes) == before
    assert await probe.effects("counted", new) == 1
    assert [await probe.effects("counted", n) for n in notes] == [1] * size


async def test_what_is_to_be_sent_again_while_it_is_being_sent_is_sent_again(
    probe: Probe, app_db: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish, note, sent = Bus.publish, fresh("anew"), list[UUID]()
    since = system_now()

    async def publish_to_a_broker_that_is_lost(self: Bus, message: Message, stream: Stream) -> None:
        await publish(self, message, stream)
        if note.encode() in message.data:
            sent.append(message.id)
            if len(sent) == 1:
                await app_db.execute(UNPUBLISH, since)

    monkeypatch.setattr(Bus, "publish", publish_to_a_broker_that_is_lost)
    await probe.announce(NoteCounted(note=note))

    async def was_sent_twice() -> bool:
        return len(sent) == 2

    await until(was_sent_twice)
    await probe.settle()
    assert sent[0] == sent[1]
    assert await probe.effects("counted", note) == 1


async def test_a_broker_that_lost_everything_is_filled_again_from_the_outbox(
    probe: Probe, app_db: asyncpg.Connection
) -> None:
    old, new = fresh("old"), fresh("new")
    await probe.announce(NoteCounted(note=old))
    await probe.settle()
    await probe.runtime.bus.jetstream.delete_stream("LX_PROBE")
    await probe.announce(NoteCounted(note=new))
    await app_db.execute("UPDATE outbox SET published_at = NULL WHERE aggregate = $1", old)
    probe.runtime.relay_hint()

    async def both_are_back() -> bool:
        return await probe.effects("counted", new) == 1 and len(await stored(probe, old, new)) == 2

    await until(both_are_back)
    await probe.settle()
    assert await probe.effects("counted", old) == 1


async def stored(probe: Probe, *aggregates: str) -> list[Any]:
    if not await probe.runtime.bus.has(probe.runtime._stream):
        return []
    return await probe.messages(*aggregates)


async def test_a_consumer_that_was_removed_is_declared_again(probe: Probe) -> None:
    note = fresh("deaf")
    await probe.runtime.bus.jetstream.delete_consumer("LX_PROBE", "probe_hears_probe")
    await probe.announce(NoteCounted(note=note))

    async def is_heard() -> bool:
        return await probe.effects("counted", note) == 1

    await until(is_heard)
    await probe.settle()


async def test_while_the_broker_is_down_writes_succeed_and_afterwards_all_is_heard(
    probe: Probe,
) -> None:
    folder = probe.runtime.settings.data / "nats"
    before = await probe.effects("counted", "nothing")
    notes: list[str] = []
    await asyncio.to_thread(nats_server.stop, folder)
    try:

        async def is_noticed() -> bool:
            return not probe.runtime.bus.is_connected

        await until(is_noticed)
        for _ in range(20):
            answer = await probe.write()
            assert answer.status_code == 201
            notes.append(answer.json()["id"])
        ready = await probe.client().get("/readyz")
        assert (ready.status_code, ready.json()["degraded"]) == (200, ["broker"])
        assert (await probe.client().get("/livez")).status_code == 200

        async def is_measured() -> bool:
            labels = {"service": "probe"}
            return (REGISTRY.get_sample_value("liangxin_outbox_pending", labels) or 0) >= 20

        await until(is_measured)
    finally:
        await asyncio.to_thread(nats_server.start, folder)
    await until_connected(probe)
    await probe.settle()
    await probe.platform.settle()
    assert [await probe.effects("followed", f"{n}:1") for n in notes] == [1] * 20
    assert await probe.effects("counted", "nothing") == before
    assert (await probe.client().get("/readyz")).json()["status"] == "ready"


async def until_connected(probe: Probe) -> None:
    async def is_connected() -> bool:
        platform_bus = probe.platform.service("identity").bus
        return probe.runtime.bus.is_connected and platform_bus.is_connected

    await until(is_connected)
