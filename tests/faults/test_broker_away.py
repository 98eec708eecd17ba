"""F03: the broker is away for ten minutes, longer than a client tries of itself to come back."""

import asyncio
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.faults.ground import Ground
from tests.faults.load import Load, register_firm
from tests.faults.oracles import judge, settled
from tests.faults.report import held, wholly
from tests.faults.steady import CREATED, a_fact, weigh

AWAY_S = 600.0
PAUSE_S = 1.0
LIVEZ_S_MAX = 0.1
# A busy machine may hold one answer up; a loop that waits for the broker holds it far longer.
LIVEZ_LONGEST_S_MAX = 3.0
WORKERS = 2
FIRMS = 5

pytestmark = wholly


async def test_away_for_ten_minutes(ground: Ground) -> None:
    caller = ground.caller()
    # A case in the midst of its life waits for an event as long as there is no broker.
    caller.patience_s = AWAY_S + 300
    load = Load(caller, WORKERS)
    await load.start()
    while not load.paid:
        load.check()
        await asyncio.sleep(0.1)
    processes = {child.name: child.process for child in ground.split.children}
    await ground.stop_broker()
    written, livez = await asyncio.gather(_write(ground, AWAY_S), _livez(ground, AWAY_S))
    paid_before = len(load.paid)
    await ground.start_broker()
    back = time.monotonic()
    while len(load.paid) == paid_before:
        load.check()
        await asyncio.sleep(0.05)
    resumed_s = time.monotonic() - back
    await load.finish()
    drained_s = await settled(ground, 120)
    verdict = await judge(ground, load.paid)
    statuses, acknowledged = written.statuses, written.acknowledged
    lost, double = await weigh(ground, written.usccs, acknowledged, statuses.total())
    median = max(statistics.median(seconds) for seconds in livez.values())
    longest = max(max(seconds) for seconds in livez.values())
    refused = statuses.total() - statuses[CREATED]
    held(
        "F03",
        f"NATS stopped {AWAY_S:g} s",
        tries=statuses.total(),
        lost=lost + len(verdict.lost),
        double=double + len(verdict.double),
        note=f"{refused} writes not 2xx, /livez median {1000 * median:.0f} ms, longest"
        f" {1000 * longest:.0f} ms, a case went on to its payment {resumed_s:.1f} s after the"
        f" return, all heard {drained_s:.1f} s after the last; {len(load.paid)} cases paid",
    )
    assert (lost, double, verdict.holds) == (0, 0, True), verdict
    assert {child.name: child.process for child in ground.split.children} == processes
    assert all(child.is_running for child in ground.split.children)
    assert refused == 0, statuses
    assert median <= LIVEZ_S_MAX
    assert longest <= LIVEZ_LONGEST_S_MAX


@dataclass
class Written:
    """Of which firms facts were stated, what was answered, and the acknowledged statements."""

    usccs: list[str]
    statuses: Counter[int] = field(default_factory=Counter[int])
    acknowledged: list[str] = field(default_factory=list[str])


async def _write(ground: Ground, seconds: float) -> Written:
    """State facts now and then; these are what the broker has to be told of afterwards."""
    caller = ground.caller()
    written = Written([await register_firm(caller) for _ in range(FIRMS)])
    ends, number = time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        number += 1
        path, body = a_fact(written.usccs, number)
        headers = {"Idempotency-Key": f"away-{number}"}
        answer = await caller.once("registrar", "POST", path, json=body, headers=headers)
        written.statuses[answer.status_code] += 1
        if answer.status_code == CREATED:
            written.acknowledged.append(answer.json()["statement_id"])
        await asyncio.sleep(PAUSE_S)
    return written


async def _livez(ground: Ground, seconds: float) -> dict[str, list[float]]:
    """Time each process's /livez; one that does not answer 200 fails."""
    found: dict[str, list[float]] = {child.name: [] for child in ground.split.children}
    ends = time.monotonic() + seconds
    async with httpx.AsyncClient(timeout=30) as http:
        while time.monotonic() < ends:
            for child in ground.split.children:
                began = time.monotonic()
                (await http.get(f"{child.url}/livez")).raise_for_status()
                found[child.name].append(time.monotonic() - began)
            await asyncio.sleep(PAUSE_S)
    return found
