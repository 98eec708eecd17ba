"""Long work: accepted at once, done in small steps that count once, with real progress."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from services.kernel import operations
from services.kernel.clock import system_now
from services.kernel.errors import Invalid
from services.kernel.ids import new_id
from services.kernel.operations import (
    OperationKind,
    OperationRunner,
    RowError,
    Step,
    count_open_operations,
)
from services.kernel.runtime import Runtime
from services.kernel.tables import Operation
from tests.kernel.probe import probe_service, step_through
from tests.kernel.running import Probe, fresh, until

STATE = "SELECT state, done, total, error_count, content, lease_until FROM operation WHERE id = :id"


async def begin(probe: Probe, kind: str) -> str:
    body = {"fault": kind, "name": fresh("work")}
    answer = await probe.client().post("/v1/probe/works", json=body)
    assert answer.status_code == 202
    location = answer.headers["location"]
    assert location.startswith("/v1/probe/operations/")
    return location


async def ended(probe: Probe, location: str) -> dict[str, object]:
    async def is_over() -> bool:
        answer = await probe.client().get(location)
        return answer.json()["state"] in ("finished", "failed")

    await until(is_over)
    return (await probe.client().get(location)).json()


def runner(probe: Probe, *kinds: OperationKind) -> OperationRunner:
    """Make a runner of its own, for kinds that the probe's runner does not know."""
    runtime = object.__new__(Runtime)
    vars(runtime).update(vars(probe.runtime))
    runtime.service = probe_service(probe.runtime.service.migrations, operations=kinds)
    return OperationRunner(runtime)


async def insert(probe: Probe, kind: str, **changes: object) -> UUID:
    actor = {"subject": "probe", "client_id": "probe", "roles": ["reviewer"], "scopes": []}
    bearings = dict.fromkeys(("department", "uscc", "town_code", "bank", "institution"))
    row = {
        "id": new_id(),
        "kind": kind,
        "state": "accepted",
        "owner": "probe",
        "actor": {**actor, **bearings},
        "input": {},
        "content": b"content",
        "done": 0,
        "total": 3,
        "error_count": 0,
        "created_at": system_now(),
        **changes,
    }
    async with probe.runtime.sessions() as session, session.begin():
        session.add(Operation(**row))
    return row["id"]  # pyright: ignore[reportReturnType]


async def test_work_is_done_step_by_step_and_every_refused_row_is_named(probe: Probe) -> None:
    location = await begin(probe, "three-steps")
    body = await ended(probe, location)
    assert (body["state"], body["done"], body["total"]) == ("finished", 3, 3)
    assert body["result"] == {"steps": 3}
    assert body["errors"] == [{"line": 2, "field": "name", "code": "taken", "detail": "重复"}]
    id_ = body["id"]
    steps = await probe.rows("SELECT of FROM line WHERE of LIKE :o ORDER BY id", o=f"{id_}:%")
    assert [row.of for row in steps] == [f"{id_}:{n}" for n in (1, 2, 3)]
    english = await probe.client().get(location, headers={"Accept-Language": "en"})
    assert english.json()["errors"][0]["detail"] == "twice"
    assert (await probe.rows(STATE, id=id_))[0].content is None


async def test_only_who_began_it_and_auditors_see_an_operation(probe: Probe) -> None:
    location = await begin(probe, "three-steps")
    statuses = {
        name: (await probe.client(name).get(location)).status_code
        for name in ("reviewer", "approver", "firm", "auditor", "public")
    }
    assert statuses == {
        "reviewer": 200,
        "approver": 404,
        "firm": 404,
        "auditor": 200,
        "public": 401,
    }
    await ended(probe, location)


async def test_a_failing_step_ends_the_work_and_keeps_what_was_done(probe: Probe) -> None:
    body = await ended(probe, await begin(probe, "fault"))
    assert (body["state"], body["done"], body["result"]) == ("failed", 1, None)
    assert [e["code"] for e in body["errors"]] == ["internal"]  # pyright: ignore[reportGeneralTypeIssues]
    assert "secret" not in str(body)
    assert await probe.effects("step", f"{body['id']}:1") == 1
    assert await probe.effects("step", f"{body['id']}:2") == 0


async def test_long_work_takes_turns_with_what_came_after_it(probe: Probe) -> None:
    stepped: list[UUID] = []

    async def step(_: object, operation: Operation, *__: object) -> Step:
        stepped.append(operation.id)
        done = operation.done + 1
        return Step(done, 3, [], {} if done == 3 else None)

    kind = fresh("turns")
    first, second = await insert(probe, kind), await insert(probe, kind)
    one = runner(probe, OperationKind(kind, step))
    while await one._advance():
        pass
    assert stepped == [first, second, first, second, first, second]


async def test_a_refusal_of_a_step_is_told_in_its_own_words(probe: Probe) -> None:
    async def refuse(*_: object) -> Step:
        raise Invalid("第一行不是表头。", "The first line is no header.", code="no-header")

    kind = fresh("refusing")
    id_ = await insert(probe, kind)
    assert await runner(probe, OperationKind(kind, refuse))._advance()
    rows = await probe.rows(
        "SELECT line, code, zh FROM operation_error WHERE operation_id = :i", i=id_
    )
    assert [tuple(row) for row in rows] == [(0, "no-header", "第一行不是表头。")]


async def test_a_step_that_refused_the_whole_before_it_failed_still_ends(probe: Probe) -> None:
    async def refuse_then_fail(_: object, operation: Operation, *__: object) -> Step:
        if operation.done == 0:
            return Step(1, 2, [RowError(0, "", "odd", "奇", "odd")])
        raise RuntimeError

    kind = fresh("twice-refused")
    id_ = await insert(probe, kind)
    one = runner(probe, OperationKind(kind, refuse_then_fail))
    assert [await one._advance() for _ in range(3)] == [True, True, False]
    assert (await probe.rows(STATE, id=id_))[0].state == "failed"


async def test_work_goes_on_where_it_stopped_once_the_lease_has_run_out(probe: Probe) -> None:
    soon = system_now() + timedelta(seconds=0.6)
    id_ = await insert(probe, "three-steps", state="running", done=1, lease_until=soon)
    await asyncio.sleep(0.3)
    assert (await probe.rows(STATE, id=id_))[0].done == 1

    async def is_finished() -> bool:
        return (await probe.rows(STATE, id=id_))[0].state == "finished"

    await until(is_finished)
    counts = [await probe.effects("step", f"{id_}:{n}") for n in (1, 2, 3)]
    assert counts == [0, 1, 1]


async def test_several_runners_take_each_step_once(probe: Probe) -> None:
    kind = fresh("raced")
    ids = [await insert(probe, kind) for _ in range(6)]
    ones = [runner(probe, OperationKind(kind, step_through)) for _ in range(4)]

    async def work(one: OperationRunner) -> None:
        while await one._advance():
            pass

    for _ in range(2):
        await asyncio.gather(*(work(one) for one in ones))
    for id_ in ids:
        assert (await probe.rows(STATE, id=id_))[0].state == "finished"
        assert [await probe.effects("step", f"{id_}:{n}") for n in (1, 2, 3)] == [1, 1, 1]


async def test_who_wakes_after_another_has_finished_changes_nothing(probe: Probe) -> None:
    kind = fresh("late")
    id_ = await insert(probe, kind, state="finished", done=3)
    await runner(probe, OperationKind(kind, step_through))._step(id_)
    row = (await probe.rows(STATE, id=id_))[0]
    assert (row.state, row.done) == ("finished", 3)
    assert await probe.effects("step", f"{id_}:4") == 0


async def test_a_step_that_loses_a_race_is_taken_again_soon(probe: Probe) -> None:
    lost: list[int] = []

    async def lose_once(*_: object) -> Step:
        lost.append(1)
        if len(lost) == 1:
            raise OSError("the database went away")
        return Step(3, 3, [], {"ok": True})

    kind = fresh("losing")
    id_ = await insert(probe, kind)
    one = runner(probe, OperationKind(kind, lose_once))
    with pytest.raises(OSError, match="went away"):
        await one._advance()
    lease = (await probe.rows(STATE, id=id_))[0].lease_until
    assert lease <= system_now() + timedelta(seconds=1)

    async def is_finished() -> bool:
        await one._advance()
        return (await probe.rows(STATE, id=id_))[0].state == "finished"

    await until(is_finished)


async def test_a_step_that_loses_every_time_is_given_up(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lose(*_: object) -> Step:
        raise OSError("the database ended the session")

    monkeypatch.setattr(operations, "OUTAGES_MAX", 3)
    monkeypatch.setattr(operations, "RETRY_S", -1)
    kind = fresh("hopeless")
    id_ = await insert(probe, kind)
    one = runner(probe, OperationKind(kind, lose))
    for _ in range(3):
        with pytest.raises(OSError, match="ended the session"):
            await one._advance()
        assert (await probe.rows(STATE, id=id_))[0].state == "running"

    assert [await one._advance() for _ in range(2)] == [True, False]
    row = (await probe.rows(STATE, id=id_))[0]
    assert (row.state, row.content) == ("failed", None)
    told = "SELECT line, code FROM operation_error WHERE operation_id = :i"
    assert [tuple(row) for row in await probe.rows(told, i=id_)] == [(0, "step-given-up")]


async def test_open_operations_are_counted(probe: Probe) -> None:
    async def opened() -> int:
        async with probe.runtime.sessions() as session:
            return await count_open_operations(session)

    before = await opened()
    id_ = await insert(probe, fresh("unknown-kind"))
    assert await opened() == before + 1
    async with probe.runtime.sessions() as session, session.begin():
        (await session.get_one(Operation, id_)).state = "failed"
    assert await opened() == before
