"""F10, F11, F12, F16, F17: the database dies, hangs, refuses to commit; the broker is full."""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.kernel.bus import Stream
from services.launch.configuration import SERVICE_NAMES
from tests.faults.ground import Ground
from tests.faults.load import Load
from tests.faults.oracles import judge, settled
from tests.faults.report import IS_FULL, held, met, tries
from tests.faults.watching import in_flight, pulse, stuck_sessions
from tests.faults.writers import CLIENT_S_MAX, CREATED, Answer, Intent, Writers, weigh, writing

KILLS = tries(15, 1)
BETWEEN_KILLS_S = (5.0, 20.0) if IS_FULL else (0.5, 1.5)
AWAY_S = (0.2, 5.0) if IS_FULL else (0.2, 1.0)
RECOVERED_S_MAX = 5.0
PAUSE_S = float(tries(30, 5))
# With the writers as many as a client has connections: none waits for one of its own.
AT_ONCE = 96
# What a client waits for: the gateway's budget of 8 s, and what a crowded machine adds to it.
ANSWERED_S_MAX = 10.0
IN_FLIGHT_MAX = 128
DOOMED_EACH = tries(10, 1)
FULL_S = float(tries(30, 2))
DRAINED_S_MAX = 120.0
# How a commit fails, how often, and what the first request is answered.
WAYS = (
    ("cut", 1, {503}),
    ("23514", 1, {409, 500}),
    ("40001", 1, {CREATED}),
    ("40001", 3, {CREATED}),
    ("40P01", 2, {CREATED}),
    ("40P01", 4, {503}),
)
_DOOM = """
CREATE FUNCTION doom() RETURNS trigger SECURITY DEFINER SET search_path FROM CURRENT
LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('doom_calls') <= split_part(NEW.name, ':', 3)::int THEN
        IF split_part(NEW.name, ':', 2) = 'cut' THEN
            PERFORM pg_terminate_backend(pg_backend_pid());
        ELSE
            RAISE EXCEPTION 'doomed' USING ERRCODE = split_part(NEW.name, ':', 2);
        END IF;
    END IF;
    RETURN NULL;
END $$
"""
_DOOMED = """
CREATE CONSTRAINT TRIGGER doomed AFTER INSERT ON budget DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.name LIKE 'doomed:%') EXECUTE FUNCTION doom()
"""
_WAITING = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND occurred_at < $1"
_WAITING_NOW = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


@pytest.fixture(scope="module")
async def load(ground: Ground) -> AsyncIterator[Load]:
    """Take firms from fact to payment all the while; the last test asks what came of them."""
    load = Load(ground.caller(), workers=tries(6, 3))
    await load.start()
    yield load
    await load.finish()


@pytest.fixture
async def doom(ground: Ground) -> AsyncIterator[None]:
    """Have commits of budget lines fail whose names say how, and how often."""
    for statement in ("CREATE SEQUENCE doom_calls", _DOOM, _DOOMED):
        await ground.fetch("finance", statement)
    yield
    for what in ("TRIGGER doomed ON budget", "FUNCTION doom", "SEQUENCE doom_calls"):
        await ground.fetch("finance", f"DROP {what}")


async def test_the_database_is_killed_under_load(
    ground: Ground, load: Load, chance: random.Random
) -> None:
    recovered: list[float] = []
    async with pulse(ground.split.children) as felt, writing(ground) as writers:
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(*BETWEEN_KILLS_S))
            await ground.kill_database()
            await asyncio.sleep(chance.uniform(*AWAY_S))
            await ground.start_database()
            recovered.append(await writers.until_acknowledged(time.monotonic()))
            load.check()
        await writers.finish()
    refused = [answer for answer in writers.answers if answer.status != CREATED]
    slowest = max((answer.seconds for answer in refused), default=0.0)
    lost, double = await weigh(ground, writers.intents)
    held(
        "F10", "kill -9 of PostgreSQL under load", tries=KILLS, lost=len(lost), double=len(double),
        note=f"{len(writers.intents)} writes, {len(refused)} asked to come back in"
        f" {slowest:.1f} s at most; serves {max(recovered):.1f} s after it is back;"
        f" /livez within {felt.longest_s:.2f} s",
    )  # fmt: skip
    assert lost + double == []
    assert all(answer.is_fit for answer in writers.answers), _unfit(writers)
    assert refused, "no write met an outage: nothing was tried"
    assert slowest <= ANSWERED_S_MAX
    assert max(recovered) <= RECOVERED_S_MAX, recovered
    assert felt.failed == []


async def test_the_database_hangs_under_load(ground: Ground, load: Load) -> None:
    async with pulse(ground.split.children) as felt, writing(ground) as writers:
        await asyncio.sleep(0.5)
        ground.signal_database(signal.SIGSTOP)
        try:
            until = time.monotonic() + PAUSE_S
            crowd = [asyncio.create_task(writers.write()) for _ in range(AT_ONCE)]
            most = await _most_in_flight(ground, until)
        finally:
            ground.signal_database(signal.SIGCONT)
        recovered = await writers.until_acknowledged(time.monotonic())
        await asyncio.gather(*crowd)
        await writers.finish()
    load.check()
    slowest = max(answer.seconds for answer in writers.answers)
    refused = [answer for answer in writers.answers if answer.status != CREATED]
    stuck = await stuck_sessions(ground)
    lost, double = await weigh(ground, writers.intents)
    held(
        "F11", f"PostgreSQL stopped for {PAUSE_S:.0f} s under load", tries=1, lost=len(lost),
        double=len(double),
        note=f"{len(refused)} of {len(writers.intents)} writes asked to come back, slowest"
        f" answer {slowest:.1f} s (goal {ANSWERED_S_MAX:.0f} s {met(slowest <= ANSWERED_S_MAX)}),"
        f" most in flight {most:.0f}; serves after {recovered:.1f} s;"
        f" /livez within {felt.longest_s:.2f} s",
    )  # fmt: skip
    assert lost + double == []
    assert all(answer.is_fit for answer in writers.answers), _unfit(writers)
    assert refused, "no write met the pause: nothing was tried"
    assert slowest <= CLIENT_S_MAX, "somebody hung"
    assert 0 < most <= IN_FLIGHT_MAX
    assert stuck == 0
    assert felt.failed == []


@pytest.mark.usefixtures("doom")
async def test_commits_that_fail_after_the_handler_returned(ground: Ground) -> None:
    """The first request is never a success that was not; the same key then succeeds once."""
    wrong: list[str] = []
    attempts = 0
    async with writing(ground, workers=0) as writers:
        for how, times, fit in WAYS * DOOMED_EACH:
            intent = Intent(f"doomed:{how}:{times}:{len(writers.intents)}")
            writers.intents.append(intent)
            await ground.fetch("finance", "SELECT setval('doom_calls', 1, false)")
            first = await writers.write(intent)
            is_there = await ground.value("finance", _COUNT, intent.name)
            if first.status not in fit or is_there != (first.status == CREATED):
                wrong.append(f"{how} {times} times: {first}, {is_there} rows")
            if first.status == 503 and not first.retry_after:
                wrong.append(f"{how} {times} times: {first} does not say when to come back")
            second = await writers.write(intent)
            if second.status != CREATED or second.replayed != (first.status == CREATED):
                wrong.append(f"{how} {times} times, the second time: {second}")
            attempts += await ground.value("finance", "SELECT last_value FROM doom_calls")
    lost, double = await weigh(ground, writers.intents)
    for case, fault, ways in (
        ("F12", "a commit is cut off or refused after the handler", WAYS[:2]),
        ("F16", "a commit loses a race (40001, 40P01)", WAYS[2:]),
    ):
        names = tuple(f"doomed:{how}:{times}:" for how, times, _ in ways)
        held(
            case, fault, tries=len(ways) * DOOMED_EACH,
            lost=sum(any(name in line for name in names) for line in lost),
            double=sum(any(name in line for name in names) for line in double),
            note=f"{len(wrong)} wrong answers; the same key then succeeds once",
        )  # fmt: skip
    assert lost + double == []
    assert wrong == []
    assert attempts == DOOMED_EACH * sum(times + 1 for _, times, _ in WAYS)


async def test_the_broker_is_full(ground: Ground, load: Load) -> None:
    async with ground.bus() as bus, writing(ground) as writers:
        manage = bus.jetstream
        configs = [Stream(name).config() for name in SERVICE_NAMES]
        for config in configs:
            used = (await manage.stream_info(config.name or "")).state.bytes
            await manage.update_stream(replace(config, max_bytes=max(used, 1)))
        try:
            await asyncio.sleep(FULL_S)
            waiting = sum([await ground.value(name, _WAITING_NOW) for name in SERVICE_NAMES])
        finally:
            for config in configs:
                await manage.update_stream(replace(config, max_bytes=-1))
        drained = await _until_drained(ground)
        await writers.finish()
    load.check()
    lost, double = await weigh(ground, writers.intents)
    held(
        "F17", f"the broker refuses everything for {FULL_S:.0f} s", tries=1, lost=len(lost),
        double=len(double),
        note=f"{len(writers.intents)} writes {writers.told()}; {waiting} events waited,"
        f" drained {drained:.1f} s after there was room",
    )  # fmt: skip
    assert lost + double == []
    assert waiting > 0, "no event met the full broker: nothing was tried"
    assert writers.told() == {CREATED: len(writers.intents)}


async def test_no_case_was_lost_or_paid_twice_meanwhile(ground: Ground, load: Load) -> None:
    await load.finish()
    await settled(ground, DRAINED_S_MAX)
    verdict = await judge(ground, load.paid)
    held(
        "F10", "lives of cases while the database and the broker fail", tries=len(load.begun),
        lost=len(verdict.lost), double=len(verdict.double), note=f"{len(load.paid)} cases paid",
    )  # fmt: skip
    assert verdict.holds, verdict
    assert len(load.paid) == len(load.begun) > 0


_COUNT = "SELECT count(*) FROM budget WHERE name = $1"


async def _most_in_flight(ground: Ground, until: float) -> float:
    most = 0.0
    while time.monotonic() < until:
        most = max(most, await in_flight(ground, "finance"))
        await asyncio.sleep(0.2)
    return most


async def _until_drained(ground: Ground) -> float:
    """Wait until what waits now is published; give how long it took."""
    began, now = time.monotonic(), await ground.value("finance", "SELECT clock_timestamp()")
    while any([await ground.value(name, _WAITING, now) for name in SERVICE_NAMES]):
        assert time.monotonic() - began < DRAINED_S_MAX
        await asyncio.sleep(0.1)
    return time.monotonic() - began


def _unfit(writers: Writers) -> list[Answer]:
    return [answer for answer in writers.answers if not answer.is_fit][:5]
