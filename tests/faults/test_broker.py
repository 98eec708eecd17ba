"""F02, F05, F07, F14: the broker away, repeating itself, emptied; a newcomer; a slow writer."""

import asyncio
import time
from uuid import UUID

import httpx

from services.kernel.clock import system_now
from services.kernel.ids import new_id
from services.kernel.outbox import announce, write_announcements
from tests.faults.announcing import open_announcer
from tests.faults.commands import another, counted, liangxin
from tests.faults.echoes import open_echo
from tests.faults.ground import Ground
from tests.faults.load import Load, register_firm
from tests.faults.oracles import Taken, judge, messages, settled
from tests.faults.projections import (
    REACTIONS,
    administer,
    fingerprint,
    forget_projections,
    written,
)
from tests.faults.report import held, met, tries
from tests.faults.steady import open_steady, weigh

RATE_WANTED = 200.0
NORMAL_S = tries(30, 2)
AWAY_S = tries(60, 4)
DRAINED_S_MAX = 60.0
# Of what the service can do at most: a queue that only grows measures nothing but itself.
USED = 0.6
# On a machine that others use as well, more than the goal is not proof of a fault.
SLOWER_GOAL = 2.0
FIRMS = tries(256, 24)
COPIES, REPEATED_CASES = 3, tries(8, 6)
SLOW_WRITERS = tries(200, 20)
LISTED, WEIGHED = 3, 4
RESTATED = ("identity", "enterprise")


async def test_stopped_under_keyed_writes(ground: Ground) -> None:
    async with open_steady(ground, ground.caller(), FIRMS) as steady:
        await settled(ground)
        capacity = await steady.capacity()
        rate = min(RATE_WANTED, USED * capacity)
        before = await steady.write_for(NORMAL_S, rate)
        await ground.stop_broker()
        during, notes = await asyncio.gather(
            steady.write_for(AWAY_S, rate), _readiness(ground, AWAY_S)
        )
        await ground.start_broker()
        drained_s = await settled(ground, DRAINED_S_MAX)
        after = await steady.write_for(NORMAL_S, rate)
        await settled(ground)
        lost, double = await steady.judge(ground)
    verdict = await judge(ground, [])
    slower = during.p99_ms / ((before.p99_ms + after.p99_ms) / 2)
    refused = before.refused + during.refused + after.refused
    held(
        "F02",
        f"NATS stopped {AWAY_S:g} s under keyed writes",
        tries=len(during.seconds),
        lost=lost + len(verdict.lost),
        double=double + len(verdict.double),
        note=f"{during.rate:.0f} writes/s of {RATE_WANTED:g} wanted and {capacity:.0f} possible,"
        f" {refused} not 2xx, drained in {drained_s:.1f} s, p99"
        f" {before.p99_ms:.0f}, {during.p99_ms:.0f}, {after.p99_ms:.0f} ms (x {slower:.1f},"
        f" goal x {SLOWER_GOAL:g} {met(slower <= SLOWER_GOAL)})",
    )
    assert (lost, double, verdict.holds) == (0, 0, True), verdict
    assert refused == 0, (before.statuses, during.statuses, after.statuses)
    assert notes == {(200, ("broker",))}
    assert len(during.seconds) >= AWAY_S, "hardly anything was written while the broker was away"


async def _readiness(ground: Ground, seconds: float) -> set[tuple[int, tuple[str, ...]]]:
    """Gather what enterprise says of itself, once it had time to notice."""
    found: set[tuple[int, tuple[str, ...]]] = set()
    ends = time.monotonic() + seconds
    url = ground.split.services["enterprise"].url
    async with httpx.AsyncClient(base_url=url, timeout=5) as http:
        await asyncio.sleep(1)
        while time.monotonic() < ends:
            answer = await http.get("/readyz")
            found.add((answer.status_code, tuple(answer.json()["degraded"])))
            await asyncio.sleep(0.5)
    return found


async def test_delivered_again_at_once_and_later_to_two_instances(ground: Ground) -> None:
    load = Load(ground.caller(), REPEATED_CASES)
    first = ground.split.services["finance"]
    second = another(first, "b")
    await second.start()
    try:
        await second.until_ready()
        async with open_echo(ground, COPIES) as echo:
            await echo.listen()
            await load.start()
            # Every worker begins one life; then no further one begins.
            await asyncio.sleep(0)
            await load.finish()
            await settled(ground)
            before, at_once = await fingerprint(ground), echo.count
            rows = await written(ground)
            for service in ground.split.services:
                await echo.again(service)
            await settled(ground)
            after, all_ = await fingerprint(ground), echo.count
            rows_after = await written(ground)
        shares = [await counted(child, "liangxin_reactions") for child in (first, second)]
    finally:
        await second.stop()
    verdict = await judge(ground, load.paid)
    held(
        "F05",
        "the same event again, at once and later, to two instances",
        tries=all_,
        lost=len(verdict.lost),
        double=len(verdict.double) + (before != after) + (rows != rows_after),
        note=f"{at_once} at once, {all_ - at_once} later; state {before} = {after};"
        f" finance reacted {shares[0]} + {shares[1]} times",
    )
    assert verdict.holds, verdict
    assert (before, rows) == (after, rows_after)
    assert min(shares) > 0
    assert len(load.paid) == REPEATED_CASES
    assert at_once >= COPIES * REPEATED_CASES


async def test_the_slower_of_two_writers_commits_last(ground: Ground) -> None:
    async with open_announcer(ground, ground.caller(), 2) as announcer:
        sooner, later = announcer.states
        for _ in range(SLOW_WRITERS):
            async with announcer.sessions() as slow:
                announce(slow, later, now=system_now())
                await write_announcements(slow)
                await announcer.announce(sooner)
                await _until_published(ground, sooner.aggregate)
                await slow.commit()
        await settled(ground)
    verdict = await judge(ground, [])
    held(
        "F14",
        "of two writers at once the slower commits last",
        tries=SLOW_WRITERS,
        lost=len(verdict.lost),
        double=len(verdict.double),
        note="the later row was published while the earlier one was not committed",
    )
    assert verdict.holds, verdict


async def _until_published(ground: Ground, aggregate: str) -> None:
    sql = "SELECT count(*) FROM outbox WHERE aggregate = $1 AND published_at IS NULL"
    deadline = time.monotonic() + DRAINED_S_MAX
    while await ground.value("enterprise", sql, aggregate):
        assert time.monotonic() < deadline, f"{aggregate} is not published"


async def test_a_missing_and_a_strange_reaction_are_noticed(ground: Ground) -> None:
    """Prove that the judgement bites: here the inbox is falsified, and set right again."""
    await _publish_list(ground)
    await settled(ground)
    sql = "SELECT reaction, event_id, received_at FROM inbox WHERE reaction = 'project_list'"
    name, heard, at = (await ground.fetch("policy", sql))[0]
    delete = "DELETE FROM inbox WHERE reaction = $1 AND event_id = $2"
    insert = "INSERT INTO inbox (reaction, event_id, received_at) VALUES ($1, $2, $3)"
    strange = new_id()
    await administer(ground, "policy", (delete, name, heard), (insert, name, strange, at))
    try:
        verdict = await judge(ground, [])
    finally:
        await administer(ground, "policy", (delete, name, strange), (insert, name, heard, at))
    assert verdict.lost == [f"policy: {name} missed {heard}"]
    assert verdict.double == [f"policy: {name} took {strange}, not told"]


async def test_a_lost_and_a_repeated_write_are_noticed(ground: Ground) -> None:
    """Prove that the weighing bites: it is told less, and other, than was acknowledged."""
    async with open_steady(ground, ground.caller(), 1) as steady:
        await steady.write_for(1, WEIGHED)
        *known, last = steady.acknowledged
    weighed = [
        await weigh(ground, steady.usccs, acknowledged, WEIGHED - unsent)
        for acknowledged, unsent in (
            ([*known, last], 0),
            (known, 0),
            (known, 1),
            ([*known, known[0]], 0),
            ([*known, last, str(new_id())], -1),
        )
    ]
    # All is well; unknown to us, but done once; done twice; answered as another; not done.
    assert weighed == [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0)]


async def test_emptied_broker_refills_who_forgot_everything(ground: Ground) -> None:
    await _publish_list(ground)
    await settled(ground)
    before, rows = await fingerprint(ground), await written(ground)
    await ground.wipe_broker()
    await forget_projections(ground)
    assert await fingerprint(ground) != before
    await ground.start_broker()
    printed = await liangxin(ground, "events", "republish")
    took_s = await settled(ground)
    after, rows_after = await fingerprint(ground), await written(ground)
    verdict = await judge(ground, [])
    held(
        "F07",
        "broker and projection emptied, refilled by republish",
        tries=_announced(printed),
        lost=len(verdict.lost) + (before != after),
        double=len(verdict.double) + (rows != rows_after),
        note=f"state {before} = {after}, {took_s:.1f} s after the command",
    )
    assert verdict.holds, verdict
    assert (before, rows) == (after, rows_after)


async def test_newcomer_is_fed_by_restate(ground: Ground) -> None:
    """Nothing is left in the broker of what policy would have to know."""
    await _publish_list(ground)
    await settled(ground)
    before, policy = await fingerprint(ground), ground.split.services["policy"]
    rows = await written(ground)
    await policy.stop()
    taken = await _to_be_taken(ground)
    await forget_projections(ground)
    async with ground.bus() as bus:
        for service in RESTATED:
            await bus.jetstream.purge_stream(f"LX_{service.upper()}")
            await bus.jetstream.delete_consumer(f"LX_{service.upper()}", f"policy_hears_{service}")
    assert await fingerprint(ground) != before
    began = time.monotonic()
    await policy.start()
    sent = {s: _announced(await liangxin(ground, "events", "restate", s)) for s in RESTATED}
    await policy.until_ready()
    await settled(ground)
    took_s, after = time.monotonic() - began, await fingerprint(ground)
    rows_due = {s: (told + sent.get(s, 0), audited) for s, (told, audited) in rows.items()}
    rows_after = await written(ground)
    verdict = await judge(ground, [], taken=taken)
    held(
        "F07",
        "a newcomer that finds no events, fed by restate",
        tries=sum(sent.values()),
        lost=len(verdict.lost) + (before != after),
        double=len(verdict.double) + (rows_due != rows_after),
        note=f"state {before} = {after}, knows keys and firms after {took_s:.1f} s",
    )
    assert verdict.holds, verdict
    assert (before, rows_due) == (after, rows_after)


async def _to_be_taken(ground: Ground) -> Taken:
    """Gather what is in the streams that are purged, and the reactions that policy forgets."""
    told = [id_ for service in RESTATED for id_, _, _ in await messages(ground, service)]
    return Taken(frozenset(map(UUID, told)), frozenset(("policy", name) for name in REACTIONS))


async def _publish_list(ground: Ground) -> None:
    caller = ground.caller()
    body = {
        "valid_from": "2025-01-01",
        "complete": True,
        "document": "慈经信〔2025〕1号（演示）",
        "items": [{"uscc": await register_firm(caller)} for _ in range(LISTED)],
    }
    await caller.post("registrar", "/v1/enterprise/lists/faults/versions", body)


def _announced(printed: str) -> int:
    """Add up what a command says that it sent: `enterprise: 12 announcements ...`."""
    return sum(int(line.split()[1]) for line in printed.splitlines())
