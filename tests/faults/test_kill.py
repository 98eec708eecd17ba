"""F01, F06: services are killed at every named point of their real path, again and again."""

import asyncio
import random
import time
from datetime import datetime, timedelta

from services.kernel.crash import POINTS
from services.launch.split import Child, ChildFailed
from tests.faults.ground import Ground
from tests.faults.load import Load
from tests.faults.oracles import judge, settled
from tests.faults.report import held, hit, met, tries

HITS_EACH = tries(25, 1)
VICTIMS = ("finance", "policy")
# Money is posted by finance alone, files are kept by policy alone.
OWNERS = {"ledger": "finance", "blob": "policy"}
# A crowded machine comes to a point late; that it comes there at all is what counts.
DEATH_S_MAX = 300.0
# Not always the first time: by then the process is in the middle of things.
TIMES_MAX = {"unit": 6, "ledger": 4, "relay": 4, "reaction": 3, "timer": 1, "blob": 3}
LONGEST_PERIOD = timedelta(minutes=61)
SIGKILLED = -9
RESTART_S_GOAL = 10.0


async def test_killed_at_every_point(ground: Ground, chance: random.Random) -> None:
    load = Load(ground.caller())
    await load.start()
    plans = _plans(chance)
    slowest = await asyncio.gather(*(_kill(ground, load, v, plans[v], chance) for v in VICTIMS))
    await load.finish()
    await settled(ground, 120)
    verdict = await judge(ground, load.paid)
    held(
        "F01",
        "kill -9 at a named point of finance or policy",
        tries=sum(len(plan) for plan in plans.values()),
        lost=len(verdict.lost),
        double=len(verdict.double),
        note=f"{len(load.paid)} cases paid, slowest restart {max(slowest):.1f} s"
        f" (goal {RESTART_S_GOAL:.0f} s {met(max(slowest) <= RESTART_S_GOAL)})",
    )
    assert verdict.holds, verdict
    assert len(load.paid) == len(load.begun) > 0


def _plans(chance: random.Random) -> dict[str, list[str]]:
    """Share the points among the victims, but for what only one of them does."""
    plans: dict[str, list[str]] = {victim: [] for victim in VICTIMS}
    for point in POINTS:
        for _ in range(HITS_EACH):
            owner = OWNERS.get(point.partition(":")[0]) or chance.choice(VICTIMS)
            plans[owner].append(point)
    for plan in plans.values():
        chance.shuffle(plan)
    return plans


async def _kill(
    ground: Ground, load: Load, name: str, plan: list[str], chance: random.Random
) -> float:
    """Kill a service at each point of its plan; give the slowest restart."""
    victim = ground.split.services[name]
    await victim.stop()
    slowest = 0.0
    for point in plan:
        times = chance.randint(1, TIMES_MAX[point.partition(":")[0]])
        slowest = max(slowest, await _die_at(ground, victim, point, times))
        hit(point)
        load.check()
    await victim.start()
    await victim.until_ready()
    return slowest


async def _die_at(ground: Ground, victim: Child, point: str, times: int) -> float:
    """Start the victim so that it dies at a point; give how long it took to serve before."""
    began = time.monotonic()
    await victim.start(LIANGXIN_CRASH_AT=f"{point}@{times}")
    serving = asyncio.create_task(_until_serving(victim, began))
    if point.startswith("timer"):
        await _make_timers_due(ground)
    code = await victim.until_over(DEATH_S_MAX)
    assert code == SIGKILLED, victim.tail()
    assert f"crash point {point}" in victim.tail()
    return await serving


async def _until_serving(victim: Child, began: float) -> float:
    """Give how long a start took, or nothing where the process died before it served."""
    try:
        await victim.until_ready()
    except ChildFailed:
        return 0.0
    return time.monotonic() - began


async def _make_timers_due(ground: Ground) -> None:
    """Move the business clock past the longest period of a recurring timer."""
    caller = ground.caller()
    clock = await caller.get("admin", "/v1/demo/clock")
    later = datetime.fromisoformat(clock["now"]) + LONGEST_PERIOD
    await caller.post("admin", "/v1/demo/clock", {"now": later.isoformat()})
