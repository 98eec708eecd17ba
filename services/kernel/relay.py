"""The relay: from outbox to broker, in each aggregate's order, marked after the broker's word."""

import asyncio
import contextlib
import random
from collections import defaultdict
from typing import Any

import asyncpg
import nats.errors
import orjson
import structlog
from nats.js.errors import Error as JetStreamError

from services.kernel import metrics
from services.kernel.bus import REASON_CHARS_MAX, Bus, Message, PublishRefused, Stream
from services.kernel.crash import crash_point
from services.kernel.database_urls import plain_url
from services.kernel.events import SHARDS, envelope
from services.kernel.outbox import CHANNEL, Row, Written

log = structlog.get_logger()

BATCH_ROWS = 512
PENDING_COUNTED_MAX = 100_000
POLL_S = 1.0
MARK_PAUSE_S = 0.005
BACKOFF_S_MAX = 60
# Below, the broker's fixed cost of a batch exceeds that of a flush for each; above, it refuses.
TOGETHER_ROWS_MIN = 24
TOGETHER_ROWS_MAX = 1_000
_FAULTS_OF_A_ROW = (
    PublishRefused,
    nats.errors.NoRespondersError,
    nats.errors.MaxPayloadError,
    orjson.JSONDecodeError,
)
_FAULTS = (nats.errors.Error, JetStreamError, OSError, orjson.JSONDecodeError)
LOCK_CLASS = 0x4C58  # "LX": the advisory-lock space of relays
AGGREGATES_KNOWN_MAX = 50_000
_NOTIFY = f"SELECT pg_notify('{CHANNEL}', current_schema())"

# An aggregate whose earlier row failed and waits is passed over; the others go on.
_PENDING = """
SELECT id, aggregate, seq, type, subject, payload, traceparent, occurred_at, attempts,
       next_attempt_at::text AS due
FROM outbox
WHERE published_at IS NULL AND shard = ANY($1::bigint[]) AND aggregate NOT IN (
    SELECT aggregate FROM outbox
    WHERE published_at IS NULL AND attempts > 0 AND next_attempt_at > clock_timestamp()
)
ORDER BY id LIMIT $2
"""
# A full batch may have cut an aggregate between two rows; what precedes is taken along.
_EARLIER = """
SELECT o.id, o.aggregate, o.seq, o.type, o.subject, o.payload, o.traceparent, o.occurred_at,
       o.attempts, o.next_attempt_at::text AS due
FROM outbox o JOIN unnest($1::text[], $2::bigint[]) AS first(aggregate, seq)
     ON o.aggregate = first.aggregate AND o.seq < first.seq
WHERE o.published_at IS NULL
"""
_COUNT = (
    "SELECT count(*) FROM (SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT $1) AS pending"
)
# What an operator wants sent again since it was read went, perhaps, to a broker that is lost.
_MARK = """
UPDATE outbox o SET published_at = clock_timestamp()
FROM unnest($1::uuid[], $2::text[]) AS sent (id, due)
WHERE o.id = sent.id AND o.next_attempt_at::text = sent.due
"""
_FAIL = """
UPDATE outbox o SET attempts = attempts + 1, last_error = refused.reason,
       next_attempt_at = clock_timestamp() + make_interval(secs => refused.delay_s)
FROM unnest($1::uuid[], $2::text[], $3::float8[]) AS refused (id, reason, delay_s)
WHERE o.id = refused.id
"""


class Relay:
    """Owns the shards it could lock on its own connection, and publishes their rows."""

    def __init__(self, service: str, database_url: str, bus: Bus) -> None:
        self._service = service
        self._url = plain_url(database_url)
        self._bus = bus
        self._stream = Stream(service)
        self._hint = asyncio.Event()
        self._shards: list[int] = []
        self._handed: list[Row] = []
        # The number after the last one that was published here of an aggregate.
        self._next: dict[str, int] = {}
        self._is_to_look = True
        self._is_to_tell = False
        self._looked_at = 0.0

    def poke(self) -> None:
        """Say that there may be rows; the slow poll finds them in any case."""
        self._is_to_look = True
        self._hint.set()

    def hand(self, written: Written) -> None:
        """Take what was just committed in this process, so that it need not be read again."""
        if not written.count:
            return
        owns_all = len(self._shards) == SHARDS
        # Of many rows the shards are not known here.
        is_foreign = not written.rows or any(r["shard"] not in self._shards for r in written.rows)
        self._is_to_tell |= is_foreign and not owns_all
        self._handed += written.rows
        if not written.rows or len(self._handed) > BATCH_ROWS:
            self._look_instead()
        self._hint.set()

    def _heard(self, _connection: Any, _pid: int, _channel: str, schema: object) -> None:
        # All services of a database share the channel.
        if schema == self._service:
            self.poke()

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until told to stop; reconnect after any fault of the database."""
        while not stopping.is_set():
            try:
                connection = await asyncpg.connect(
                    self._url,
                    timeout=3,
                    server_settings={
                        "application_name": f"liangxin relay {self._service}",
                        # A mark that a crash of the server takes along means one more publishing,
                        # which the broker recognises; to flush each would hold up the reactions.
                        "synchronous_commit": "off",
                    },
                )
            except Exception as error:  # noqa: BLE001  whatever it is, it is tried again
                log.warning("relay waits", service=self._service, kind=type(error).__name__)
                await _pause(stopping, 1.0)
                continue
            try:
                await connection.add_listener(CHANNEL, self._heard)
                await self._serve(connection, stopping)
            except Exception as error:  # noqa: BLE001  the driver has errors of no common kind
                log.warning(
                    "relay lost its database", service=self._service, kind=type(error).__name__
                )
                await _pause(stopping, 0.5)
            finally:
                # Others may own the shards from now on, and publish what is known here.
                self._shards, self._next = [], {}
                self._look_instead()
                await _close(connection)

    async def _serve(self, connection: Any, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._hint.clear()
            await self._own_shards(connection)
            if self._is_to_tell:
                self._is_to_tell = False
                await connection.execute(_NOTIFY)
            is_more = False
            if self._shards and self._bus.is_connected:
                is_more = await self._publish_due(connection)
            else:
                self._look_instead()
                if self._shards:
                    await self._measure(connection)
            if not is_more:
                await self._wait_for_hint(stopping)

    async def _own_shards(self, connection: Any) -> None:
        if len(self._shards) == SHARDS:
            return
        rows = await connection.fetch(
            "SELECT s FROM generate_series(0, $1 - 1) s WHERE NOT s = ANY($2::int[])"
            " AND pg_try_advisory_lock($3, hashtext(current_schema()) # s)",
            SHARDS,
            self._shards,
            LOCK_CLASS,
        )
        self._shards += [row["s"] for row in rows]

    async def _publish_due(self, connection: Any) -> bool:
        """Publish what was handed over, or what a look finds; say whether more may be due."""
        now = asyncio.get_running_loop().time()
        if self._is_to_look or now >= self._looked_at + POLL_S:
            # What was handed over is committed, so a look finds it, too.
            self._handed, self._is_to_look, self._looked_at = [], False, now
            rows = await self._read(connection)
        else:
            rows = self._take_handed()
        published = await self._publish_and_mark(connection, rows) if rows else 0
        self._is_to_look |= published >= BATCH_ROWS
        return self._is_to_look

    async def _read(self, connection: Any) -> list[Row]:
        rows = await connection.fetch(_PENDING, self._shards, BATCH_ROWS)
        if len(rows) < BATCH_ROWS:
            metrics.OUTBOX_PENDING.labels(self._service).set(len(rows))
            return rows
        await self._measure(connection)
        first: dict[str, int] = {}
        for row in rows:
            first[row["aggregate"]] = min(row["seq"], first.get(row["aggregate"], row["seq"]))
        return rows + await connection.fetch(_EARLIER, list(first), list(first.values()))

    def _take_handed(self) -> list[Row]:
        """Take what was handed over as far as it is known to be next in its aggregate."""
        handed, self._handed = self._handed, []
        taken: dict[str, list[Row]] = {}
        for row in handed:
            chain = taken.get(row["aggregate"])
            following = chain[-1]["seq"] + 1 if chain else self._next.get(row["aggregate"], 1)
            if row["shard"] not in self._shards:
                continue
            if row["seq"] == following:
                taken.setdefault(row["aggregate"], []).append(row)
            elif row["seq"] > following:
                self._is_to_look = True
        return [row for chain in taken.values() for row in chain]

    def _look_instead(self) -> None:
        """Forget what was handed over: a look at the outbox finds it."""
        self._handed, self._is_to_look = [], True

    async def _publish_and_mark(self, connection: Any, rows: list[Row]) -> int:
        done, failed = await self._publish(rows)
        crash_point("relay:published")
        self._learn(done)
        if len(rows) < BATCH_ROWS:
            await self._let_listeners_go_first()
        if done:
            await connection.execute(
                _MARK, [row["id"] for row in done], [row["due"] for row in done]
            )
            crash_point("relay:marked")
            metrics.PUBLISHED.labels(self._service).inc(len(done))
        if failed:
            metrics.PUBLISH_FAILURES.labels(self._service).inc(len(failed))
            refused = [(row["id"], reason, _delay_s(row["attempts"])) for row, reason in failed]
            await connection.execute(_FAIL, *map(list, zip(*refused, strict=True)))
        return len(done)

    def _learn(self, published: list[Row]) -> None:
        """Note which number follows in each aggregate; what is forgotten is looked up."""
        if len(self._next) > AGGREGATES_KNOWN_MAX:
            self._next.clear()
        for row in published:
            following = self._next.get(row["aggregate"], 1)
            self._next[row["aggregate"]] = max(following, row["seq"] + 1)

    async def _measure(self, connection: Any) -> None:
        pending = await connection.fetchval(_COUNT, PENDING_COUNTED_MAX)
        metrics.OUTBOX_PENDING.labels(self._service).set(pending)

    async def _publish(self, rows: list[Row]) -> tuple[list[Row], list[tuple[Row, str]]]:
        """Publish rows, each aggregate's in its order; give the stored ones and the others."""
        chains: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row["seq"]):
            chains[row["aggregate"]].append(row)
        if TOGETHER_ROWS_MIN <= len(rows) <= TOGETHER_ROWS_MAX:
            in_order = [row for chain in chains.values() for row in chain]
            try:
                await self._bus.publish_together(list(map(_message, in_order)), self._stream)
            except _FAULTS_OF_A_ROW as error:
                # Which one stops the others is found one by one.
                log.info("batch refused", service=self._service, reason=_reason(error))
            except _FAULTS as error:
                return [], [(chain[0], _reason(error)) for chain in chains.values()]
            else:
                return in_order, []
        done: list[Row] = []
        failed: list[tuple[Row, str]] = []
        await asyncio.gather(
            *(self._publish_chain(chain, done, failed) for chain in chains.values())
        )
        return done, failed

    async def _publish_chain(
        self, chain: list[Row], done: list[Row], failed: list[tuple[Row, str]]
    ) -> None:
        """Publish one aggregate's rows one after the other; the first failure ends the chain."""
        for row in chain:
            try:
                await self._bus.publish(_message(row), self._stream)
            except _FAULTS as error:
                failed.append((row, _reason(error)))
                return
            done.append(row)

    async def _let_listeners_go_first(self) -> None:
        """Put the mark off while they react, unless there is more to publish."""
        await self._hinted(MARK_PAUSE_S)

    async def _wait_for_hint(self, stopping: asyncio.Event) -> None:
        if not stopping.is_set():
            await self._hinted(POLL_S)

    async def _hinted(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hint.wait()


def _message(row: Row) -> Message:
    data = envelope(
        id_=row["id"],
        type_=row["type"],
        aggregate=row["aggregate"],
        seq=row["seq"],
        occurred_at=row["occurred_at"],
        payload=row["payload"],
        traceparent=row["traceparent"],
    )
    return Message(row["id"], row["subject"], data, row["traceparent"])


def _delay_s(attempts: int) -> float:
    return random.uniform(0, min(BACKOFF_S_MAX, 0.2 * 2**attempts))  # noqa: S311  jitter


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:REASON_CHARS_MAX]


async def _close(connection: Any) -> None:
    try:
        await connection.close(timeout=1)
    except Exception:  # noqa: BLE001  a connection that cannot be closed is dropped
        connection.terminate()


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
