"""What must be true after any fault, asked of the tables and of the broker themselves."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import nats.errors
import orjson
from nats.js.errors import NotFoundError

from services.kernel.bus import Bus
from services.kernel.reactions import Reaction, consumers_for
from services.kernel.runtime import KERNEL_REACTIONS
from services.kernel.sealer import verify_chain
from services.launch.configuration import SERVICE_NAMES
from services.launch.registry import SERVICES
from tests.faults.ground import Ground

POLL_S = 0.1
BATCH = 256
DRAINED_S_MAX = 60.0
# Between the outboxes and the consumers of one look, something may be on its way.
QUIET_LOOKS = 2
REACTIONS: dict[str, tuple[Reaction, ...]] = {
    name: (*KERNEL_REACTIONS, *service.reactions) for name, service in SERVICES.items()
}
CONSUMERS = tuple(
    consumer for name, own in REACTIONS.items() for consumer in consumers_for(name, own)
)

_PENDING = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_PARKED = "SELECT reaction, event_id FROM parked_event WHERE retried_at IS NULL"
_REACTED = "SELECT reaction, event_id FROM inbox"
_WRITTEN = "SELECT id, type FROM outbox"
_HOLES = """
SELECT count(*) FROM outbox_head h
WHERE h.seq <> (SELECT count(*) FROM outbox o WHERE o.aggregate = h.aggregate)
"""
_LEDGER = """
WITH moved AS (
    SELECT debit_account AS id, -amount_fen AS fen FROM transfer
    UNION ALL SELECT credit_account, amount_fen FROM transfer
), recomputed AS (SELECT id, sum(fen) AS fen FROM moved GROUP BY id)
SELECT (SELECT COALESCE(sum(balance_fen), 0) FROM account) AS total,
       count(*) FILTER (WHERE a.balance_fen <> COALESCE(r.fen, 0)) AS wrong
FROM account a LEFT JOIN recomputed r USING (id)
"""
_AWARDS = "SELECT case_id, amount_fen FROM award WHERE decided_on IS NOT NULL AND ended IS NULL"
_PAID = """
SELECT w.case_id, t.amount_fen
FROM transfer t JOIN payout_line l ON l.id = t.payout_line_id JOIN award w ON w.id = l.award_id
WHERE t.kind = 'pay' AND l.state = 'settled'
"""
_RESERVED = """
SELECT w.case_id, t.amount_fen FROM transfer t JOIN award w ON w.id = t.award_id
WHERE t.kind = 'reserve'
"""
_CASES = "SELECT id, state, reservation_amount_fen AS fen FROM policy_case"
_FILES = "SELECT case_id, sha256 FROM evidence"
_FIRMS = "SELECT uscc, version, name FROM firm ORDER BY uscc"


@dataclass
class Verdict:
    """What was lost and what was doubled, in words; nothing of either is what must be."""

    lost: list[str]
    double: list[str]

    @property
    def holds(self) -> bool:
        return not self.lost and not self.double


@dataclass(frozen=True)
class Taken:
    """What a test took away itself: events out of the streams, and who forgot to have heard them.

    Such an event need not be in its stream; only of those who forgot is no reaction expected.
    """

    purged: frozenset[UUID] = frozenset()
    forgotten: frozenset[tuple[str, str]] = frozenset()


NOTHING_TAKEN = Taken()


async def settled(ground: Ground, seconds: float = DRAINED_S_MAX) -> float:
    """Wait until all is published and heard; give how long it took, or fail."""
    began, quiet = time.monotonic(), 0
    async with ground.bus() as bus:
        while True:
            quiet = quiet + 1 if await _is_quiet(ground, bus) else 0
            if quiet == QUIET_LOOKS:
                return time.monotonic() - began
            assert time.monotonic() - began < seconds, await _unsettled(ground)
            await asyncio.sleep(POLL_S)


async def judge(
    ground: Ground, paid: list[str], *, in_order: bool = True, taken: Taken = NOTHING_TAKEN
) -> Verdict:
    """Compare money, announcements, reactions, projections; `paid` are acknowledged payments.

    A broker that is refilled while others write holds old announcements after new ones.
    """
    verdict = Verdict([], [])
    await _judge_money(ground, paid, verdict)
    await _judge_files(ground, verdict)
    for service in SERVICE_NAMES:
        told = await _judge_announcements(ground, service, taken, verdict)
        if in_order:
            _judge_order(service, told, verdict)
    await _judge_reactions(ground, taken, verdict)
    await _judge_projections(ground, verdict)
    await _judge_audit(ground, verdict)
    return verdict


async def _is_quiet(ground: Ground, bus: Bus) -> bool:
    for service in SERVICE_NAMES:
        if await ground.value(service, _PENDING):
            return False
    for consumer in CONSUMERS:
        try:
            info = await bus.jetstream.consumer_info(consumer.stream.name, consumer.name)
        except (NotFoundError, nats.errors.Error, TimeoutError):
            # A broker that came back empty has none of them until they are declared again.
            return False
        if info.num_pending or info.num_ack_pending:
            return False
    return True


async def _unsettled(ground: Ground) -> str:
    pending = {s: await ground.value(s, _PENDING) for s in SERVICE_NAMES}
    return f"not settled in time: unpublished {pending}"


async def _judge_money(ground: Ground, paid: list[str], verdict: Verdict) -> None:
    ledger = (await ground.fetch("finance", _LEDGER))[0]
    if ledger["total"] or ledger["wrong"]:
        verdict.lost.append(f"the ledger sums to {ledger['total']}, {ledger['wrong']} wrong")
    awards = {row["case_id"]: row["amount_fen"] for row in await ground.fetch("finance", _AWARDS)}
    for name, sql in (("reserved", _RESERVED), ("paid", _PAID)):
        rows = await ground.fetch("finance", sql)
        done = Counter(row["case_id"] for row in rows)
        amounts = {row["case_id"]: row["amount_fen"] for row in rows}
        verdict.double += [f"{name} {n} times: {case}" for case, n in done.items() if n > 1]
        missing = [case for case, fen in awards.items() if amounts.get(case) != fen]
        verdict.lost += [f"awarded, not {name}: {case}" for case in missing]
        verdict.double += [f"{name}, not awarded: {case}" for case in set(amounts) - set(awards)]
        verdict.lost += [f"acknowledged, not {name}: {c}" for c in paid if UUID(c) not in amounts]


async def _judge_files(ground: Ground, verdict: Verdict) -> None:
    """Every file on record lies in the storage, and is on record once for its case."""
    rows = await ground.fetch("policy", _FILES)
    kept = {path.name for path in (ground.folder / "files" / "policy" / "evidence").glob("??/*")}
    verdict.lost += [f"the file of case {r['case_id']}" for r in rows if r["sha256"] not in kept]
    counted = Counter((row["case_id"], row["sha256"]) for row in rows)
    verdict.double += [f"the file of case {case}" for (case, _), n in counted.items() if n > 1]


async def _judge_announcements(
    ground: Ground, service: str, taken: Taken, verdict: Verdict
) -> list[tuple[str, str, int]]:
    """Every outbox row is in the stream once, and nothing else is; give what is there."""
    if parked := await ground.fetch(service, _PARKED):
        verdict.lost.append(f"{service}: {len(parked)} events parked")
    if holes := await ground.value(service, _HOLES):
        verdict.lost.append(f"{service}: {holes} aggregates with holes")
    told = await messages(ground, service)
    count = Counter(id_ for id_, _, _ in told)
    written = {str(row["id"]) for row in await ground.fetch(service, _WRITTEN)}
    due = written - {str(id_) for id_ in taken.purged}
    verdict.lost += [f"{service}: never told {id_}" for id_ in due - set(count)]
    verdict.double += [f"{service}: told {n} times {id_}" for id_, n in count.items() if n > 1]
    verdict.double += [f"{service}: told, not written {id_}" for id_ in set(count) - written]
    return told


async def _judge_reactions(ground: Ground, taken: Taken, verdict: Verdict) -> None:
    """Every service has reacted to each event that concerns it, and to nothing else."""
    announced: dict[str, set[UUID]] = defaultdict(set)
    for service in SERVICE_NAMES:
        for row in await ground.fetch(service, _WRITTEN):
            announced[row["type"]].add(row["id"])
    for service in SERVICE_NAMES:
        due = {(r.name, id_) for r in REACTIONS[service] for id_ in announced[r.event.TYPE]}
        reacted = _pairs(await ground.fetch(service, _REACTED))
        # What is parked is told as such: it is lost already, once.
        excused = _pairs(await ground.fetch(service, _PARKED))
        excused |= {(n, id_) for s, n in taken.forgotten if s == service for id_ in taken.purged}
        verdict.lost += [f"{service}: {n} missed {id_}" for n, id_ in due - reacted - excused]
        verdict.double += [f"{service}: {n} took {id_}, not told" for n, id_ in reacted - due]


def _pairs(rows: list[asyncpg.Record]) -> set[tuple[str, UUID]]:
    """Give reactions and events; of a parked event all its reactions are named in one row."""
    return {(name, row["event_id"]) for row in rows for name in row["reaction"].split(", ")}


def _judge_order(service: str, told: list[tuple[str, str, int]], verdict: Verdict) -> None:
    last: dict[str, int] = {}
    for id_, aggregate, seq in told:
        if seq <= last.get(aggregate, 0):
            verdict.lost.append(f"{service}: out of order {aggregate} {seq} {id_}")
        last[aggregate] = seq


async def messages(ground: Ground, service: str) -> list[tuple[str, str, int]]:
    """Read a whole stream: id, aggregate and number of each message, in the stream's order."""
    stream = f"LX_{service.upper()}"
    found: list[tuple[str, str, int]] = []
    async with ground.bus() as bus:
        total = (await bus.jetstream.stream_info(stream)).state.messages
        reader = await bus.jetstream.pull_subscribe("", stream=stream)
        while len(found) < total:
            for message in await reader.fetch(min(BATCH, total - len(found)), timeout=10):
                document = orjson.loads(message.data)
                found.append((document["id"], document["lxaggregate"], int(document["lxseq"])))
                await message.ack()
        await reader.unsubscribe()
    return found


async def _judge_projections(ground: Ground, verdict: Verdict) -> None:
    """Compare what policy heard of firms and money with what enterprise and finance hold."""
    held = {r["uscc"]: (r["version"], r["name"]) for r in await ground.fetch("enterprise", _FIRMS)}
    heard = {r["uscc"]: (r["version"], r["name"]) for r in await ground.fetch("policy", _FIRMS)}
    verdict.lost += [f"firm not heard {u}" for u in held if heard.get(u) != held[u]]
    verdict.double += [f"firm heard, not held {u}" for u in set(heard) - set(held)]
    cases = {r["id"]: r for r in await ground.fetch("policy", _CASES)}
    for row in await ground.fetch("finance", "SELECT case_id, amount_fen, state FROM award"):
        case = cases.get(row["case_id"])
        if case is None or case["fen"] != row["amount_fen"]:
            verdict.lost.append(f"policy did not hear the award of {row['case_id']}")
        elif row["state"] == "paid" and case["state"] != "closed":
            verdict.lost.append(f"policy did not hear the payment of {row['case_id']}")


async def _judge_audit(ground: Ground, verdict: Verdict) -> None:
    settings = ground.settings
    for service in SERVICE_NAMES:
        url, folder = settings.service_url(service), settings.data / "checkpoints"
        report = await verify_chain(service, url, settings.audit_key, folder, lambda _: None)
        if not report.holds:
            verdict.lost.append(f"audit of {service}: {report.fault}")
