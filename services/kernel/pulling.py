"""Pulling: one standing request to the broker, so that a message is here as soon as it is sent.

The client's own fetch asks twice, makes a task for each message, and waits to be told that there
are no more: a third of the time from commit to reaction.
"""

import asyncio
import contextlib
from typing import Any, Self

import nats.errors
import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.client import JetStreamContext

from services.kernel.bus import DurableConsumer

BATCH_MESSAGES = 64
STANDS_S = 5.0
# The broker says when a request has ended; if it does not by then, the request is lost.
LATE_S = 0.5
ENDED = "408"
NANOSECONDS = 1_000_000_000


_WAKE = Msg(_client=Client())


class PullRefused(nats.errors.Error):
    """The broker ends a request otherwise than by its time: the consumer may be gone."""


class Pull:
    """A consumer's messages, a batch at a time; what is not taken is given back at the end.

    The client's queue and its address are reached into: the public ways make a task for each.
    """

    def __init__(self, jetstream: JetStreamContext, consumer: DurableConsumer) -> None:
        self._jetstream = jetstream
        self._consumer = consumer
        self._outstanding = 0
        self._stands_until = 0.0
        self._refused: str | None = None

    async def __aenter__(self) -> Self:
        self._subscription: Any = await self._jetstream.pull_subscribe_bind(
            self._consumer.name, self._consumer.stream.name
        )
        self._arrived: asyncio.Queue[Msg] = self._subscription._sub._pending_queue  # noqa: SLF001
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(nats.errors.Error):
            # Another instance takes at once what arrived when nobody asked any more.
            for message in self._taken():
                await message.nak()
        with contextlib.suppress(nats.errors.Error):
            await self._subscription.unsubscribe()

    async def take(self) -> list[Msg]:
        """Give what has arrived, waiting for the first; nothing where none came in time."""
        if taken := self._taken():
            return taken
        now = asyncio.get_running_loop().time()
        if self._outstanding <= 0 or now >= self._stands_until:
            await self._request(now)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._stands_until):
                first = await self._arrived.get()
                return self._taken(first)
        self._outstanding = 0
        return []

    def wake(self) -> None:
        """Let nobody wait any longer: what arrives from now on is given back."""
        self._arrived.put_nowait(_WAKE)

    def _taken(self, *first: Msg) -> list[Msg]:
        """Take what has arrived; what the broker says of a request ends it."""
        arrived = list(first)
        while not self._arrived.empty():
            arrived.append(self._arrived.get_nowait())
        self._subscription._sub._pending_size -= sum(len(each.data) for each in arrived)  # noqa: SLF001
        messages: list[Msg] = []
        for each in arrived:
            status = JetStreamContext.is_status_msg(each)
            if status is None and each is not _WAKE:
                messages.append(each)
            elif status == ENDED:
                self._outstanding = 0
            elif status is not None:
                self._refused = status
        self._outstanding -= len(messages)
        return messages

    async def _request(self, now: float) -> None:
        if self._refused is not None:
            raise PullRefused(f"status {self._refused}")
        request = {"batch": BATCH_MESSAGES, "expires": int(STANDS_S * NANOSECONDS)}
        self._outstanding, self._stands_until = BATCH_MESSAGES, now + STANDS_S + LATE_S
        pull = self._subscription
        await pull._nc.publish(pull._nms, orjson.dumps(request), pull._deliver)  # noqa: SLF001
