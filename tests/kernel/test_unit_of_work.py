"""One request, one transaction, committed before the answer leaves."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated

import asyncpg
import httpx
import pytest
from fastapi import Depends
from sqlalchemy import text
from starlette.types import Message, Receive, Scope, Send

from services.kernel.actors import Actor, Guard, Role
from services.kernel.database_faults import refusal_from_database
from services.kernel.ids import new_id
from services.kernel.unit import RETRIES_MAX, UnguardedRoute, noun_router
from tests.kernel.probe import attempts
from tests.kernel.running import Probe, fresh, key, until

FAULTS = "/v1/probe/notes/faults"
NOTES_NAMED = "SELECT count(*) FROM note WHERE name = :n"
CUT = """
SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity
WHERE application_name = 'liangxin probe'
"""
IDLE_IN_TRANSACTION = """
SELECT count(*) FROM pg_stat_activity
WHERE application_name = 'liangxin probe' AND state LIKE 'idle in transaction%'
"""


@pytest.fixture
async def doomed(admin_db: asyncpg.Connection) -> AsyncIterator[None]:
    """Have the server end the connection that commits a note whose name begins with doomed."""
    await admin_db.execute("""
        CREATE FUNCTION end_connection() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER doomed AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.name LIKE 'doomed%') EXECUTE FUNCTION end_connection()""")
    yield
    await admin_db.execute("DROP TRIGGER doomed ON note; DROP FUNCTION end_connection()")


async def test_the_effect_is_committed_when_the_answer_begins_to_leave(
    probe: Probe, admin_db: asyncpg.Connection
) -> None:
    name = fresh("visible")
    seen: list[tuple[int, int]] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def look(message: Message) -> None:
            if message["type"] == "http.response.start":
                rows = await admin_db.fetch("SELECT 1 FROM note WHERE name = $1", name)
                seen.append((message["status"], len(rows)))
            await send(message)

        await probe.app(scope, receive, look)

    transport = httpx.ASGITransport(app=watched)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        headers = {**key(), "Authorization": f"Bearer {probe.token()}"}
        await client.post("/v1/probe/notes", json={"name": name}, headers=headers)
    assert seen == [(201, 1)]


async def test_a_change_its_event_and_its_audit_row_are_one(probe: Probe) -> None:
    note = (await probe.write()).json()["id"]
    counts = await probe.rows(
        "SELECT (SELECT count(*) FROM outbox WHERE aggregate = :id),"
        " (SELECT count(*) FROM audit_entry WHERE thing_id = :id AND action = 'note.write')",
        id=note,
    )
    assert tuple(counts[0]) == (1, 1)


async def test_a_read_that_hands_something_out_is_on_record(probe: Probe) -> None:
    note = (await probe.write()).json()["id"]
    copies = "SELECT count(*) FROM audit_entry WHERE thing_id = :id AND action = 'note.copy'"

    answer = await probe.client("auditor").get(f"/v1/probe/notes/{note}/copy")

    assert answer.status_code == 200
    assert (await probe.rows(copies, id=note))[0][0] == 1


async def test_a_commit_that_a_constraint_refuses_is_never_a_success(probe: Probe) -> None:
    name = fresh("orphan")
    answer = await probe.write(name=name, parent=str(new_id()))
    assert answer.status_code in (409, 500)
    assert await probe.value(NOTES_NAMED, n=name) == 0


@pytest.mark.usefixtures("doomed")
async def test_a_connection_that_ends_at_the_commit_is_never_a_success(probe: Probe) -> None:
    name = fresh("doomed")
    answer = await probe.write(name=name)
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
    assert answer.headers["retry-after"] == "2"
    assert await probe.value(NOTES_NAMED, n=name) == 0


async def test_a_connection_that_ends_under_way_is_a_503_and_the_next_request_succeeds(
    probe: Probe,
) -> None:
    body = {"fault": "terminate", "name": fresh("cut")}
    answer = await probe.client().post(FAULTS, json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
    assert (await probe.write()).status_code == 201


async def test_connections_that_were_cut_while_idle_cost_no_request(
    probe: Probe, admin_db: asyncpg.Connection
) -> None:
    await asyncio.gather(*(probe.write() for _ in range(8)))
    await admin_db.execute(CUT)
    answers = [(await probe.write()).status_code for _ in range(8)]
    assert answers == [201] * 8


async def test_clients_that_leave_leave_no_half_effect_and_no_open_transaction(
    probe: Probe, admin_db: asyncpg.Connection
) -> None:
    seed = random.randrange(10**6)  # noqa: S311  no secret
    chance = random.Random(seed)  # noqa: S311  no secret
    names = [fresh("gone") for _ in range(50)]

    async def ask_and_leave(name: str) -> None:
        body = {"fault": chance.choice(["slow", "slow-after"]), "name": name}
        asking = asyncio.create_task(probe.client().post(FAULTS, json=body))
        await asyncio.sleep(chance.uniform(0, 0.25))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    for start in range(0, 50, 10):
        await asyncio.gather(*(ask_and_leave(name) for name in names[start : start + 10]))

    async def nobody_is_idle() -> bool:
        return await admin_db.fetchval(IDLE_IN_TRANSACTION) == 0

    async def every_connection_is_back() -> bool:
        return probe.runtime.engine.pool.checkedout() == 0  # pyright: ignore[reportAttributeAccessIssue]

    await until(nobody_is_idle)
    await until(every_connection_is_back)
    uneven = await admin_db.fetch(
        """SELECT name, notes, events, entries FROM unnest($1::text[]) AS name,
        LATERAL (SELECT count(*) AS notes, min(id::text) AS id
                 FROM note n WHERE n.name = name.name) n,
        LATERAL (SELECT count(*) AS events FROM outbox WHERE aggregate = n.id) o,
        LATERAL (SELECT count(*) AS entries FROM audit_entry WHERE thing_id = n.id
                 AND action = 'note.write') a
        WHERE notes > 1 OR events <> notes OR entries <> notes""",
        names,
    )
    assert uneven == [], f"seed {seed}"


@pytest.mark.parametrize("fault", ["serialization", "serialization-of-the-driver"])
async def test_a_lost_race_is_run_again(probe: Probe, fault: str) -> None:
    name = fresh("race")
    answer = await probe.client().post(FAULTS, json={"fault": fault, "name": name})
    assert (answer.status_code, attempts[name]) == (201, 3)
    assert await probe.value(NOTES_NAMED, n=name) == 1


async def test_a_race_that_is_always_lost_asks_the_caller_to_come_back(probe: Probe) -> None:
    name = fresh("deadlock")
    answer = await probe.client().post(FAULTS, json={"fault": "deadlock", "name": name})
    assert (answer.status_code, answer.json()["code"]) == (503, "contention")
    assert answer.headers["retry-after"] == "1"
    assert attempts[name] == RETRIES_MAX + 1
    assert await probe.value(NOTES_NAMED, n=name) == 0


async def test_waiting_too_long_for_an_aggregate_asks_the_caller_to_come_back(
    probe: Probe, admin_db: asyncpg.Connection
) -> None:
    note = (await probe.write()).json()["id"]
    async with admin_db.transaction():
        await admin_db.execute("SELECT 1 FROM outbox_head WHERE aggregate = $1 FOR UPDATE", note)
        body = {"event": "count", "version": 1}
        answer = await probe.client().post(f"/v1/probe/notes/{note}/events", json=body)
    assert (answer.status_code, answer.json()["code"]) == (503, "contention")
    assert await probe.value("SELECT version FROM note WHERE id = :id", id=note) == 1


async def test_of_many_who_write_the_same_at_once_one_succeeds(probe: Probe) -> None:
    name = fresh("same")
    answers = await asyncio.gather(*(probe.write(name=name) for _ in range(10)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 9
    refused = {a.json()["code"] for a in answers if a.status_code == 409}
    assert refused == {"already-exists"}


async def test_an_exhausted_pool_is_a_503(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe.runtime.engine.pool, "_timeout", 0.2)
    async with AsyncExitStack() as stack:
        for _ in range(2 * probe.runtime.settings.pool_size):
            session = await stack.enter_async_context(probe.runtime.sessions())
            try:
                await session.execute(text("SELECT 1"))
            except Exception:  # noqa: BLE001  the runtime's own workers hold some
                break
        answer = await probe.write()
    assert (answer.status_code, answer.json()["code"]) == (503, "database-unavailable")
    assert (await probe.write()).status_code == 201


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT 9999999999::int4", "value-out-of-range"),
        ("SELECT convert_from('\\xff', 'UTF8')", "value-out-of-range"),
        ("SELECT pg_sleep(6)", "database-unavailable"),
        ("SELECT 1/0", None),
        ("SELECT nothing", None),
    ],
)
async def test_the_database_s_errors_are_told_apart(
    probe: Probe, statement: str, code: str | None
) -> None:
    async with probe.runtime.sessions() as session:
        await session.execute(text("SET LOCAL statement_timeout = '50ms'"))
        with pytest.raises(Exception) as raised:  # noqa: PT011  told apart below
            await session.execute(text(statement))
    refusal = refusal_from_database(raised.value)
    assert (refusal.code if refusal else None) == code


def test_a_route_without_a_guard_does_not_start() -> None:
    router = noun_router("probe", "open")

    async def unguarded() -> None: ...

    with pytest.raises(UnguardedRoute, match="has 0 guards"):
        router.get("")(unguarded)


def test_a_route_with_two_guards_does_not_start() -> None:
    router = noun_router("probe", "doubly")
    first, second = Guard(Role.REVIEWER), Guard(public=True)

    async def inner(actor: Annotated[Actor, Depends(second)]) -> None: ...

    async def doubly(
        actor: Annotated[Actor, Depends(first)], _: Annotated[None, Depends(inner)]
    ) -> None: ...

    with pytest.raises(UnguardedRoute, match="has 2 guards"):
        router.get("")(doubly)


def test_a_guard_behind_another_dependency_counts() -> None:
    router = noun_router("probe", "behind")

    async def inner(actor: Annotated[Actor, Depends(Guard(Role.REVIEWER))]) -> None: ...

    async def behind(_: Annotated[None, Depends(inner)]) -> None: ...

    router.get("")(behind)
    assert [r.path for r in router.routes] == ["/v1/probe/behind"]  # pyright: ignore[reportAttributeAccessIssue]
