"""The running probe as tests see it: clients by role, effects counted in its own tables."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
from sqlalchemy import text

from services.kernel.app import asgi_app
from services.kernel.events import Event
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.runtime import Runtime
from services.kernel.unit import commit
from tests.conftest import TestPlatform
from tests.settling import heard_to

WAIT_S_MAX = 15.0
RECENT = 120
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class Probe:
    def __init__(self, platform: TestPlatform, runtime: Runtime) -> None:
        self.platform = platform
        self.runtime = runtime
        self.app = asgi_app(runtime.service, runtime)
        self._clients: dict[str, httpx.AsyncClient] = {}
        self.open("public", None)

    def open(self, name: str, token: str | None) -> httpx.AsyncClient:
        """Open a client that carries this token, or none."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app=self.app)
        client = httpx.AsyncClient(
            transport=transport, base_url="http://probe", headers=headers, timeout=30
        )
        self._clients[name] = client
        return client

    def client(self, name: str = "reviewer") -> httpx.AsyncClient:
        return self._clients[name]

    def token(self, name: str = "reviewer") -> str:
        return self._clients[name].headers["Authorization"].removeprefix("Bearer ")

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def write(self, **fields: Any) -> httpx.Response:
        """Write a note under a fresh key."""
        body = {"name": fresh("note"), **fields}
        return await self.client().post("/v1/probe/notes", json=body, headers=key())

    async def value(self, sql: str, **parameters: Any) -> Any:
        async with self.runtime.sessions() as session:
            return await session.scalar(text(sql), parameters)

    async def rows(self, sql: str, **parameters: Any) -> list[Any]:
        async with self.runtime.sessions() as session:
            return list(await session.execute(text(sql), parameters))

    async def effects(self, what: str, of: str) -> int:
        return await self.value(
            "SELECT count(*) FROM line WHERE what = :what AND of = :of", what=what, of=of
        )

    async def announce(self, *events: Event) -> None:
        """Announce in one transaction, as the probe."""
        async with self.runtime.sessions() as session:
            for event in events:
                announce(session, event, now=NOW)
            written = await commit(session)
        self.runtime.hand_to_relay(written)

    async def messages(self, *aggregates: str) -> list[dict[str, Any]]:
        """Read what the stream has of these aggregates, in the order of the stream."""
        jetstream = self.runtime.bus.jetstream
        state = (await jetstream.stream_info("LX_PROBE")).state
        found: list[dict[str, Any]] = []
        for sequence in range(max(state.first_seq, state.last_seq - RECENT), state.last_seq + 1):
            message = await jetstream.get_msg("LX_PROBE", sequence)
            with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
                document = orjson.loads(message.data or b"{}")
                if document["lxaggregate"] in aggregates:
                    found.append(document)
        return found

    async def until_ready(self) -> None:
        async def is_ready() -> bool:
            return set((await self.runtime.readiness()).values()) == {"ready"}

        await until(is_ready)

    async def settle(self) -> None:
        """Wait until what was announced has been published and reacted to."""

        async def is_quiet() -> bool:
            pending = await self.value("SELECT count(*) FROM outbox WHERE published_at IS NULL")
            return not pending and await heard_to(self.runtime) is not None

        await until(is_quiet)


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = WAIT_S_MAX) -> None:
    """Wait until something holds, and fail if it never does."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        await asyncio.sleep(0.02)


def fresh(word: str) -> str:
    """Make a name that no other test uses."""
    return f"{word}-{new_id().hex[-12:]}"


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(new_id())}
