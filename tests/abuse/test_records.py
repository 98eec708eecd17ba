"""A27, A28: what is on record stays, and whoever changes it all the same is found."""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.kernel.database_urls import plain_url, with_database
from services.kernel.ids import new_id
from services.kernel.sealer import GENESIS, Sealer, seal_of, verify_chain
from services.launch.platform import prepare_database
from services.launch.registry import SERVICES
from tests.abuse.report import tried
from tests.conftest import TestPlatform
from tests.faults.report import SEED, tries

ROWS = 60
LOGGED_S_MAX = 10
KEY = "a key that is kept outside the database"
NOW = datetime(2026, 11, 23, tzinfo=UTC)
INSERT = """
INSERT INTO audit_entry
    (id, at, actor, client, roles, action, outcome, thing, thing_id, detail, trace_id)
VALUES ($1, $2, 'reviewer', 'c', 'reviewer', 'case.decide', 'done', 'case', $3, '{"a":1}', 't')
"""
COLUMNS = (
    "actor",
    "client",
    "roles",
    "action",
    "outcome",
    "thing",
    "thing_id",
    "detail",
    "trace_id",
)
APPENDED = ("outbox", "audit_entry", "audit_seal")


@dataclass
class Book:
    """A sealed chain that may be spoiled and put right again."""

    url: str
    admin: asyncpg.Connection
    folder: Path

    async def fault(self) -> str | None:
        return (await verify_chain("finance", self.url, KEY, self.folder)).fault

    async def put_right(self) -> None:
        await self.admin.execute(
            "TRUNCATE audit_entry, audit_seal;"
            "INSERT INTO audit_entry OVERRIDING SYSTEM VALUE SELECT * FROM kept_entry;"
            "INSERT INTO audit_seal SELECT * FROM kept_seal"
        )

    async def entry(self, position: int) -> Any:
        sql = "SELECT entry_id FROM audit_seal WHERE position = $1"
        return await self.admin.fetchval(sql, position)


@pytest.fixture(scope="module")
async def book(
    platform: TestPlatform, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Book]:
    settings = platform.service("finance").settings
    own = settings.model_copy(
        update={"database_url": with_database(settings.database_url, "liangxin_records")}
    )
    await prepare_database(own, [SERVICES["finance"]])
    folder = tmp_path_factory.mktemp("checkpoints")
    app = await asyncpg.connect(plain_url(own.service_url("finance")))
    for number in range(ROWS):
        await app.execute(INSERT, new_id(), NOW, f"case-{number}")
    sealer = Sealer("finance", own.service_url("finance"), KEY, folder)
    sealed = 0
    while sealed < ROWS:
        sealed += await sealer.seal_batch(app)
    await sealer.write_checkpoint(app)
    await app.close()
    admin = await asyncpg.connect(plain_url(own.database_url))
    await admin.execute("SET search_path = finance; SET session_replication_role = replica")
    await admin.execute("CREATE TEMP TABLE kept_entry AS TABLE audit_entry")
    await admin.execute("CREATE TEMP TABLE kept_seal AS TABLE audit_seal")
    yield Book(own.service_url("finance"), admin, folder)
    await admin.close()
    shutil.rmtree(folder)


def tail_missing(end: int) -> str:
    return f"the chain ends at {end}, but a checkpoint names position {ROWS}: the tail is missing"


async def alter_entry(book: Book, at: int, chance: random.Random) -> str:
    entry, column = await book.entry(at), chance.choice(COLUMNS)
    old = str(await book.admin.fetchval(f"SELECT {column} FROM audit_entry WHERE id = $1", entry))  # noqa: S608
    place = chance.randrange(len(old))
    new = old[:place] + chr((ord(old[place]) - 31) % 95 + 32) + old[place + 1 :]
    await book.admin.execute(f"UPDATE audit_entry SET {column} = $2 WHERE id = $1", entry, new)  # noqa: S608
    return f"audit entry {entry} at position {at} was altered"


async def move_time(book: Book, at: int, chance: random.Random) -> str:
    entry = await book.entry(at)
    await book.admin.execute(
        "UPDATE audit_entry SET at = at + $2 * interval '1 microsecond' WHERE id = $1",
        entry,
        chance.randrange(1, 10**9),
    )
    return f"audit entry {entry} at position {at} was altered"


async def remove_entry(book: Book, at: int, _: random.Random) -> str:
    entry = await book.entry(at)
    await book.admin.execute("DELETE FROM audit_entry WHERE id = $1", entry)
    return f"audit entry {entry} at position {at} was removed"


async def remove_seal(book: Book, at: int, _: random.Random) -> str:
    await book.admin.execute("DELETE FROM audit_seal WHERE position = $1", at)
    if at == ROWS:
        return tail_missing(ROWS - 1)
    return f"seal {at} is missing"


async def remove_both_and_close_the_gap(book: Book, at: int, _: random.Random) -> str:
    await book.admin.execute("DELETE FROM audit_entry WHERE id = $1", await book.entry(at))
    await book.admin.execute("DELETE FROM audit_seal WHERE position = $1", at)
    await book.admin.execute(
        "UPDATE audit_seal SET position = position - 1 WHERE position > $1", at
    )
    if at == ROWS:
        return tail_missing(ROWS - 1)
    return f"seal {at} does not follow the one before it"


async def insert_behind(book: Book, _: int, __: random.Random) -> str:
    id_ = new_id()
    await book.admin.execute(INSERT, id_, NOW, "slipped in")
    await book.admin.execute("UPDATE audit_entry SET xid = 1 WHERE id = $1", id_)
    return f"audit entry {id_} was inserted behind the seal"


async def swap(book: Book, at: int, chance: random.Random) -> str:
    other = chance.choice([n for n in range(1, ROWS + 1) if n != at])
    first, second = min(at, other), max(at, other)
    one, two = await book.entry(first), await book.entry(second)
    for position, entry in ((second, new_id()), (first, two), (second, one)):
        await book.admin.execute(
            "UPDATE audit_seal SET entry_id = $2 WHERE position = $1", position, entry
        )
    return f"audit entry {two} at position {first} was altered"


async def cut_tail(book: Book, at: int, _: random.Random) -> str:
    await book.admin.execute(
        "DELETE FROM audit_entry WHERE id IN"
        " (SELECT entry_id FROM audit_seal WHERE position >= $1)",
        at,
    )
    await book.admin.execute("DELETE FROM audit_seal WHERE position >= $1", at)
    return (
        f"the chain ends at {at - 1}, but a checkpoint names position {ROWS}: the tail is missing"
    )


async def rewrite_from(book: Book, at: int, _: random.Random) -> str:
    """Alter an entry and seal all that follows anew, with the key itself."""
    entry = await book.entry(at)
    await book.admin.execute("UPDATE audit_entry SET actor = 'nobody' WHERE id = $1", entry)
    before = "SELECT seal FROM audit_seal WHERE position = $1"
    previous = await book.admin.fetchval(before, at - 1) or GENESIS
    seals: list[tuple[int, str, str]] = []
    for row in await book.admin.fetch(
        "SELECT s.position, e.* FROM audit_seal s JOIN audit_entry e ON e.id = s.entry_id"
        " WHERE s.position >= $1 ORDER BY s.position",
        at,
    ):
        seal = seal_of(KEY.encode(), "finance", previous, row)
        seals.append((row["position"], previous, seal))
        previous = seal
    await book.admin.executemany(
        "UPDATE audit_seal SET previous = $2, seal = $3 WHERE position = $1", seals
    )
    return f"position {ROWS} differs from its checkpoint: the chain was rewritten"


SPOIL: tuple[Callable[[Book, int, random.Random], Any], ...] = (
    alter_entry, alter_entry, alter_entry, move_time, remove_entry, remove_seal,
    remove_both_and_close_the_gap, insert_behind, swap, cut_tail, rewrite_from,
)  # fmt: skip


async def test_every_random_change_of_the_record_is_named(book: Book) -> None:
    chance = random.Random(SEED)  # noqa: S311  no secret
    assert await book.fault() is None
    for _ in range(tries(10_000, 120)):
        spoil, at = chance.choice(SPOIL), chance.randint(1, ROWS)
        expected = await spoil(book, at, chance)
        found = await book.fault()
        tried("A27", f"records: {spoil.__name__}", wrong=found != expected)
        assert found == expected, f"{spoil.__name__} at {at}, seed {SEED}"
        await book.put_right()
    assert await book.fault() is None


def appended(service: str) -> list[str]:
    """List the tables of a service to which rows are only added."""
    tables = SERVICES[service].metadata.tables.values()
    return [*APPENDED, *(t.name for t in tables if t.info.get("append_only"))]


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_below_a_superuser_changes_what_is_on_record(
    platform: TestPlatform, service: str
) -> None:
    settings = platform.service(service).settings
    app = await asyncpg.connect(plain_url(settings.service_url(service)))
    owner = await asyncpg.connect(plain_url(settings.database_url))
    await owner.execute(f"SET search_path = {service}; SET ROLE {service}_owner")
    log_before = await _logged(owner)
    count = 0
    for table in sorted(set(appended(service))):
        column = "payload" if table == "outbox" else await _a_column(owner, service, table)
        for statement in (
            f"UPDATE {table} SET {column} = {column}",  # noqa: S608  names of ours
            f"DELETE FROM {table}",  # noqa: S608
            f"TRUNCATE {table} CASCADE",
        ):
            for connection in (app, owner):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
                count += 1
                tried("A28", "changes of records by app and owner role")
    # The server's log is written by a process of its own, which may be late.
    deadline = time.monotonic() + LOGGED_S_MAX
    while await _logged(owner) - log_before < count:
        assert time.monotonic() < deadline, "refusals are missing from the server's log"
        await asyncio.sleep(0.1)
    await app.close()
    await owner.close()


async def _a_column(owner: asyncpg.Connection, service: str, table: str) -> str:
    name = await owner.fetchval(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position DESC LIMIT 1",
        service,
        table,
    )
    return str(name)


async def _logged(owner: asyncpg.Connection) -> int:
    """Count the refusals in PostgreSQL's log."""
    await owner.execute("RESET ROLE")
    folder = Path(str(await owner.fetchval("SHOW data_directory"))) / "log"
    service = await owner.fetchval("SELECT current_schema()")
    await owner.execute(f"SET ROLE {service}_owner")
    words = ("permission denied", "rows are only ever added")
    lines = [line for log in folder.glob("*") for line in log.read_text("utf-8").splitlines()]
    return sum("ERROR" in line and any(word in line for word in words) for line in lines)
