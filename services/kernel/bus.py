"""The broker as used here: streams and consumers as data, a connection that never gives up."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import nats.errors
import orjson
import structlog
from nats.aio.client import NO_RESPONDERS_STATUS, Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    Header,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import NotFoundError

log = structlog.get_logger()

DEDUP_WINDOW_S = 24 * 3600
KEEP_S = 30 * 24 * 3600
# What a killed process held comes again after this; what merely takes longer finds its inbox row.
ACK_WAIT_S = 10
ACKS_PENDING_MAX = 2_000
RECONNECT_WAIT_S = 0.5
HEADERS_BYTES_MAX = 1024
ACK_TIMEOUT_S = 10
REASON_CHARS_MAX = 300
CONNECT_WAIT_S = 5
_BATCH_ID = "Nats-Batch-Id"
_BATCH_SEQUENCE = "Nats-Batch-Sequence"
_BATCH_COMMIT = "Nats-Batch-Commit"


@dataclass(frozen=True)
class Stream:
    """The events of one service."""

    service: str
    replicas: int = 1

    @property
    def name(self) -> str:
        return f"LX_{self.service.upper()}"

    def config(self) -> StreamConfig:
        # discard=new refuses instead of dropping what nobody has read; the outbox keeps the rest.
        return StreamConfig(
            name=self.name,
            subjects=[f"lx.{self.service}.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.NEW,
            max_age=KEEP_S,
            duplicate_window=DEDUP_WINDOW_S,
            num_replicas=self.replicas,
            allow_atomic=True,
        )


@dataclass(frozen=True)
class DurableConsumer:
    """One service's ear on another service's stream."""

    listener: str
    stream: Stream
    subjects: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.listener}_hears_{self.stream.service}"

    def config(self) -> ConsumerConfig:
        # Deliveries are counted by our own loop, which parks what keeps failing.
        return ConsumerConfig(
            durable_name=self.name,
            filter_subjects=list(self.subjects),
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=ACK_WAIT_S,
            max_deliver=-1,
            max_ack_pending=ACKS_PENDING_MAX,
        )


@dataclass(frozen=True)
class Message:
    """What is published once under its id."""

    id: UUID
    subject: str
    data: bytes
    traceparent: str | None = None

    def headers(self, stream: Stream) -> dict[str, str]:
        headers: dict[str, str] = {
            Header.MSG_ID: str(self.id),
            Header.EXPECTED_STREAM: stream.name,
        }
        return headers | {"traceparent": self.traceparent} if self.traceparent else headers


class PublishRefused(nats.errors.Error):
    """The broker does not store this message, and says why."""


class Bus:
    """One connection of a process to the broker."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._stopping = False
        self._replies = _Replies()

    @property
    def jetstream(self) -> JetStreamContext:
        assert self._jetstream is not None, "the bus is not connected yet"
        return self._jetstream

    @property
    def is_connected(self) -> bool:
        return self._client is not None and self._client.is_connected

    async def connect(self) -> None:
        """Connect, or keep trying: a broker that is down delays events and breaks nothing."""

        async def on_error(error: Exception) -> None:
            log.warning("broker error", kind=type(error).__name__)

        async def on_closed() -> None:
            if not self._stopping:
                # A closed client never comes back; a supervisor restarts the process.
                log.error("broker connection closed for good")
                os._exit(1)

        async def on_disconnected() -> None:
            self._replies.forget()

        self._client = Client()
        self._connecting = asyncio.create_task(
            self._client.connect(
                self._url,
                name=self._name,
                max_reconnect_attempts=-1,
                reconnect_time_wait=RECONNECT_WAIT_S,  # pyright: ignore[reportArgumentType]  seconds
                error_cb=on_error,
                closed_cb=on_closed,
                disconnected_cb=on_disconnected,
                allow_reconnect=True,
            )
        )
        self._jetstream = self._client.jetstream(timeout=5)
        done, _ = await asyncio.wait({self._connecting}, timeout=CONNECT_WAIT_S)
        if done:
            self._connecting.result()
        else:
            log.warning("broker not reached yet; events wait in the outbox")

    async def close(self) -> None:
        self._stopping = True
        if self._connecting is not None:
            self._connecting.cancel()
        if self._client is not None:
            try:
                await asyncio.wait_for(self._client.close(), 3)
            except (TimeoutError, nats.errors.Error):
                log.warning("broker connection did not close in time")

    async def publish(self, message: Message, stream: Stream) -> None:
        """Have the broker store a message once under its id, or raise what it says instead.

        By request and reply: the client's asynchronous publish drops the broker's refusals, which
        then look like silence, and keeps the place of what it failed to send for ever.
        """
        client = self._connected()
        _check_size(client, message)
        headers = message.headers(stream)
        answer = await self._replies.ask(client, message.subject, message.data, headers)
        if "error" in answer or answer.get("stream") != stream.name:
            raise PublishRefused(_reason(answer))

    async def publish_together(self, messages: Sequence[Message], stream: Stream) -> None:
        """Have the broker store all of these, in this order and once each, or none of them.

        One word and one flush for all. It refuses all where it has one of them already.
        """
        client = self._connected()
        for message in messages:
            _check_size(client, message)
        batch = {_BATCH_ID: uuid4().hex}
        for number, message in enumerate(messages[:-1], 1):
            headers = message.headers(stream) | batch | {_BATCH_SEQUENCE: str(number)}
            await client.publish(message.subject, message.data, headers=headers)
        last = messages[-1]
        headers = last.headers(stream) | batch | {_BATCH_SEQUENCE: str(len(messages))}
        headers |= {_BATCH_COMMIT: "1"}
        answer = await self._replies.ask(client, last.subject, last.data, headers)
        stored = (answer.get("stream"), answer.get("count"))
        if "error" in answer or stored != (stream.name, len(messages)):
            raise PublishRefused(_reason(answer))

    def _connected(self) -> Client:
        if self._client is None or not self._client.is_connected:
            raise nats.errors.ConnectionReconnectingError
        return self._client

    async def declare(self, stream: Stream) -> None:
        """Make the stream as declared."""
        if await self.has(stream):
            await self.jetstream.update_stream(stream.config())
        else:
            await self.jetstream.add_stream(stream.config())

    async def has(self, stream: Stream) -> bool:
        """Tell whether the broker has the stream; one that lost its disk has not."""
        try:
            await self.jetstream.stream_info(stream.name)
        except NotFoundError:
            return False
        return True

    async def declare_consumer(self, consumer: DurableConsumer) -> None:
        await self.jetstream.add_consumer(consumer.stream.name, consumer.config())


def _check_size(client: Client, message: Message) -> None:
    if len(message.data) > client.max_payload - HEADERS_BYTES_MAX:
        raise nats.errors.MaxPayloadError


def _reason(answer: dict[str, Any]) -> str:
    return str(answer.get("error", answer))[:REASON_CHARS_MAX]


class _Replies:
    """One subscription for all replies, told apart by a number: half of what a request costs."""

    def __init__(self) -> None:
        self._inbox = ""
        self._last = 0
        self._awaited: dict[str, asyncio.Future[Msg]] = {}
        self._opening = asyncio.Lock()

    async def ask(
        self, client: Client, subject: str, data: bytes, headers: dict[str, str]
    ) -> dict[str, Any]:
        """Publish, and wait for the reply that names this message's number."""
        if not self._inbox:
            await self._open(client)
        self._last += 1
        reply = f"{self._inbox}{self._last}"
        future = self._awaited[reply] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ACK_TIMEOUT_S):
                await client.publish(subject, data, reply=reply, headers=headers)
                message = await future
        finally:
            del self._awaited[reply]
        if message.headers and message.headers.get(Header.STATUS) == NO_RESPONDERS_STATUS:
            raise nats.errors.NoRespondersError
        return orjson.loads(message.data)

    def forget(self) -> None:
        """Fail what waits: a connection that is lost brings no reply any more."""
        for future in self._awaited.values():
            if not future.done():
                future.set_exception(nats.errors.ConnectionReconnectingError())

    async def _open(self, client: Client) -> None:
        async with self._opening:
            if not self._inbox:
                inbox = f"{client.new_inbox()}."
                await client.subscribe(f"{inbox}*", cb=self._take)
                self._inbox = inbox

    async def _take(self, message: Msg) -> None:
        future = self._awaited.get(message.subject)
        if future is not None and not future.done():
            future.set_result(message)
