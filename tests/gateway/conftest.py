"""A gateway on a real port, before services that stand in this process or behind a port."""

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from gateway.app import Gateway
from gateway.backends import Backend, InMemory
from gateway.remote import Remote
from gateway.settings import GatewaySettings
from services.kernel.settings import Profile
from tests.gateway.upstreams import Upstream

Serve = Callable[[ASGIApp], Awaitable[str]]
Open = Callable[..., Awaitable[httpx.AsyncClient]]


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncGenerator[str]:
    """Serve an application on a free loopback port, and stop without uvicorn's waiting times."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", proxy_headers=False, server_header=False)
        config.load()
        server = uvicorn.Server(config)
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        await server.on_tick(0)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for accepting in server.servers:
                accepting.close()
            for connection in list(server.server_state.connections):
                connection.shutdown()
            running = list(server.server_state.tasks)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await server.lifespan.shutdown()


def settings_for(**changes: Any) -> GatewaySettings:
    """Give the settings of a demonstration gateway, whatever the environment says."""
    values: dict[str, Any] = {"profile": Profile.DEMONSTRATION, **changes}
    return GatewaySettings(**values)


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another task brings about."""
    async with asyncio.timeout(2):
        while not is_so():  # noqa: ASYNC110  the services under test know no event
            await asyncio.sleep(0.005)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered


@pytest.fixture
def serve(stack: AsyncExitStack) -> Serve:
    async def start(app: ASGIApp) -> str:
        return await stack.enter_async_context(served(app))

    return start


@pytest.fixture
def open_gateway(stack: AsyncExitStack, serve: Serve) -> Open:
    """Start a gateway and give a client of it."""

    async def start(backends: Mapping[str, Backend], **changes: Any) -> httpx.AsyncClient:
        url = await serve(Gateway(backends, settings_for(**changes)))
        client = httpx.AsyncClient(base_url=url, timeout=10, trust_env=False)
        return await stack.enter_async_context(client)

    return start


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture(params=["in-memory", "remote"])
async def backend(request: pytest.FixtureRequest, upstream: Upstream, serve: Serve) -> Backend:
    """Give the upstream in each of the two layouts: what a caller sees must not differ."""
    if request.param == "in-memory":
        return InMemory(upstream)
    return Remote(await serve(upstream))


@pytest.fixture
async def remote(upstream: Upstream, serve: Serve) -> Remote:
    return Remote(await serve(upstream))


@pytest.fixture
def unused_url() -> str:
    """Give the URL of a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
