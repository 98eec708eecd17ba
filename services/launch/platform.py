"""All services in one process behind the gateway: the ground of `make run` and of the tests."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import structlog

from gateway.app import Gateway
from gateway.backends import InMemory
from gateway.settings import GatewaySettings
from services.kernel.app import asgi_app
from services.kernel.bus import Bus
from services.kernel.clock import Clock
from services.kernel.database_urls import app_password, database_name, plain_url, with_database
from services.kernel.migrations import migrate
from services.kernel.runtime import Runtime
from services.kernel.service import Service
from services.kernel.settings import Settings
from services.launch.registry import SERVICES

log = structlog.get_logger()

READY_S_MAX = 60.0
BROKER_WAIT_S = 5.0


class Platform:
    """Running services and the gateway in front of them."""

    def __init__(self, settings: Settings, gateway_settings: GatewaySettings | None = None) -> None:
        self.settings = settings
        self.bus = Bus(settings.nats_url, "liangxin")
        clock = Clock()
        self.runtimes = {
            name: Runtime(service, settings, self.bus, clock) for name, service in SERVICES.items()
        }
        backends = {name: InMemory(asgi_app(r.service, r)) for name, r in self.runtimes.items()}
        self.gateway = Gateway(backends, gateway_settings or GatewaySettings())

    async def start(self) -> None:
        """Start every service, and wait until each can tell who calls it."""
        await self.bus.connect()
        await self.gateway.start()
        for runtime in self.runtimes.values():
            await runtime.start()
        await self._until_ready()

    async def stop(self) -> None:
        await self.gateway.stop()
        await asyncio.gather(*(runtime.stop() for runtime in self.runtimes.values()))
        await self.bus.close()

    async def _until_ready(self) -> None:
        """Wait until callers can be told apart; a broker that is away is not waited for long."""
        began, lacking = time.monotonic(), set[str]()
        while (waited := time.monotonic() - began) < READY_S_MAX:
            states = [await r.readiness() for r in self.runtimes.values()]
            lacking = {
                name for state in states for name, value in state.items() if value != "ready"
            }
            if not lacking:
                return
            if lacking == {"broker"} and waited > BROKER_WAIT_S:
                log.warning("the broker is away; what is announced waits in the outbox")
                return
            await asyncio.sleep(0.02)
        raise TimeoutError(f"the services did not become ready in time: {', '.join(lacking)}")


async def prepare_database(settings: Settings, services: Sequence[Service] | None = None) -> None:
    """Make the database if it is not there, and bring every schema to its newest version."""
    await ensure_database(settings.database_url)
    for service in services or SERVICES.values():
        own = settings.service_urls.get(service.name)
        password = (
            urlsplit(own).password
            if own
            else app_password(settings.database_url, f"{service.name}_app")
        )
        if not password:
            raise SystemExit(
                f"{service.name.upper()}_DATABASE_URL must name the password of {service.name}_app"
            )
        await migrate(
            service, settings.database_url, app_password=password, profile=settings.profile.value
        )


async def ensure_database(url: str) -> None:
    """Create the named database on its server."""
    name = database_name(url)
    connection = await asyncpg.connect(plain_url(with_database(url, "postgres")), timeout=5)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


@asynccontextmanager
async def running_platform(
    settings: Settings, gateway_settings: GatewaySettings | None = None
) -> AsyncGenerator[Platform]:
    """Run the whole platform for the length of a block."""
    await prepare_database(settings)
    platform = Platform(settings, gateway_settings)
    await platform.start()
    try:
        yield platform
    finally:
        await platform.stop()
