"""Timers: due on the business clock, fired once, in one transaction with their effect."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.kernel import timers as wheels
from services.kernel.clock import Clock, system_now
from services.kernel.runtime import Runtime
from services.kernel.timers import TimerKind, TimerWheel, drop_timer, set_timer
from tests.kernel.probe import attempts, effect, ring, tick
from tests.kernel.running import Probe, fresh, until

ROW = "SELECT fired_at, due_at, attempts, not_before, last_error FROM timer WHERE reference = :r"


@pytest.fixture
async def clock(probe: Probe) -> AsyncIterator[Clock]:
    """Give the probe's business clock, and set it right afterwards."""
    clock = probe.runtime.clock
    before = clock.offset
    yield clock
    clock.offset = before


async def set_one(probe: Probe, reference: str, due_at: datetime, kind: str = "ring") -> None:
    async with probe.runtime.sessions() as session, session.begin():
        await set_timer(session, kind, reference, due_at)


async def rung(probe: Probe, reference: str, times: int) -> None:
    async def is_rung() -> bool:
        return await probe.effects("rung", reference) == times

    await until(is_rung)


def wheel(probe: Probe, *kinds: TimerKind) -> TimerWheel:
    return TimerWheel(probe.runtime, kinds)


async def test_a_timer_fires_once_when_it_is_due(probe: Probe) -> None:
    due, later = fresh("due"), fresh("later")
    await set_one(probe, due, system_now())
    await set_one(probe, later, system_now() + timedelta(hours=1))
    await rung(probe, due, 1)
    await asyncio.sleep(2.5 * wheels.POLL_S)
    assert await probe.effects("rung", due) == 1
    assert await probe.effects("rung", later) == 0
    assert (await probe.rows(ROW, r=due))[0].fired_at is not None


async def test_with_several_wheels_at_once_each_timer_fires_once(probe: Probe) -> None:
    references = [fresh(f"many-{n}") for n in range(30)]
    async with probe.runtime.sessions() as session, session.begin():
        for reference in references:
            await set_timer(session, "raced", reference, system_now())

    async def slow_ring(session: Any, reference: str, now: datetime) -> None:
        await asyncio.sleep(0.005)
        await ring(session, reference, now)

    async def turn(one: TimerWheel) -> None:
        while await one._fire_next():
            pass

    await asyncio.gather(*(turn(wheel(probe, TimerKind("raced", slow_ring))) for _ in range(4)))
    assert [await probe.effects("rung", r) for r in references] == [1] * 30


async def test_a_clock_that_is_moved_ahead_makes_due_what_lies_between(
    probe: Probe, clock: Clock
) -> None:
    reference = fresh("ahead")
    await set_one(probe, reference, system_now() + timedelta(days=20))
    await asyncio.sleep(1.5 * wheels.POLL_S)
    assert await probe.effects("rung", reference) == 0
    clock.offset += timedelta(days=21)
    await rung(probe, reference, 1)


async def test_a_clock_that_is_moved_back_puts_a_timer_off_but_not_a_recurring_one(
    probe: Probe, clock: Clock
) -> None:
    reference = fresh("back")
    hourly = TimerKind("hourly", tick, every=timedelta(hours=1))
    one = wheel(probe, hourly)
    await one._set_recurring()
    assert await one._fire_next()
    before = await probe.effects("ticked", "tick")
    clock.offset -= timedelta(days=20)
    await set_one(probe, reference, clock.now() + timedelta(minutes=1))
    assert await one._fire_next()
    assert not await one._fire_next()
    assert await probe.effects("ticked", "tick") == before + 1
    assert await probe.effects("rung", reference) == 0


async def test_a_recurring_timer_comes_again_and_is_set_once(probe: Probe, clock: Clock) -> None:
    daily = TimerKind("daily", tick, every=timedelta(days=1))
    ones = [wheel(probe, daily) for _ in range(3)]
    await asyncio.gather(*(one._set_recurring() for one in ones))
    fired = []
    for _ in range(3):
        fired.append([await one._fire_next() for one in ones])
        clock.offset += timedelta(days=1, minutes=1)
    assert fired == [[True, False, False]] * 3
    assert await probe.value("SELECT count(*) FROM timer WHERE kind = 'daily'") == 1


async def test_a_failing_timer_leaves_no_effect_and_is_fired_again_later(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "BACKOFF_S_MAX", 1)
    failing, other = fresh("failing"), fresh("other")
    await set_one(probe, failing, system_now() - timedelta(minutes=1))
    await set_one(probe, other, system_now())
    await rung(probe, other, 1)
    row = (await probe.rows(ROW, r=failing))[0]
    assert (row.fired_at, row.attempts, row.last_error) == (None, 1, "RuntimeError: not yet")
    assert row.not_before > system_now()
    assert await probe.effects("rung", failing) == 0
    assert await probe.value("SELECT count(*) FROM outbox WHERE aggregate = :a", a=failing) == 0
    await rung(probe, failing, 1)
    assert attempts[failing] == 2


async def test_a_timer_gives_way_to_whoever_holds_its_thing_and_sets_it(probe: Probe) -> None:
    reference, claimed = fresh("held"), asyncio.Event()

    async def want(session: Any, reference: str, _: datetime) -> None:
        claimed.set()
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:r))"), {"r": reference})
        await effect(session, "wanted", reference)

    await set_one(probe, reference, system_now(), kind="want")
    one = wheel(probe, TimerKind("want", want))
    async with probe.runtime.sessions() as session, session.begin():
        await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:r))"), {"r": reference})
        firing = asyncio.create_task(one._fire_next())
        await claimed.wait()
        # The timer's row is claimed, and what it wants is held here.
        await set_timer(session, "want", reference, system_now())
    await firing
    assert await one._fire_next()
    assert await probe.effects("wanted", reference) == 1


async def test_a_timer_whose_statement_fails_leaves_the_wheel_turning(probe: Probe) -> None:
    async def fail(session: Any, reference: str, _: datetime) -> None:
        await effect(session, "rung", reference)
        await effect(session, "rung", None)  # pyright: ignore[reportArgumentType]

    reference = fresh("statement")
    await set_one(probe, reference, system_now(), kind="broken")
    one = wheel(probe, TimerKind("broken", fail))
    assert await one._fire_next()
    row = (await probe.rows(ROW, r=reference))[0]
    assert (row.fired_at, row.attempts) == (None, 1)
    assert await probe.effects("rung", reference) == 0
    assert not await one._fire_next()


async def test_a_timer_can_be_moved_dropped_and_set_anew(probe: Probe) -> None:
    moved, dropped = fresh("moved"), fresh("dropped")
    for reference in (moved, dropped):
        await set_one(probe, reference, system_now() + timedelta(hours=1))
    await set_one(probe, moved, system_now())
    async with probe.runtime.sessions() as session, session.begin():
        await drop_timer(session, "ring", dropped)
    await rung(probe, moved, 1)
    assert await probe.effects("rung", dropped) == 0
    await set_one(probe, moved, system_now())
    await set_one(probe, dropped, system_now())
    await rung(probe, moved, 2)
    await rung(probe, dropped, 1)


async def test_a_timer_that_is_set_anew_does_not_wait_for_what_failed_before(probe: Probe) -> None:
    reference = fresh("afresh")
    await set_one(probe, reference, system_now())
    async with probe.runtime.sessions() as session, session.begin():
        sql = "UPDATE timer SET not_before = now() + interval '1 day', fired_at = NULL"
        await session.execute(text(f"{sql} WHERE reference = :r"), {"r": reference})
    before = await probe.effects("rung", reference)
    await set_one(probe, reference, system_now())
    await rung(probe, reference, before + 1)


async def test_recurring_timers_are_set_as_soon_as_the_database_is_there(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "POLL_S", 0.01)
    calls: list[int] = []
    stopping = asyncio.Event()

    class Flaky:
        """A runtime whose database is away the first two times."""

        def __init__(self, runtime: Runtime) -> None:
            self.service, self.clock = runtime.service, runtime.clock
            self.relay_hint = runtime.relay_hint
            self._sessions: Callable[[], Any] = runtime.sessions

        def sessions(self) -> Any:
            calls.append(1)
            if len(calls) <= 2:
                raise OSError("no database")
            return self._sessions()

    kind = fresh("flaky")
    one = TimerWheel(Flaky(probe.runtime), [TimerKind(kind, tick, every=timedelta(days=1))])  # pyright: ignore[reportArgumentType]
    task = asyncio.create_task(one.run(stopping))

    async def is_set() -> bool:
        return await probe.value("SELECT count(*) FROM timer WHERE kind = :k", k=kind) == 1

    await until(is_set)
    stopping.set()
    await task
