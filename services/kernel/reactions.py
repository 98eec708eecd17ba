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

import orjson
import structlog
from nats.aio.msg import Msg
from nats.js.client import JetStreamContext
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel import metrics
from services.kernel.audit import write_audit
from services.kernel.bus import DurableConsumer, Stream
from services.kernel.clock import system_now
from services.kernel.crash import crash_point
from services.kernel.database import flush_changes, raw_connection
from services.kernel.database_faults import is_database_away, is_database_outage
from services.kernel.events import Event
from services.kernel.ids import new_id
from services.kernel.outbox import Written, write_announcements
from services.kernel.pulling import Pull
from services.kernel.tables import ParkedEvent
from services.kernel.trace import enter_trace

log = structlog.get_logger()

DELIVERIES_MAX = 5
# A message that was delivered this often without our word killed the process each time.
DELIVERIES_WITHOUT_WORD_MAX = 25
RETRY_DELAYS_S = (0.5, 2, 8, 30)
SILENCES_BETWEEN_LOOKS = 6

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
        UUID(str(document["id"])),
        str(document["type"]),
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
        *,
        sessions: Callable[[], AsyncSession],
        jetstream: Callable[[], JetStreamContext],
        business_now: Callable[[], datetime],
        after_commit: Callable[[set[str], Written], Awaitable[None]],
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
                async with Pull(self._jetstream(), self._consumer) as pull:
                    await self._pull(pull, stopping)
            except Exception as error:  # noqa: BLE001  the ear outlives any fault of the broker's
                # Perhaps a wiped broker: the caller declares the consumer again, then comes back.
                log.warning(
                    "consumer restarts", consumer=self._consumer.name, kind=type(error).__name__
                )
                await _wait(stopping, 0.2 + random.random())  # noqa: S311  jitter
                return

    async def _pull(self, pull: Pull, stopping: asyncio.Event) -> None:
        silent = 0
        stopped = asyncio.create_task(stopping.wait())
        stopped.add_done_callback(lambda _: pull.wake())
        try:
            while not stopping.is_set():
                messages = await pull.take()
                if messages:
                    silent = 0
                    await self._react_to_batch(messages, stopping)
                    continue
                silent += 1
                if silent % SILENCES_BETWEEN_LOOKS == 0:
                    # A consumer that no longer exists answers nothing, for ever.
                    await self._jetstream().consumer_info(
                        self._consumer.stream.name, self._consumer.name
                    )
        finally:
            stopped.cancel()

    async def _react_to_batch(self, messages: list[Msg], stopping: asyncio.Event) -> None:
        try:
            heard = [parse(m.data) for m in messages]
            await self._react(heard)
        except Exception as error:  # noqa: BLE001  whichever message it was is found one by one
            if is_database_away(error):
                await self._await_database(messages, stopping)
                return
            for message in messages:
                await self._react_alone(message)
            return
        crash_point("reaction:committed")
        for message in messages:
            await message.ack()

    async def _await_database(self, messages: list[Msg], stopping: asyncio.Event) -> None:
        """Give the batch back and wait: an outage uses up nobody's deliveries."""
        log.warning("reactions wait for the database", consumer=self._consumer.name)
        for message in messages:
            await message.nak(delay=RETRY_DELAYS_S[0])
        while not await _wait(stopping, RETRY_DELAYS_S[0]):
            try:
                async with self._sessions() as session:
                    await session.execute(select(1))
            except Exception as error:  # noqa: BLE001  whatever it is, the database does not serve
                log.debug("no database yet", kind=type(error).__name__)
            else:
                return

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
        """React to a batch in one transaction: inbox rows first, effects where they are new."""
        pairs = [(r, h) for h in batch for r in self._by_type.get(h.type, ())]
        if not pairs:
            return
        async with self._sessions() as session:
            fresh = await enter_inbox(session, {(r.name, h.event_id) for r, h in pairs})
            for reaction, heard in pairs:
                if (reaction.name, heard.event_id) not in fresh:
                    continue
                fresh.discard((reaction.name, heard.event_id))
                enter_trace(heard.traceparent)
                await reaction.handle(
                    session, reaction.event.model_validate(heard.data), self._now()
                )
                await flush_changes(session)
                metrics.REACTED.labels(self._service, reaction.name).inc()
            written = await write_announcements(session)
            await write_audit(session)
            crash_point("reaction:before-commit")
            await session.commit()
        # Of repeats, too: what should have followed the first commit may not have.
        await self._after_commit({reaction.name for reaction, _ in pairs}, written)

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
        try:
            await self._park(message, names, error, deliveries)
        except Exception as fault:  # noqa: BLE001  it stays with the broker until it can be parked
            log.error("event not parked", reaction=names, kind=type(fault).__name__)
            await message.nak(delay=RETRY_DELAYS_S[-1])
            return
        metrics.PARKED.labels(self._service).inc()
        log.error("event parked", reaction=names, kind=type(error).__name__)
        await message.ack()

    async def _park(self, message: Msg, reaction: str, error: Exception, deliveries: int) -> None:
        words = {
            "envelope": message.data.decode("utf-8", "replace"),
            "reason": f"{type(error).__name__}: {error}"[:500],
            "type": _type_of(message),
        }
        row: dict[str, Any] = {name: word.replace("\x00", "") for name, word in words.items()}
        row |= {"deliveries": deliveries, "parked_at": self._now(), "retried_at": None}
        statement = insert(ParkedEvent).values(
            id=new_id(), reaction=reaction, event_id=_id_of(message), **row
        )
        async with self._sessions() as session, session.begin():
            # Sent again after it was parked, it is parked anew.
            await session.execute(
                statement.on_conflict_do_update(index_elements=["reaction", "event_id"], set_=row)
            )


async def enter_inbox(session: AsyncSession, pairs: set[tuple[str, UUID]]) -> set[tuple[str, UUID]]:
    """Enter reactions to events; give those that were not there yet."""
    keys = sorted(pairs)
    connection = await raw_connection(session)
    rows = await connection.fetch(_INBOX, [k[0] for k in keys], [k[1] for k in keys])
    return {(row["reaction"], row["event_id"]) for row in rows}


async def retry_parked(
    session: AsyncSession, row: ParkedEvent, reactions: Sequence[Reaction], *, now: datetime
) -> None:
    """React to a parked event after all; a later delivery of the same event finds it done."""
    if not reactions:
        raise PoisonousEvent("this service does not react to such an event")
    heard = parse(row.envelope.encode())
    fresh = await enter_inbox(session, {(r.name, heard.event_id) for r in reactions})
    for reaction in reactions:
        if (reaction.name, heard.event_id) in fresh:
            await reaction.handle(session, reaction.event.model_validate(heard.data), now)
            await session.flush()
    row.retried_at = system_now()


class PoisonousEvent(Exception):
    """An event that ended the process each time it was delivered, or that nobody here reacts to."""


async def _wait(stopping: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _type_of(message: Msg) -> str:
    try:
        return str(orjson.loads(message.data)["type"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "unreadable"


def _id_of(message: Msg) -> UUID:
    try:
        return parse(message.data).event_id
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return new_id()
