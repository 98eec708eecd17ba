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
from services.kernel.outbox import CHANNEL

log = structlog.get_logger()

BATCH_ROWS = 512
PENDING_COUNTED_MAX = 100_000
POLL_S = 1.0
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

    def poke(self) -> None:
        """Say that there may be rows; the slow poll finds them in any case."""
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
                self._shards = []
                await _close(connection)

    async def _serve(self, connection: Any, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            self._hint.clear()
            await self._own_shards(connection)
            published = 0
            if self._shards and self._bus.is_connected:
                published = await self._publish_batch(connection)
            elif self._shards:
                await self._measure(connection)
            if published < BATCH_ROWS:
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

    async def _publish_batch(self, connection: Any) -> int:
        rows = await connection.fetch(_PENDING, self._shards, BATCH_ROWS)
        if len(rows) < BATCH_ROWS:
            metrics.OUTBOX_PENDING.labels(self._service).set(len(rows))
        else:
            await self._measure(connection)
            first: dict[str, int] = {}
            for row in rows:
                first[row["aggregate"]] = min(row["seq"], first.get(row["aggregate"], row["seq"]))
            rows += await connection.fetch(_EARLIER, list(first), list(first.values()))
        if not rows:
            return 0
        done, failed = await self._publish(rows)
        crash_point("relay:published")
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

    async def _measure(self, connection: Any) -> None:
        pending = await connection.fetchval(_COUNT, PENDING_COUNTED_MAX)
        metrics.OUTBOX_PENDING.labels(self._service).set(pending)

    async def _publish(self, rows: list[Any]) -> tuple[list[Any], list[tuple[Any, str]]]:
        """Publish rows, each aggregate's in its order; give the stored ones and the others."""
        chains: dict[str, list[Any]] = defaultdict(list)
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
        done: list[Any] = []
        failed: list[tuple[Any, str]] = []
        await asyncio.gather(
            *(self._publish_chain(chain, done, failed) for chain in chains.values())
        )
        return done, failed

    async def _publish_chain(
        self, chain: list[Any], done: list[Any], failed: list[tuple[Any, str]]
    ) -> None:
        """Publish one aggregate's rows one after the other; the first failure ends the chain."""
        for row in chain:
            try:
                await self._bus.publish(_message(row), self._stream)
            except _FAULTS as error:
                failed.append((row, _reason(error)))
                return
            done.append(row)

    async def _wait_for_hint(self, stopping: asyncio.Event) -> None:
        if stopping.is_set():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._hint.wait()


def _message(row: Any) -> Message:
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
