"""The audit chain: every change of what was recorded is found and named."""

import asyncio
import hashlib
import hmac
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from prometheus_client import REGISTRY

from services.kernel import migrations, sealer
from services.kernel.clock import system_now
from services.kernel.database_urls import app_password, plain_url
from services.kernel.ids import new_id
from services.kernel.sealer import GENESIS, ChainReport, Sealer, seal_of, verify_chain
from services.kernel.strict_json import canonical
from tests.kernel.conftest import write_migration
from tests.kernel.probe import probe_service
from tests.kernel.running import Probe

KEY = "a key that is kept outside the database"
ROWS = 12
INSERT = """
INSERT INTO audit_entry
    (id, at, actor, client, roles, action, outcome, thing, thing_id, detail, trace_id)
VALUES
    ($1, $2, 'reviewer', 'someone', 'reviewer', 'note.write', 'done', 'note', $3, '{"a":1}', 't')
"""
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass
class Chain:
    """A schema of its own, with a sealer that seals when it is told to."""

    url: str
    db: asyncpg.Connection
    admin: asyncpg.Connection
    sealer: Sealer
    folder: Path

    async def write(self, rows: int = 1) -> None:
        for number in range(rows):
            await self.db.execute(INSERT, new_id(), NOW, f"thing-{number}")

    async def seal(self) -> int:
        return await self.sealer.seal_batch(self.db)

    async def checkpoint(self) -> None:
        await self.sealer.write_checkpoint(self.db)

    async def verify(self, *, key: str = KEY, checkpoints: bool = True) -> ChainReport:
        return await verify_chain("chain", self.url, key, self.folder if checkpoints else None)

    async def entry(self, position: int) -> UUID:
        sql = "SELECT entry_id FROM audit_seal WHERE position = $1"
        return UUID(str(await self.admin.fetchval(sql, position)))


@pytest.fixture(scope="module")
async def schema(probe: Probe, tmp_path_factory: pytest.TempPathFactory) -> str:
    admin_url = probe.runtime.settings.database_url
    service = replace(probe_service(tmp_path_factory.mktemp("chain")), name="chain")
    await write_migration(service, admin_url)
    password = app_password(admin_url, "chain_app")
    await migrations.migrate(
        service, admin_url, app_password=password, profile=probe.runtime.settings.profile
    )
    return probe.runtime.settings.service_url("chain")


@pytest.fixture
async def chain(schema: str, probe: Probe, tmp_path: Path) -> AsyncIterator[Chain]:
    """Give a chain of twelve sealed rows."""
    db = await asyncpg.connect(plain_url(schema))
    admin = await asyncpg.connect(plain_url(probe.runtime.settings.database_url))
    await admin.execute("SET search_path = chain; SET session_replication_role = replica")
    await admin.execute("TRUNCATE audit_entry, audit_seal")
    made = Chain(schema, db, admin, Sealer("chain", schema, KEY, tmp_path), tmp_path)
    await made.write(ROWS)
    await sealed(made, ROWS)
    yield made
    await db.close()
    await admin.close()


async def sealed(chain: Chain, rows: int) -> None:
    """Seal so many rows; other transactions of the server may hold the sealer up for a moment."""
    done = 0
    for _ in range(200):
        done += await chain.seal()
        if done >= rows:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{done} of {rows} rows were sealed")


async def test_an_untouched_chain_holds(chain: Chain) -> None:
    await chain.checkpoint()
    await chain.write(2)
    report = await chain.verify()
    assert (report.holds, report.sealed, report.unsealed) == (True, ROWS, 2)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'someone'",
        "client = NULL",
        "client = ''",
        "at = at + interval '1 microsecond'",
        "roles = 'admin'",
        "action = 'note.read'",
        "outcome = 'refused'",
        "thing = 'case'",
        "thing_id = 'thing-0'",
        """detail = '{"a": 1}'""",
        "trace_id = NULL",
        "xid = xid - 1",
    ],
)
async def test_an_altered_row_is_named(chain: Chain, change: str) -> None:
    entry = await chain.entry(5)
    sql = f"UPDATE audit_entry SET {change} WHERE id = $1"  # noqa: S608  a constant of the test
    await chain.admin.execute(sql, entry)
    report = await chain.verify()
    assert report.fault == f"audit entry {entry} at position 5 was altered"
    assert report.sealed == 4


async def remove_row(chain: Chain) -> str:
    entry = await chain.entry(7)
    await chain.admin.execute("DELETE FROM audit_entry WHERE id = $1", entry)
    return f"audit entry {entry} at position 7 was removed"


async def remove_row_and_seal(chain: Chain) -> str:
    entry = await chain.entry(7)
    await chain.admin.execute("DELETE FROM audit_entry WHERE id = $1", entry)
    await chain.admin.execute("DELETE FROM audit_seal WHERE position = 7")
    return "seal 7 is missing"


async def close_the_gap(chain: Chain) -> str:
    await remove_row_and_seal(chain)
    await chain.admin.execute("UPDATE audit_seal SET position = position - 1 WHERE position > 7")
    return "seal 7 does not follow the one before it"


async def remove_the_first(chain: Chain) -> str:
    await chain.admin.execute("DELETE FROM audit_seal WHERE position = 1")
    await chain.admin.execute("UPDATE audit_seal SET position = position - 1")
    return "seal 1 does not follow the one before it"


async def swap_seals(chain: Chain) -> str:
    third, fourth = await chain.entry(3), await chain.entry(4)
    for position, entry in ((4, new_id()), (3, fourth), (4, third)):
        await chain.admin.execute(
            "UPDATE audit_seal SET entry_id = $2 WHERE position = $1", position, entry
        )
    return f"audit entry {fourth} at position 3 was altered"


async def swap_rows(chain: Chain) -> str:
    third, fourth = await chain.entry(3), await chain.entry(4)
    for old, new in ((third, new_id()), (fourth, third)):
        await chain.admin.execute("UPDATE audit_entry SET id = $2 WHERE id = $1", old, new)
    return f"audit entry {third} at position 3 was altered"


async def alter_a_seal(chain: Chain) -> str:
    entry = await chain.entry(6)
    await chain.admin.execute("UPDATE audit_seal SET seal = $1 WHERE position = 6", "f" * 64)
    return f"audit entry {entry} at position 6 was altered"


async def insert_behind(chain: Chain) -> str:
    id_ = new_id()
    await chain.admin.execute(INSERT, id_, NOW, "slipped in")
    await chain.admin.execute("UPDATE audit_entry SET xid = 1 WHERE id = $1", id_)
    return f"audit entry {id_} was inserted behind the seal"


async def cut_the_tail(chain: Chain) -> str:
    await chain.checkpoint()
    await chain.admin.execute(
        "DELETE FROM audit_entry WHERE id IN (SELECT entry_id FROM audit_seal WHERE position > 10)"
    )
    await chain.admin.execute("DELETE FROM audit_seal WHERE position > 10")
    return "the chain ends at 10, but a checkpoint names position 12: the tail is missing"


async def cut_everything(chain: Chain) -> str:
    await chain.checkpoint()
    await chain.admin.execute("TRUNCATE audit_entry, audit_seal")
    return "the chain ends at 0, but a checkpoint names position 12: the tail is missing"


async def rewrite_with_the_key(chain: Chain) -> str:
    """Write a whole chain anew that holds in itself, as one who has the key can."""
    await chain.checkpoint()
    await chain.admin.execute("UPDATE audit_entry SET actor = 'nobody'")
    previous = GENESIS
    for position in range(1, ROWS + 1):
        row = await chain.admin.fetchrow(
            "SELECT * FROM audit_entry WHERE id = $1", await chain.entry(position)
        )
        seal = seal_of(KEY.encode(), "chain", previous, row)
        await chain.admin.execute(
            "UPDATE audit_seal SET previous = $2, seal = $3 WHERE position = $1",
            position,
            previous,
            seal,
        )
        previous = seal
    assert (await chain.verify(checkpoints=False)).holds
    return "position 12 differs from its checkpoint: the chain was rewritten"


TAMPERINGS: list[Callable[[Chain], Any]] = [
    remove_row,
    remove_row_and_seal,
    close_the_gap,
    remove_the_first,
    swap_seals,
    swap_rows,
    alter_a_seal,
    insert_behind,
    cut_the_tail,
    cut_everything,
    rewrite_with_the_key,
]


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=[t.__name__ for t in TAMPERINGS])
async def test_whatever_a_superuser_does_is_found_and_named(
    chain: Chain, tamper: Callable[[Chain], Any]
) -> None:
    expected = await tamper(chain)
    report = await chain.verify()
    assert report.fault == expected


async def test_a_checkpoint_that_was_written_with_another_key_or_by_hand_is_refused(
    chain: Chain,
) -> None:
    await chain.checkpoint()
    path = chain.folder / "chain.ndjson"
    body = orjson.loads(path.read_bytes())
    body.pop("mac")
    body["position"] = 3
    forged = hmac.new(b"guess", canonical(body).encode(), hashlib.sha256).hexdigest()
    for line in (
        orjson.dumps({**body, "mac": forged}),
        orjson.dumps(body),
        b"half a li",
        b"[]",
    ):
        path.write_bytes(line + b"\n")
        report = await chain.verify()
        assert not report.holds
        assert "checkpoint 1 of chain" in str(report.fault)


async def test_a_chain_holds_under_its_own_key_and_name_only(chain: Chain) -> None:
    assert not (await chain.verify(key="another key", checkpoints=False)).holds
    other = await verify_chain("other", chain.url, KEY, None)
    assert not other.holds


async def test_every_random_change_of_a_character_is_found(chain: Chain) -> None:
    seed = random.randrange(10**6)  # noqa: S311  no secret
    chance = random.Random(seed)  # noqa: S311  no secret
    columns = ["actor", "roles", "action", "outcome", "thing", "thing_id", "detail", "trace_id"]
    for _ in range(60):
        position = chance.randint(1, ROWS)
        entry, column = await chain.entry(position), chance.choice(columns)
        row = await chain.admin.fetchrow("SELECT * FROM audit_entry WHERE id = $1", entry)
        old = str(row[column]) if row else ""
        place = chance.randrange(len(old))
        new = old[:place] + chr((ord(old[place]) - 31) % 95 + 32) + old[place + 1 :]
        sql = f"UPDATE audit_entry SET {column} = $2 WHERE id = $1"  # noqa: S608  a constant
        await chain.admin.execute(sql, entry, new)
        report = await chain.verify()
        assert report.fault == f"audit entry {entry} at position {position} was altered", seed
        await chain.admin.execute(sql, entry, old)
    assert (await chain.verify()).holds


async def test_rows_that_are_committed_out_of_order_are_all_sealed_once(
    chain: Chain, schema: str
) -> None:
    slow = await asyncpg.connect(plain_url(schema))
    transaction = slow.transaction()
    await transaction.start()
    await slow.execute(INSERT, new_id(), NOW, "slow")
    await chain.write(5)
    # The slow one came first: nothing that came after it may be sealed before it is decided.
    assert await chain.seal() == 0
    await transaction.commit()
    await slow.close()
    await sealed(chain, 6)
    things = await chain.admin.fetch(
        "SELECT thing_id FROM audit_seal s JOIN audit_entry e ON e.id = s.entry_id"
        " WHERE position > $1 ORDER BY position",
        ROWS,
    )
    assert [row["thing_id"] for row in things] == ["slow", *(f"thing-{n}" for n in range(5))]
    report = await chain.verify()
    assert (report.holds, report.sealed, report.unsealed) == (True, ROWS + 6, 0)


async def test_a_transaction_that_is_rolled_back_holds_nothing_up(
    chain: Chain, schema: str
) -> None:
    lost = await asyncpg.connect(plain_url(schema))
    transaction = lost.transaction()
    await transaction.start()
    await lost.execute(INSERT, new_id(), NOW, "lost")
    await chain.write(1)
    await transaction.rollback()
    await lost.close()
    await sealed(chain, 1)
    assert (await chain.verify()).sealed == ROWS + 1


async def test_with_two_sealers_and_many_writers_one_chain_comes_out(
    chain: Chain, schema: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealer, "POLL_S", 0.02)
    stopping = asyncio.Event()
    sealers = [Sealer("chain", schema, KEY, tmp_path) for _ in range(2)]
    tasks = [asyncio.create_task(s.run(stopping)) for s in sealers]

    async def write() -> None:
        db = await asyncpg.connect(plain_url(schema))
        for _ in range(15):
            async with db.transaction():
                await db.execute(INSERT, new_id(), NOW, "crowd")
                await asyncio.sleep(0.002)
        await db.close()

    await asyncio.gather(*(write() for _ in range(5)))
    for _ in range(200):
        if (await chain.verify(checkpoints=False)).unsealed == 0:
            break
        await asyncio.sleep(0.05)
    stopping.set()
    await asyncio.gather(*tasks)
    report = await chain.verify()
    assert (report.holds, report.sealed, report.unsealed) == (True, ROWS + 75, 0)
    assert (tmp_path / "chain.ndjson").exists()


async def test_the_lag_is_measured_by_when_a_row_was_written(chain: Chain) -> None:
    old_day = system_now() - timedelta(days=20)
    await chain.db.execute(INSERT, new_id(), old_day, "in a moved clock")
    await chain.sealer._measure_lag(chain.db)
    lag = REGISTRY.get_sample_value("liangxin_audit_lag_seconds", {"service": "chain"})
    assert lag is not None
    assert 0 <= lag < 5


async def test_what_is_refused_is_recorded_with_who_and_why(probe: Probe) -> None:
    await probe.client("firm").get("/v1/probe/notes")
    rows = await probe.rows(
        "SELECT actor, outcome, thing_id, detail FROM audit_entry"
        " WHERE action = 'GET /v1/probe/notes' ORDER BY id DESC LIMIT 1"
    )
    assert (rows[0].outcome, rows[0].thing_id) == ("refused", "/v1/probe/notes")
    assert rows[0].actor.startswith("probe-firm-")
    assert orjson.loads(rows[0].detail) == {"code": "role-required", "status": 403}
