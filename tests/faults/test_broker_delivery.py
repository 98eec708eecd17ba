"""F04, F09, F15: a broker that answers late, poison among a thousand, relays that die."""

import asyncio
import itertools
import random
import signal
import time
from datetime import datetime, timedelta

import orjson

from services.kernel.bus import ACK_TIMEOUT_S
from services.kernel.clock import system_now
from services.kernel.events import shard_of
from services.kernel.ids import new_id
from services.kernel.reactions import DELIVERIES_MAX, RETRY_DELAYS_S
from services.kernel.strict_json import digest
from services.launch.split import Child
from tests.faults.announcing import Announcer, open_announcer
from tests.faults.commands import another, counted, liangxin
from tests.faults.ground import Ground
from tests.faults.load import Load
from tests.faults.oracles import judge, settled
from tests.faults.projections import administer
from tests.faults.report import held, wholly

PAUSES, WORKERS, PAID_BETWEEN = 3, 8, 3
OTHERS = 998
KILLS = 12
OWNER_SHARE = 0.7
TELLERS = 20
POISON = "firm:poison"
SUBJECT = f"lx.enterprise.firm.changed.{shard_of(POISON):02d}"
INSERT = """
INSERT INTO outbox (id, aggregate, seq, shard, type, subject, payload, payload_sha256, occurred_at)
VALUES ($1, $2, 1, $3, 'liangxin.enterprise.firm.changed.v1', $4, $5, $6, $7)
"""
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.uscc = '{}' THEN RAISE EXCEPTION 'refused for a while'; END IF;
    RETURN NEW;
END $$
"""
TRIGGER = "CREATE TRIGGER refuse BEFORE INSERT ON firm FOR EACH ROW EXECUTE FUNCTION refuse()"
PARKED = "SELECT reason, deliveries FROM parked_event WHERE retried_at IS NULL ORDER BY reason"
ANNOUNCED = "SELECT id FROM outbox WHERE written_at >= $1 AND aggregate <> ALL($2::text[])"
HEARD = "SELECT event_id FROM inbox WHERE reaction = 'project_firm' AND event_id = ANY($1::uuid[])"

pytestmark = wholly


async def test_answering_after_the_publisher_gave_up(ground: Ground) -> None:
    load, given_up = Load(ground.caller(), WORKERS), 0
    await load.start()
    for _ in range(PAUSES):
        await load.until_more_are_paid(PAID_BETWEEN)
        broker = ground.broker()
        broker.suspend()
        try:
            given_up += await _given_up(ground)
        finally:
            broker.resume()
    await load.finish()
    await settled(ground)
    verdict = await judge(ground, load.paid)
    held(
        "F04",
        f"NATS answers later than the {ACK_TIMEOUT_S} s that a publisher waits",
        tries=given_up,
        lost=len(verdict.lost),
        double=len(verdict.double),
        note=f"rows given up and sent again, in {PAUSES} pauses; {len(load.paid)} cases paid",
    )
    assert verdict.holds, verdict
    assert len(load.paid) == len(load.begun) > 0


async def _given_up(ground: Ground) -> int:
    """Wait until a publisher has given up, and the others had time to; count the rows."""
    sql = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND attempts > 0"
    deadline = time.monotonic() + 4 * ACK_TIMEOUT_S
    found = 0
    while not found:
        assert time.monotonic() < deadline, "no publisher gave up"
        await asyncio.sleep(1)
        found = sum([await ground.value(service, sql) for service in ground.split.services])
    return found


async def test_three_relays_of_which_any_dies(ground: Ground, chance: random.Random) -> None:
    first = ground.split.services["enterprise"]
    relays = [first, another(first, "b"), another(first, "c")]
    for relay in relays[1:]:
        await relay.start()
        await relay.until_ready()
    owners = 0
    try:
        async with open_announcer(ground, ground.caller(), TELLERS) as announcer:
            stopping = asyncio.Event()
            telling = asyncio.create_task(_tell(announcer, stopping))
            for _ in range(KILLS):
                owner = await _owner(relays)
                victim = owner if chance.random() < OWNER_SHARE else chance.choice(relays)
                owners += victim is owner
                await asyncio.sleep(chance.uniform(0, 0.3))
                victim.send(chance.choice((signal.SIGKILL, signal.SIGTERM)))
                await victim.until_over()
                await victim.start()
                await victim.until_ready()
            stopping.set()
            rows = await telling
            await settled(ground)
    finally:
        for relay in relays[1:]:
            await relay.stop()
    verdict = await judge(ground, [])
    held(
        "F15",
        "three relays at once, kill -9 or SIGTERM of any",
        tries=KILLS,
        lost=len(verdict.lost),
        double=len(verdict.double),
        note=f"{rows} rows, each there once and in order; {owners} times the one that published",
    )
    assert verdict.holds, verdict
    assert owners > 0


async def _tell(announcer: Announcer, stopping: asyncio.Event) -> int:
    rows = 0
    while not stopping.is_set():
        await announcer.announce(*announcer.states)
        rows += len(announcer.states)
        await asyncio.sleep(0.02)
    return rows


async def _owner(relays: list[Child]) -> Child:
    """Find the instance that has published most: only death makes another one publish."""
    published = [await counted(relay, "liangxin_events_published") for relay in relays]
    return relays[published.index(max(published))]


async def test_poison_among_a_thousand(ground: Ground) -> None:
    """One event fits no schema, one fails until its cause is gone; the others are heard."""
    policy = ground.split.services["policy"]
    async with open_announcer(ground, ground.caller(), 50) as announcer:
        await settled(ground)
        seen, began = policy.log.stat().st_size, system_now()
        doomed, *good = announcer.states
        await administer(ground, "policy", (REFUSE.format(doomed.uscc),), (TRIGGER,))
        for number in range(0, OTHERS, len(good)):
            await announcer.announce(*good[: OTHERS - number])
            if number == 10 * len(good):
                await _insert_poison(ground)
                await announcer.announce(doomed)
        await settled(ground, 120)
    rows = await ground.fetch("enterprise", ANNOUNCED, began, [POISON, doomed.aggregate])
    ids = {row["id"] for row in rows}
    heard = {row["event_id"] for row in await ground.fetch("policy", HEARD, list(ids))}
    parked = [(r["reason"], r["deliveries"]) for r in await ground.fetch("policy", PARKED)]
    alarms, waits = await counted(policy, "liangxin_events_parked"), _waits(policy, seen)
    await liangxin(ground, "events", "parked", "policy", "--retry", expect=1)
    assert len(await ground.fetch("policy", PARKED)) == len(parked)
    await administer(ground, "policy", ("DROP TRIGGER refuse ON firm",))
    await liangxin(ground, "events", "parked", "policy", "--retry", expect=1)
    left = [row["reason"] for row in await ground.fetch("policy", PARKED)]
    verdict = await judge(ground, [])
    verdict.lost.remove("policy: 1 events parked")
    held(
        "F09",
        "two poisoned events among a thousand",
        tries=len(ids) + len(parked),
        lost=len(ids - heard) + len(verdict.lost),
        double=len(verdict.double),
        note=f"parked after {[n for _, n in parked]} deliveries, {alarms} alarms, waits"
        f" {waits}; {len(heard)} others heard; one retried once its cause was gone",
    )
    assert (len(ids), ids - heard) == (OTHERS, set())
    assert verdict.holds, verdict
    assert [n for _, n in parked] == [DELIVERIES_MAX] * 2
    assert [len(w) for w in waits] == [len(RETRY_DELAYS_S)] * 2
    assert all(w >= d for each in waits for w, d in zip(each, RETRY_DELAYS_S, strict=True))
    assert alarms == len(parked)
    assert len(left) == 1
    assert left[0].startswith("ValidationError")


async def _insert_poison(ground: Ground) -> None:
    """Have the relay itself publish what no schema fits."""
    payload = '{"uscc":7}'
    row = (new_id(), POISON, shard_of(POISON), SUBJECT, payload, digest(payload), system_now())
    head = ("INSERT INTO outbox_head (aggregate, seq) VALUES ($1, 1)", POISON)
    await administer(ground, "enterprise", head, (INSERT, *row))


def _waits(child: Child, seen: int) -> list[list[float]]:
    """Read from a log how long each poisoned event waited between its deliveries."""
    times: dict[str, list[datetime]] = {}
    for line in child.log.read_bytes()[seen:].splitlines():
        told = orjson.loads(line) if line.startswith(b"{") else {}
        if told.get("event") in ("reaction put off", "event parked"):
            times.setdefault(told["kind"], []).append(datetime.fromisoformat(told["timestamp"]))
    return [
        [round((b - a) / timedelta(seconds=1), 1) for a, b in itertools.pairwise(at)]
        for at in times.values()
    ]
