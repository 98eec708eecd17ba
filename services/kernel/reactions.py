"""Hearing: each event reaches each reaction once, whatever the broker delivers.

The inbox row and the effect share a transaction; the acknowledgement follows the commit. What keeps
failing is parked with its reason, so that it stops nobody else.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import nats.errors
import orjson
import structlog
from nats.aio.msg import Msg
from nats.js.client import JetStreamContext
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel import metrics
from services.kernel.audit import write_audit
from services.kernel.bus import DurableConsumer, Stream
from services.kernel.crash import crash_point
from services.kernel.database import raw_connection
from services.kernel.events import Event
from services.kernel.ids import new_id
from services.kernel.outbox import write_announcements
from services.kernel.problems import is_database_outage
from services.kernel.tables import ParkedEvent
from services.kernel.trace import enter_trace

log = structlog.get_logger()

BATCH_MESSAGES = 64
FETCH_TIMEOUT_S = 5.0
DELIVERIES_MAX = 5
# A message that was delivered this often without our word killed the process each time.
DELIVERIES_WITHOUT_WORD_MAX = 25
RETRY_DELAYS_S = (0.5, 2, 8, 30)

_INBOX = """
INSERT INTO inbox (reaction, event_id) SELECT * FROM unnest($1::text[], $2::uuid[])
ON CONFLICT DO NOTHING RETURNING reaction, event_id
"""

Handler = Callable[[AsyncSession, Any, datetime], Awaitable[None]]


@dataclass(frozen=True)
class Reaction:
    """When this event was announced elsewhere, do that here."""

    event: type[Event]
    handle: Handler

    @property
    def name(self) -> str:
        return self.handle.__name__


@dataclass(frozen=True)
class Heard:
    """A delivered event, parsed as far as it could be."""

    event_id: UUID
    type: str
    data: Any
    traceparent: str | None
    text: str


def parse(message_data: bytes) -> Heard:
    document = orjson.loads(message_data)
    return Heard(
        UUID(document["id"]),
        document["type"],
        document["data"],
        document.get("traceparent"),
        message_data.decode(),
    )


def consumers_for(listener: str, reactions: Sequence[Reaction]) -> list[DurableConsumer]:
    """Declare one durable consumer for each stream that the reactions hear."""
    subjects: dict[str, set[str]] = {}
    for reaction in reactions:
        subjects.setdefault(reaction.event.service(), set()).add(reaction.event.subjects())
    return [
        DurableConsumer(listener, Stream(s), tuple(sorted(subjects[s]))) for s in sorted(subjects)
    ]


class Reactor:
    """Pulls one consumer's messages and reacts to them in batches."""

    def __init__(
        self,
        service: str,
        consumer: DurableConsumer,
        reactions: Sequence[Reaction],
        sessions: Callable[[], AsyncSession],
        jetstream: Callable[[], JetStreamContext],
        business_now: Callable[[], datetime],
        after_commit: Callable[[set[str]], Awaitable[None]],
    ) -> None:
        self._service = service
        self._consumer = consumer
        self._by_type: dict[str, list[Reaction]] = {}
        for reaction in reactions:
            if reaction.event.service() == consumer.stream.service:
                self._by_type.setdefault(reaction.event.TYPE, []).append(reaction)
        self._sessions = sessions
        self._jetstream = jetstream
        self._now = business_now
        self._after_commit = after_commit

    async def run(self, stopping: asyncio.Event) -> None:
        """Fetch and react until told to stop; begin again after any fault of the broker."""
        while not stopping.is_set():
            try:
                subscription = await self._jetstream().pull_subscribe_bind(
                    self._consumer.name, self._consumer.stream.name
                )
                await self._pull(subscription, stopping)
            except NotFoundError:
                # A wiped broker: the caller declares the consumer again, then comes back.
                return
            except (nats.errors.Error, JetStreamError, OSError) as error:
                log.warning(
                    "consumer restarts", consumer=self._consumer.name, kind=type(error).__name__
                )
                await asyncio.sleep(0.5 + random.random())  # noqa: S311  jitter

    async def _pull(self, subscription: Any, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                messages = await _fetch(subscription, stopping)
            except (nats.errors.TimeoutError, TimeoutError):
                continue
            if messages:
                await self._react_to_batch(messages)

    async def _react_to_batch(self, messages: list[Msg]) -> None:
        try:
            heard = [parse(m.data) for m in messages]
            await self._react(heard)
        except Exception:  # noqa: BLE001  whichever message it was is found one by one
            for message in messages:
                await self._react_alone(message)
            return
        crash_point("reaction:committed")
        for message in messages:
            await message.ack()

    async def _react_alone(self, message: Msg) -> None:
        deliveries = message.metadata.num_delivered
        try:
            if deliveries > DELIVERIES_WITHOUT_WORD_MAX:
                raise PoisonousEvent(f"delivered {deliveries} times without an answer")
            await self._react([parse(message.data)])
        except Exception as error:  # noqa: BLE001  every kind of failure is retried, then parked
            await self._put_off_or_park(message, deliveries, error)
            return
        await message.ack()

    async def _react(self, batch: list[Heard]) -> None:
        """React to a batch in one transaction: inbox rows first, effects only where they are new."""
        pairs = [(r, h) for h in batch for r in self._by_type.get(h.type, ())]
        if not pairs:
            return
        async with self._sessions() as session, session.begin():
            fresh = await self._enter_inbox(session, pairs)
            done = {name for name, _ in fresh}
            for reaction, heard in pairs:
                if (reaction.name, heard.event_id) not in fresh:
                    continue
                fresh.discard((reaction.name, heard.event_id))
                enter_trace(heard.traceparent)
                await reaction.handle(
                    session, reaction.event.model_validate(heard.data), self._now()
                )
                await session.flush()
                metrics.REACTED.labels(self._service, reaction.name).inc()
            await write_announcements(session)
            await write_audit(session)
            crash_point("reaction:before-commit")
        await self._after_commit(done)

    async def _enter_inbox(
        self, session: AsyncSession, pairs: list[tuple[Reaction, Heard]]
    ) -> set[tuple[str, UUID]]:
        keys = sorted({(r.name, h.event_id) for r, h in pairs})
        async with raw_connection(session) as connection:
            rows = await connection.fetch(_INBOX, [k[0] for k in keys], [k[1] for k in keys])
        return {(row["reaction"], row["event_id"]) for row in rows}

    async def _put_off_or_park(self, message: Msg, deliveries: int, error: Exception) -> None:
        names = ", ".join(r.name for r in self._by_type.get(_type_of(message), ())) or "unknown"
        outage = is_database_outage(error)
        if deliveries < DELIVERIES_MAX or outage:
            delay = RETRY_DELAYS_S[min(deliveries, len(RETRY_DELAYS_S)) - 1]
            log.warning(
                "reaction put off", reaction=names, kind=type(error).__name__, deliveries=deliveries
            )
            await message.nak(delay=delay)
            return
        metrics.REACTION_FAILURES.labels(self._service, names).inc()
        await self._park(message, names, error, deliveries)

    async def _park(self, message: Msg, reaction: str, error: Exception, deliveries: int) -> None:
        text = message.data.decode("utf-8", "replace").replace("\x00", "")
        async with self._sessions() as session, session.begin():
            session.add(
                ParkedEvent(
                    id=new_id(),
                    reaction=reaction,
                    event_id=_id_of(message),
                    type=_type_of(message),
                    envelope=text,
                    reason=f"{type(error).__name__}: {error}"[:500],
                    deliveries=deliveries,
                    parked_at=self._now(),
                )
            )
        metrics.PARKED.labels(self._service).inc()
        log.error("event parked", reaction=reaction, kind=type(error).__name__)
        await message.ack()


class PoisonousEvent(Exception):
    """An event that ended the process each time it was delivered."""


async def _fetch(subscription: Any, stopping: asyncio.Event) -> list[Msg]:
    """Fetch what there is, or stop waiting as soon as the worker stops."""
    fetching = asyncio.ensure_future(
        subscription.fetch(BATCH_MESSAGES, timeout=FETCH_TIMEOUT_S, heartbeat=1.0)
    )
    stopped = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({fetching, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not fetching.done():
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)
        return []
    return fetching.result()


def _type_of(message: Msg) -> str:
    try:
        return str(orjson.loads(message.data)["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unreadable"


def _id_of(message: Msg) -> UUID:
    try:
        return UUID(orjson.loads(message.data)["id"])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return new_id()
