"""Hearing: each event has one effect, and what keeps failing is parked and stops nobody else."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import Clock
from services.kernel.events import envelope
from services.kernel.ids import new_id
from services.kernel.moved_clock import ClockMoved, hear_clock
from services.kernel.reactions import (
    DELIVERIES_MAX,
    PoisonousEvent,
    Reaction,
    Reactor,
    consumers_for,
    parse,
    retry_parked,
)
from services.kernel.runtime import Runtime
from services.kernel.tables import HeardClock, KnownClient, ParkedEvent, TrustedKey
from services.kernel.tokens import KeyChanged, PrincipalChanged, hear_key, hear_principal
from services.kernel.unit import commit
from tests.kernel.probe import NoteCounted, attempts, count_note, probe_service
from tests.kernel.running import NOW, Probe, fresh, key, until

SUBJECT = "lx.probe.note.counted.07"
PARKED = """
SELECT id, reaction, type, reason, deliveries, retried_at FROM parked_event WHERE event_id = :e
"""
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'liangxin probe'
"""
COUNTED = """
SELECT of, count(*) AS n FROM line WHERE what = 'counted' AND of = ANY(:notes) GROUP BY of
"""


def message(note: str, id_: UUID, **more: Any) -> bytes:
    payload = orjson.dumps({"note": note, **more}).decode()
    return envelope(
        id_=id_,
        type_=NoteCounted.TYPE,
        aggregate=note,
        seq=1,
        occurred_at=NOW,
        payload=payload,
        traceparent=None,
    )


async def send(probe: Probe, data: bytes) -> None:
    """Put a message on the stream under a fresh broker id, so that the broker keeps repeats."""
    headers = {"Nats-Msg-Id": str(new_id())}
    await probe.runtime.bus.jetstream.publish(SUBJECT, data, headers=headers)


def reactor(probe: Probe) -> Reactor:
    runtime = probe.runtime
    (consumer,) = [
        c for c in consumers_for("probe", runtime._reactions) if c.stream.service == "probe"
    ]

    async def nothing(*_: object) -> None: ...

    return Reactor(
        "probe",
        consumer,
        runtime._reactions,
        sessions=runtime.sessions,
        jetstream=lambda: runtime.bus.jetstream,
        business_now=lambda: NOW,
        after_commit=nothing,
    )


async def parked(probe: Probe, event_id: UUID) -> Any:
    async def is_parked() -> bool:
        return bool(await probe.rows(PARKED, e=event_id))

    await until(is_parked)
    return (await probe.rows(PARKED, e=event_id))[0]


async def test_the_same_event_many_times_has_one_effect(probe: Probe) -> None:
    note, id_ = fresh("repeat"), new_id()
    for _ in range(5):
        await send(probe, message(note, id_))
    await probe.settle()
    await send(probe, message(note, id_))
    await probe.settle()
    assert await probe.effects("counted", note) == 1


async def test_the_same_event_at_two_instances_at_once_has_one_effect(probe: Probe) -> None:
    for _ in range(10):
        note, id_ = fresh("both"), new_id()
        heard = parse(message(note, id_))
        await asyncio.gather(*(reactor(probe)._react([heard, heard]) for _ in range(4)))
        assert await probe.effects("counted", note) == 1


async def test_a_poisoned_event_is_parked_after_some_tries_and_the_others_are_heard(
    probe: Probe,
) -> None:
    notes = [fresh(f"crowd-{n}") for n in range(40)]
    poisoned, id_ = fresh("poisoned"), new_id()
    for number, note in enumerate(notes):
        await send(probe, message(note, new_id()))
        if number == 20:
            await send(probe, message(poisoned, id_, poison=True))
    row = await parked(probe, id_)
    await probe.settle()
    assert [await probe.effects("counted", n) for n in notes] == [1] * 40
    assert (row.deliveries, row.reaction) == (DELIVERIES_MAX, "count_note")
    assert row.reason == "ValueError: poisoned"
    assert await probe.effects("counted", poisoned) == 0


async def test_a_parked_event_can_be_reacted_to_later_and_then_counts_once(probe: Probe) -> None:
    note, id_ = fresh("cured"), new_id()
    await send(probe, message(note, id_, poison=True))
    row = await parked(probe, id_)
    with pytest.raises(ValueError, match="poisoned"):
        await retry(probe, row.id)
    assert (await probe.rows(PARKED, e=id_))[0].retried_at is None
    attempts["cured"] = 1
    try:
        await retry(probe, row.id)
        await send(probe, message(note, id_, poison=True))
        await probe.settle()
        await retry(probe, row.id)
    finally:
        attempts["cured"] = 0
    assert await probe.effects("counted", note) == 1
    assert (await probe.rows(PARKED, e=id_))[0].retried_at is not None


async def retry(probe: Probe, id_: UUID) -> None:
    async with probe.runtime.sessions() as session:
        row = await session.get_one(ParkedEvent, id_, with_for_update=True)
        await retry_parked(session, row, probe.runtime.reactions_to(row.type), now=NOW)
        await commit(session)


async def test_an_event_that_fails_again_after_it_was_parked_is_parked_anew(probe: Probe) -> None:
    note, id_ = fresh("anew"), new_id()
    await send(probe, message(note, id_, poison=True))
    first = await parked(probe, id_)
    await probe.settle()
    await send(probe, message(note, id_, poison=True))
    await send(probe, message(fresh("after"), new_id()))
    await probe.settle()
    rows = await probe.rows(PARKED, e=id_)
    assert [row.id for row in rows] == [first.id]


async def test_nobody_retries_what_nobody_reacts_to(probe: Probe) -> None:
    row = ParkedEvent(envelope=message("n", new_id()).decode(), type="liangxin.probe.x.y.v1")
    async with probe.runtime.sessions() as session:
        with pytest.raises(PoisonousEvent):
            await retry_parked(session, row, [], now=NOW)
    assert row.retried_at is None


@pytest.mark.parametrize(
    "data",
    [
        b"no json",
        b"\xff\x00",
        b"[]",
        b"null",
        b"{}",
        b'{"id": 7, "type": "liangxin.probe.note.counted.v1", "data": {}}',
        b'{"id": "x\\u0000", "type": "t\\u0000", "data": {}}',
    ],
)
async def test_what_cannot_be_read_is_parked_and_the_next_is_heard(
    probe: Probe, data: bytes
) -> None:
    count = "SELECT count(*) FROM parked_event"
    before = await probe.value(count)
    after = fresh("after")
    await send(probe, data)
    await send(probe, message(after, new_id()))

    async def is_parked() -> bool:
        return await probe.value(count) == before + 1

    await until(is_parked)
    await probe.settle()
    assert await probe.effects("counted", after) == 1


async def test_an_event_without_a_required_field_is_parked_with_its_reason(probe: Probe) -> None:
    id_ = new_id()
    data = message("x", id_).replace(b'"note"', b'"other"')
    await send(probe, data)
    row = await parked(probe, id_)
    assert row.reason.startswith("ValidationError")
    assert row.type == NoteCounted.TYPE


async def test_fields_that_a_later_version_added_are_ignored(probe: Probe) -> None:
    note = fresh("grown")
    await send(probe, message(note, new_id(), added={"deep": [1, 2]}))
    await probe.settle()
    assert await probe.effects("counted", note) == 1


async def test_an_effect_and_its_audit_row_carry_the_trace_of_the_request(probe: Probe) -> None:
    note = (await probe.write()).json()["id"]
    trace = "11111111111111112222222222222222"
    headers = {**key(), "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    body = {"event": "count", "version": 1}
    answer = await probe.client().post(f"/v1/probe/notes/{note}/events", json=body, headers=headers)
    assert answer.status_code == 200
    await probe.settle()
    rows = await probe.rows(
        "SELECT trace_id, actor FROM audit_entry WHERE action = 'note.count' AND thing_id = :n",
        n=note,
    )
    assert [(row.trace_id, row.actor) for row in rows] == [(trace, "system")]


async def test_an_outage_of_the_database_parks_nothing_and_loses_nothing(
    probe: Probe, admin_db: asyncpg.Connection
) -> None:
    parked_before = await probe.value("SELECT count(*) FROM parked_event")
    notes = [fresh(f"outage-{n}") for n in range(60)]
    for number, note in enumerate(notes):
        await send(probe, message(note, new_id()))
        if number % 10 == 0:
            await admin_db.execute(CUT)

    async def all_are_counted() -> bool:
        try:
            rows = await probe.rows(COUNTED, notes=notes)
        except Exception:  # noqa: BLE001  this connection was ended, too
            return False
        return len(rows) == 60

    await until(all_are_counted)
    await probe.settle()
    assert [await probe.effects("counted", n) for n in notes] == [1] * 60
    assert await probe.value("SELECT count(*) FROM parked_event") == parked_before
    assert probe.runtime.is_alive


def test_two_reactions_of_one_name_to_one_event_do_not_start(probe: Probe) -> None:
    service = probe_service(probe.runtime.service.migrations)
    doubled = replace(service, reactions=(*service.reactions, Reaction(NoteCounted, count_note)))
    with pytest.raises(ValueError, match="count_note"):
        Runtime(doubled, probe.runtime.settings, probe.runtime.bus)


async def apply(probe: Probe, handle: Callable[..., Any], *events: Any) -> AsyncSession:
    session = probe.runtime.sessions()
    for event in events:
        await handle(session, event, NOW)
    return session


async def test_an_older_state_that_comes_late_changes_nothing(probe: Probe) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    principals = [
        PrincipalChanged(principal="late", active=v != 2, tokens_valid_from=since, version=v)
        for v in (1, 2)
    ]
    keys = [
        KeyChanged(kid="late", jwk={"v": v}, usable_until=since if v == 2 else None, version=v)
        for v in (1, 2)
    ]
    clocks = [ClockMoved(offset_s=v * 100, version=10**6 + v) for v in (1, 2)]
    orders: tuple[Callable[[list[Any]], list[Any]], ...] = (
        list,
        lambda e: e[::-1],
        lambda e: e * 2,
    )
    for order in orders:
        session = await apply(probe, hear_principal, *order(principals))
        known = await session.get_one(KnownClient, "late")
        assert (known.active, known.version) == (False, 2)
        await session.close()
        session = await apply(probe, hear_key, *order(keys))
        trusted = await session.get_one(TrustedKey, "late")
        assert (trusted.jwk, trusted.usable_until, trusted.version) == ({"v": 2}, since, 2)
        await session.close()
        session = await apply(probe, hear_clock, *order(clocks))
        assert await session.scalar(select(HeardClock.offset_s)) == 200
        await session.close()


def test_a_clock_follows_the_latest_move_it_knows_of() -> None:
    clock = Clock()
    for offset_s, version in ((100, 1), (300, 3), (200, 2)):
        clock.follow(offset_s, version)
    assert clock.offset == timedelta(seconds=300)
