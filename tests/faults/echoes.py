"""Deliveries beside the rule: what a broker sends again when it no longer knows that it did."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg

from services.kernel.ids import new_id
from tests.faults.ground import Ground

MARK = "Echo"
BATCH = 256


class Echo:
    """Stores messages again under other ids, which no deduplication window recognises."""

    def __init__(self, client: Client, copies: int) -> None:
        self._client = client
        self._jetstream = client.jetstream()
        self._copies = copies
        self._stored: list[tuple[str, int]] = []

    @property
    def count(self) -> int:
        return len(self._stored)

    async def listen(self) -> None:
        """Echo from now on whatever is published, the moment it is."""
        await self._client.subscribe("lx.>", cb=self._repeat)

    async def again(self, service: str) -> None:
        """Send all that a stream holds once more, as hours later."""
        stream = f"LX_{service.upper()}"
        total = (await self._jetstream.stream_info(stream)).state.messages
        reader = await self._jetstream.pull_subscribe("", stream=stream)
        read = 0
        while read < total:
            for message in await reader.fetch(min(BATCH, total - read), timeout=10):
                read += 1
                await message.ack()
                await self._repeat(message)
        await reader.unsubscribe()

    async def forget(self) -> None:
        """Take the echoes out of the streams again, so that these tell what the outboxes hold."""
        for stream, number in self._stored:
            await self._jetstream.delete_msg(stream, number)

    async def _repeat(self, message: Msg) -> None:
        if MARK in (message.headers or {}):
            return
        for _ in range(self._copies):
            headers: dict[str, Any] = {MARK: "1", "Nats-Msg-Id": str(new_id())}
            answer = await self._jetstream.publish(message.subject, message.data, headers=headers)
            self._stored.append((answer.stream, answer.seq))


@asynccontextmanager
async def open_echo(ground: Ground, copies: int) -> AsyncGenerator[Echo]:
    client = await nats.connect(ground.settings.nats_url)
    echo = Echo(client, copies)
    try:
        yield echo
    finally:
        await echo.forget()
        await client.close()
