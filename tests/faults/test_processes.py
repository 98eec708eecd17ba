"""F13, F18, F20, F21: callers who vanish, clocks that jump, services that hang or must end."""

import asyncio
import random
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

import httpx
import pytest

from services.kernel.clock import system_now
from services.launch.caller import Caller
from tests.faults.ending import DRAIN_S, VISITS, End, end, plan, token_of
from tests.faults.ground import Ground
from tests.faults.leaving import leave
from tests.faults.load import Load, register_firm
from tests.faults.oracles import judge, settled
from tests.faults.report import held, tries
from tests.faults.watching import connections, in_flight, is_open, stuck_sessions
from tests.faults.writers import CREATED, PATH, Intent, there, weigh, writing

LEAVING = tries(1000, 60)
LEAVING_AT_ONCE = 10
POOL_SIZE = 6
JUMPS = tries(40, 4)
FIRMS_WITH_A_DAY = tries(20, 3)
FARTHEST = timedelta(days=10)
HANGS = tries(4, 1)
BREAKER_S_MAX = 10.0
CLOSED_S_MAX = 10.0
ASKED_AT_ONCE = 6
ASKED_BEFORE = tries(200, 40)
TOLD_TO_END = tries(100, 2)
SETTLED_S_MAX = 120.0
PATIENCE_S = 60.0
AT_REST_S = 1.0


@pytest.fixture(scope="module")
async def load(ground: Ground) -> AsyncIterator[Load]:
    load = Load(ground.caller(), workers=tries(6, 3))
    await load.start()
    yield load
    await load.finish()


async def test_callers_vanish_in_the_middle(ground: Ground, chance: random.Random) -> None:
    """Before the load begins: pools and places can be seen to come back to what they were."""
    caller = ground.caller()
    token = await token_of(caller, "treasurer")
    urls = (ground.split.url, ground.split.services["finance"].url)
    async with writing(ground, workers=0) as writers:
        writers.intents += [Intent() for _ in range(LEAVING)]
        for start in range(0, LEAVING, LEAVING_AT_ONCE):
            leavers = writers.intents[start : start + LEAVING_AT_ONCE]
            await asyncio.gather(
                *(leave(urls[n % 2], token, intent, chance) for n, intent in enumerate(leavers))
            )
            # Who is answered in between has waited for those before: nothing piles up unseen.
            await caller.get("treasurer", PATH, limit=1)
        await _until(lambda: _is_empty(ground))
        stuck, opened = await stuck_sessions(ground), await connections(ground, "finance")
        already = await _at_rest(ground, writers.intents)
        halves, _ = await weigh(ground, writers.intents)
        await writers.finish()
    wrong = [
        intent.name
        for intent in writers.intents
        if intent.answers[-1].replayed != (intent.name in already)
    ]
    lost, double = await weigh(ground, writers.intents)
    held(
        "F13", "caller gone in the head, the body, or before the answer", tries=LEAVING,
        lost=len(halves) + len(lost), double=len(double),
        note=f"{len(already)} were carried out all the same; {stuck} sessions stuck,"
        f" {opened} connections, 0 places taken",
    )  # fmt: skip
    assert halves + lost + double == []
    assert wrong == [], "a repeat does not tell what happened"
    assert 0 < len(already) < LEAVING, "the moments of leaving do not tell apart anything"
    assert stuck == 0
    assert opened <= POOL_SIZE


async def test_the_clock_jumps_under_load(
    ground: Ground, load: Load, chance: random.Random
) -> None:
    caller = ground.caller()
    firms = [await _firm_with_a_day(caller, 1 + n % 9) for n in range(FIRMS_WITH_A_DAY)]
    jumps = [chance.uniform(-1, 1) * FARTHEST for _ in range(JUMPS - 4)]
    hour = timedelta(hours=1)
    wrong: list[str] = []
    async with writing(ground, workers=1) as writers:
        first = Intent()
        writers.intents.append(first)
        await writers.write(first)
        # There and back at the end: what fired on its day must not fire on the same day again.
        for offset in (*jumps, hour, -hour, FARTHEST, -FARTHEST, FARTHEST, timedelta(0)):
            await _set_clock(caller, system_now() + offset)
            await asyncio.sleep(chance.uniform(0.3, 1.0))
            if offset == FARTHEST:
                await _until(lambda: _have_fired(ground, firms))
            again = await writers.write(first)
            if not again.replayed:
                wrong.append(f"at {offset}: {again}")
        await writers.finish()
        fresh = Caller(ground.caller().http, dict(ground.credentials.clients))
        await fresh.get("treasurer", "/v1/finance/budgets", limit=1)
    load.check()
    versions = [await ground.value("enterprise", _VERSION, uscc) for uscc in firms]
    lost, double = await weigh(ground, writers.intents)
    lost += [f"did not fire: {uscc}" for uscc, v in zip(firms, versions, strict=True) if v < 3]
    double += [f"fired again: {uscc}" for uscc, v in zip(firms, versions, strict=True) if v > 3]
    held(
        "F18", "the business clock jumps by up to 10 days under load", tries=JUMPS + 2,
        lost=len(lost), double=len(double),
        note=f"{len(firms)} timers each fired once; {len(writers.intents)} writes"
        f" {writers.told()}; tokens and keys kept system time",
    )  # fmt: skip
    assert lost + double == []
    assert wrong == []
    assert set(writers.told()) == {CREATED}


async def test_a_service_hangs(ground: Ground, load: Load) -> None:
    opened: list[float] = []
    closed: list[float] = []
    told: list[str] = []
    during: list[float] = []
    headers = {"Authorization": f"Bearer {await token_of(ground.caller(), 'treasurer')}"}
    async with (
        httpx.AsyncClient(base_url=ground.split.url, headers=headers, timeout=15) as http,
        writing(ground, workers=1) as writers,
    ):
        before = [await _ask_finance(http) for _ in range(ASKED_BEFORE)]
        for _ in range(HANGS):
            await _hang(ground, http, told, during, opened)
            closed.append(await _until(lambda: _serves(ground, http)))
        await writers.finish()
    load.check()
    lost, double = await weigh(ground, writers.intents)
    middle_before, middle = statistics.median(before), statistics.median(during)
    held(
        "F20", "a service hangs (policy)", tries=HANGS, lost=len(lost), double=len(double),
        note=f"breaker opens after {max(opened):.1f} s, closes {max(closed):.1f} s after it is"
        f" back; finance answers in {middle * 1000:.0f} ms (before: {middle_before * 1000:.0f} ms),"
        f" its writes {writers.told()}",
    )  # fmt: skip
    assert lost + double == []
    assert set(told) == {"503 names it"}, told
    assert set(writers.told()) == {CREATED}
    assert max(opened) <= BREAKER_S_MAX
    assert max(closed) <= CLOSED_S_MAX
    assert middle <= 2 * middle_before + 0.05


async def test_processes_are_told_to_end_under_load(
    ground: Ground, load: Load, chance: random.Random
) -> None:
    ends: list[End] = []
    drained: set[str] = set()
    caller = ground.caller()
    async with writing(ground, workers=2, pause_s=0.25) as writers:
        for child in plan(ground, TOLD_TO_END, chance):
            # Whoever was away is asked again at the latest when its breaker lets somebody try.
            await writers.until_acknowledged(time.monotonic())
            by_halves = Intent()
            ends.append(
                await end(
                    ground, child, caller, by_halves, is_drained=child.name in drained,
                    wait_s=chance.uniform(0.05, 0.5),
                )
            )  # fmt: skip
            if VISITS[child.name].send == PATH:
                writers.intents.append(by_halves)
            drained.add(child.name)
            await child.start(LIANGXIN_DRAIN_S=str(DRAIN_S))
            await child.until_ready()
            load.check()
        await writers.finish()
    unanswered = [each for each in writers.intents if each.answers[0].status != CREATED]
    await load.finish()
    await settled(ground, SETTLED_S_MAX)
    verdict = await judge(ground, load.paid)
    lost, double = await weigh(ground, writers.intents)
    faults = [fault for each in ends for fault in each.faults]
    held(
        "F21", "SIGTERM under load, services and gateway", tries=len(ends),
        lost=len(verdict.lost) + len(lost), double=len(verdict.double) + len(double),
        note=f"slowest exit {max(each.seconds for each in ends):.1f} s (of which {DRAIN_S} s"
        f" drain), {sum(each.visits for each in ends)} visits, {len(faults)} faults,"
        f" {sum(each.is_missed for each in ends)} looked at too late;"
        f" {sum(each.given_back for each in ends)} events given back,"
        f" {sum(each.unacknowledged for each in ends)} came again when overdue;"
        f" {len(unanswered)} of {len(writers.intents)} writes asked to come back;"
        f" {len(load.paid)} cases paid",
    )  # fmt: skip
    assert verdict.holds, verdict
    assert lost + double == []
    assert "; ".join(faults) == ""
    assert sum(each.is_missed for each in ends) <= max(1, len(ends) // 20), "too busy to look"
    # What is on its way when a listener leaves is nobody's until it is overdue; that is rare.
    overdue = [each for each in ends if each.unacknowledged]
    assert len(overdue) <= max(1, len(ends) // 50), overdue
    assert len(load.paid) == len(load.begun) > 0


_VERSION = "SELECT version FROM firm WHERE uscc = $1"
_FIRED = """
SELECT count(*) FROM timer WHERE split_part(reference, ':', 1) = ANY($1) AND fired_at IS NOT NULL
"""


async def _until(holds: Callable[[], Awaitable[bool]]) -> float:
    """Wait until something holds; give how long it took, or fail."""
    began = time.monotonic()
    while not await holds():
        assert time.monotonic() - began < PATIENCE_S, "it does not come to hold"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def _is_empty(ground: Ground) -> bool:
    """Whether nobody holds a place in the gateway, nor more connections than a pool keeps."""
    if await in_flight(ground, "finance"):
        return False
    return await connections(ground, "finance") <= POOL_SIZE and not await stuck_sessions(ground)


async def _at_rest(ground: Ground, intents: list[Intent]) -> set[str]:
    """Give what is there once nothing more comes of requests that nobody waits for."""
    found: set[str] = set()
    while True:
        await asyncio.sleep(AT_REST_S)
        now = await there(ground, intents)
        if now == found:
            return now
        found = now


async def _firm_with_a_day(caller: Caller, days: int) -> str:
    """Register a firm whose fiscal level changes in some days: a timer waits for that day."""
    uscc = await register_firm(caller)
    day = (await _today(caller) + timedelta(days=days)).date().isoformat()
    change = {"fiscal_jurisdiction": "330201", "valid_from": day}
    path, headers = f"/v1/enterprise/firms/{uscc}", {"If-Match": "*"}
    await caller.ask("registrar", "PATCH", path, json=change, headers=headers)
    return uscc


async def _today(caller: Caller) -> datetime:
    return datetime.fromisoformat((await caller.get("admin", "/v1/demo/clock"))["now"])


async def _set_clock(caller: Caller, to: datetime) -> None:
    await caller.post("admin", "/v1/demo/clock", {"now": to.isoformat()})


async def _have_fired(ground: Ground, firms: list[str]) -> bool:
    return await ground.value("enterprise", _FIRED, firms) == len(firms)


async def _hang(
    ground: Ground,
    http: httpx.AsyncClient,
    told: list[str],
    during: list[float],
    opened: list[float],
) -> None:
    """Stop policy until its breaker opens; ask it and finance meanwhile."""
    policy = ground.split.services["policy"]
    policy.send(signal.SIGSTOP)
    try:
        began = time.monotonic()
        asking = [asyncio.create_task(_ask_policy(http)) for _ in range(ASKED_AT_ONCE)]
        while not await is_open(ground, "policy"):
            during.append(await _ask_finance(http))
            await asyncio.sleep(0.05)
            assert time.monotonic() - began < 2 * BREAKER_S_MAX, "the breaker does not open"
        opened.append(time.monotonic() - began)
        told += [await _ask_policy(http), *await asyncio.gather(*asking)]
    finally:
        policy.send(signal.SIGCONT)


async def _ask_finance(http: httpx.AsyncClient) -> float:
    began = time.monotonic()
    told = await http.get("/v1/finance/budgets", params={"limit": 1})
    assert told.status_code == httpx.codes.OK, told.text
    return time.monotonic() - began


async def _ask_policy(http: httpx.AsyncClient) -> str:
    """Ask the service that hangs; anything but a refusal that names it is told as it is."""
    told = await http.get("/v1/policy/cases", params={"limit": 1})
    is_right = (
        told.status_code == httpx.codes.SERVICE_UNAVAILABLE
        and "policy" in told.json()["detail"]
        and "retry-after" in told.headers
    )
    return "503 names it" if is_right else f"{told.status_code} {told.text[:200]}"


async def _serves(ground: Ground, http: httpx.AsyncClient) -> bool:
    told = await http.get("/v1/policy/cases", params={"limit": 1})
    return told.status_code == httpx.codes.OK and not await is_open(ground, "policy")
