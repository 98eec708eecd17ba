"""Where faults are tried: a split platform on servers of its own, which may be broken at will."""

import asyncio
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil

from services.kernel.bus import Bus
from services.kernel.database_urls import plain_url, with_database
from services.kernel.settings import Settings
from services.launch import nats_server, postgres_server, processes
from services.launch.caller import Caller
from services.launch.configuration import SERVICE_NAMES, embedded_settings
from services.launch.credentials import Credentials, ensure_clients
from services.launch.embedded import start_embedded, stop_embedded
from services.launch.platform import prepare_database
from services.launch.split import Split
from tests.clusters import DATABASE, lay_cluster
from tests.faults.stubborn import open_http

# A killed listener's events come again only when their acknowledgement is overdue.
PATIENCE_S = 180.0
METRICS_TOKEN = "metrics-of-the-ground"
# Rates are for clients that behave; here a few callers do the work of a city.
VARIABLES = {
    "LIANGXIN_DRAIN_S": "0",
    "LIANGXIN_LOG_LEVEL": "WARNING",
    "LIANGXIN_GATEWAY_ACCESS_LOG": "false",
    "LIANGXIN_GATEWAY_METRICS_TOKEN": METRICS_TOKEN,
    "LIANGXIN_GATEWAY_AUTHENTICATED_PER_MINUTE": "10000000",
    "LIANGXIN_GATEWAY_ANONYMOUS_PER_MINUTE": "10000000",
    "LIANGXIN_GATEWAY_TOKEN_PER_MINUTE": "10000000",
}


class Ground:
    """The split platform, its servers, and an administrator's look into every schema."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.settings = settings
        self.split = Split(settings, SERVICE_NAMES, VARIABLES)
        self._opened: list[httpx.AsyncClient] = []

    async def start(self) -> None:
        """Start every process, then have the demonstration's clients."""
        await self.split.start()
        self.credentials: Credentials = await ensure_clients(self.settings, self.split.url)

    def caller(self, **timeouts: float) -> Caller:
        """Open an outside client that asks again, under the same key, when it gets no answer."""
        http = open_http(self.split.url, **timeouts)
        self._opened.append(http)
        return Caller(http, dict(self.credentials.clients), patience_s=PATIENCE_S)

    async def close(self) -> None:
        for http in self._opened:
            await http.aclose()

    # The broker

    def broker(self) -> psutil.Process:
        return processes.find("nats-server", str(self.folder / "nats" / "nats.json"))[0]

    async def stop_broker(self, number: signal.Signals = signal.SIGTERM) -> None:
        process = self.broker()
        process.send_signal(number)
        await asyncio.to_thread(processes.await_end, [process], 20)

    async def start_broker(self) -> None:
        await asyncio.to_thread(nats_server.start, self.folder / "nats")

    async def wipe_broker(self) -> None:
        """Stop the broker and delete its store; its configuration, and so its address, stays."""
        await self.stop_broker(signal.SIGKILL)
        shutil.rmtree(self.folder / "nats" / "jetstream")

    @asynccontextmanager
    async def bus(self) -> AsyncGenerator[Bus]:
        bus = Bus(self.settings.nats_url, "faults")
        await bus.connect()
        try:
            yield bus
        finally:
            await bus.close()

    # The database

    def database_server(self) -> psutil.Process:
        return processes.find("postgres", str(self.folder / "postgres"))[0]

    async def kill_database(self) -> None:
        process = self.database_server()
        process.kill()
        await asyncio.to_thread(processes.await_end, [process], 20)

    async def start_database(self) -> None:
        await asyncio.to_thread(postgres_server.start, self.folder / "postgres")

    def signal_database(self, number: signal.Signals) -> None:
        """Stop or continue the server with all its backends, as a host that hangs would."""
        server = self.database_server()
        for process in (server, *server.children(recursive=True)):
            process.send_signal(number)

    async def fetch(self, service: str, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """Look into a service's schema as the administrator."""
        connection = await asyncpg.connect(plain_url(self.settings.database_url))
        try:
            await connection.execute(f'SET search_path = "{service}"')
            return await connection.fetch(sql, *arguments)
        finally:
            await connection.close()

    async def value(self, service: str, sql: str, *arguments: Any) -> Any:
        rows = await self.fetch(service, sql, *arguments)
        return rows[0][0] if rows else None


@asynccontextmanager
async def running_ground(folder: Path) -> AsyncGenerator[Ground]:
    """Run servers and the split platform, with the demonstration's clients, for a block."""
    await lay_cluster(folder)
    servers = await start_embedded(folder)
    try:
        url = with_database(servers.database_url, DATABASE)
        settings = embedded_settings(url, servers.nats_url, folder)
        await prepare_database(settings)
        ground = Ground(folder, settings)
        try:
            await ground.start()
            yield ground
        finally:
            await ground.close()
            await ground.split.stop()
    finally:
        await asyncio.to_thread(stop_embedded, folder)
