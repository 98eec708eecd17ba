"""Announcements: written with the change, in each aggregate's order, published after the commit."""

import asyncio
import re
from datetime import UTC, datetime

import asyncpg
import orjson
import pytest

from services.kernel.events import SHARDS, DeedEvent, envelope, shard_of
from services.kernel.ids import new_id, next_id_after
from services.kernel.outbox import announce, write_announcements
from services.kernel.strict_json import digest
from services.kernel.unit import commit
from tests.kernel.probe import NoteChanged, NoteCounted
from tests.kernel.running import Probe, fresh, until

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
ROWS = "SELECT seq, type, payload, published_at FROM outbox WHERE aggregate = :a ORDER BY seq"


async def test_many_writers_of_one_aggregate_number_its_events_without_a_gap(probe: Probe) -> None:
    note = fresh("dense")
    await asyncio.gather(*(probe.announce(*[NoteCounted(note=note)] * 3) for _ in range(20)))
    assert [row.seq for row in await probe.rows(ROWS, a=note)] == list(range(1, 61))
    await probe.settle()
    published = await probe.rows(ROWS, a=note)
    assert None not in {row.published_at for row in published}
    messages = await probe.messages(note)
    assert [m["lxseq"] for m in messages] == list(range(1, 61))


async def test_the_number_of_an_event_follows_the_order_of_the_commits(probe: Probe) -> None:
    note = fresh("order")
    async with probe.runtime.sessions() as slow, probe.runtime.sessions() as fast:
        announce(slow, NoteCounted(note="first-to-begin"), now=NOW)
        announce(slow, NoteCounted(note=note), now=NOW)
        announce(fast, NoteCounted(note=note, poison=False), now=NOW)
        await commit(fast)
        await commit(slow)
    assert [row.seq for row in await probe.rows(ROWS, a=note)] == [1, 2]


async def test_a_writer_that_commits_last_is_published_all_the_same(probe: Probe) -> None:
    early, late = fresh("early"), fresh("late")
    async with probe.runtime.sessions() as slow:
        announce(slow, NoteCounted(note=late), now=NOW)
        await write_announcements(slow)
        await probe.announce(NoteCounted(note=early))

        async def is_early_out() -> bool:
            return (await probe.rows(ROWS, a=early))[0].published_at is not None

        await until(is_early_out)
        await slow.commit()
    probe.runtime.relay_hint()
    await probe.settle()
    assert (await probe.rows(ROWS, a=late))[0].published_at is not None
    assert [await probe.effects("counted", n) for n in (early, late)] == [1, 1]


async def test_what_was_announced_in_a_transaction_that_fails_was_never_said(probe: Probe) -> None:
    note = fresh("silent")
    async with probe.runtime.sessions() as session:
        announce(session, NoteCounted(note=note), now=NOW)
        await write_announcements(session)
    assert await probe.rows(ROWS, a=note) == []


async def test_of_a_state_only_the_last_of_a_transaction_is_announced_and_every_deed(
    probe: Probe,
) -> None:
    id_ = new_id()
    states = [NoteChanged(id=id_, name=f"n{v}", version=v) for v in (1, 2, 3)]
    deeds = [NoteCounted(note=str(id_))] * 2
    await probe.announce(states[0], deeds[0], states[1], deeds[1], states[2])
    rows = await probe.rows(ROWS, a=str(id_))
    assert [row.type.split(".")[3] for row in rows] == ["counted", "counted", "changed"]
    assert orjson.loads(rows[2].payload)["version"] == 3


async def test_states_of_different_things_are_all_announced(probe: Probe) -> None:
    ids = [new_id() for _ in range(5)]
    await probe.announce(*(NoteChanged(id=i, name="n", version=1) for i in ids))
    counts = [len(await probe.rows(ROWS, a=str(i))) for i in ids]
    assert counts == [1] * 5


async def test_a_row_holds_the_payload_canonically_and_its_hash(probe: Probe) -> None:
    id_ = new_id()
    await probe.announce(NoteChanged(id=id_, name="名", version=7))
    sql = "SELECT payload, payload_sha256, shard, subject FROM outbox WHERE aggregate = :a"
    row = (await probe.rows(sql, a=str(id_)))[0]
    assert row.payload == f'{{"id":"{id_}","name":"名","version":7}}'
    assert row.payload_sha256 == digest(row.payload)
    assert row.subject == f"lx.probe.note.changed.{row.shard:02d}"
    assert row.shard == shard_of(str(id_))


async def test_two_that_announce_the_same_things_in_turned_order_do_not_lock_crosswise(
    probe: Probe,
) -> None:
    names = [fresh(f"cross-{n}") for n in range(6)]
    forth = [NoteCounted(note=n) for n in names]
    await asyncio.gather(*(probe.announce(*(forth if n % 2 else forth[::-1])) for n in range(20)))
    for name in names:
        assert [row.seq for row in await probe.rows(ROWS, a=name)] == list(range(1, 21))


def test_a_subject_names_no_one() -> None:
    subject = NoteCounted(note="91330282MA00T35T2N").subject()
    assert re.fullmatch(r"lx\.probe\.note\.counted\.\d\d", subject)
    assert {shard_of(str(n)) for n in range(2000)} == set(range(SHARDS))


def test_a_later_version_of_a_type_has_a_subject_of_its_own() -> None:
    class NoteCountedAnew(DeedEvent, type="liangxin.probe.note.counted.v2"):
        @property
        def aggregate(self) -> str:
            return "a"

    assert NoteCountedAnew.subjects() == "lx.probe.note.counted_v2.*"
    assert NoteCounted.subjects() == "lx.probe.note.counted.*"


def test_a_type_that_does_not_follow_the_form_is_refused() -> None:
    with pytest.raises(ValueError, match="liangxin"):
        type("Misnamed", (DeedEvent,), {}, type="other.probe.note.counted.v1")


def test_an_envelope_is_a_cloud_event_whose_data_is_the_payload_byte_for_byte() -> None:
    id_ = new_id()
    payload = '{"a":1,"b":"名"}'
    data = envelope(
        id_=id_,
        type_="liangxin.probe.note.counted.v1",
        aggregate="a",
        seq=4,
        occurred_at=NOW,
        payload=payload,
        traceparent=None,
    )
    document = orjson.loads(data)
    assert (document["specversion"], document["id"], document["lxseq"]) == ("1.0", str(id_), 4)
    assert (document["source"], document["time"]) == ("/liangxin/probe", NOW.isoformat())
    assert data.endswith(b',"data":' + payload.encode() + b"}")


def test_ids_grow_even_where_the_clock_does_not() -> None:
    last = new_id()
    for _ in range(100):
        following = next_id_after(last)
        assert following > last
        last = following
    ahead = type(last)(int=2**127)
    assert next_id_after(ahead).int == 2**127 + 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE outbox SET payload = '{}'",
        "UPDATE outbox SET seq = seq + 1",
        "DELETE FROM outbox",
        "TRUNCATE outbox",
        "UPDATE audit_entry SET actor = 'x'",
        "DELETE FROM audit_entry",
        "TRUNCATE audit_entry CASCADE",
        "UPDATE audit_seal SET seal = 'x'",
        "DELETE FROM audit_seal",
        "UPDATE line SET what = 'x'",
        "DELETE FROM line",
    ],
)
async def test_neither_the_app_role_nor_the_owner_changes_what_was_recorded(
    app_db: asyncpg.Connection, admin_db: asyncpg.Connection, statement: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app_db.execute(statement)
    await admin_db.execute("SET ROLE probe_owner")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await admin_db.execute(statement)


async def test_the_marks_of_delivery_may_change(app_db: asyncpg.Connection) -> None:
    done = await app_db.execute("UPDATE outbox SET attempts = attempts WHERE published_at IS NULL")
    assert done.startswith("UPDATE ")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM identity.client",
        "SELECT * FROM identity.signing_key",
        "INSERT INTO identity.outbox_head VALUES ('a', 1)",
        "CREATE TABLE probe.own (a int)",
        "CREATE TABLE public.own (a int)",
        "ALTER TABLE line ADD COLUMN x int",
        "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SET ROLE probe_owner",
        "DROP TRIGGER append_only ON line",
    ],
)
async def test_the_app_role_reaches_its_own_tables_only_and_alters_nothing(
    app_db: asyncpg.Connection, statement: str
) -> None:
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedTableError)):
        await app_db.execute(statement)
