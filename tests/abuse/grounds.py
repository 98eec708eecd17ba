"""A second platform on servers of its own: its clock, keys and clients may be played with."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from services.kernel.database_urls import with_database
from services.kernel.logs import configure_logs
from services.launch.configuration import embedded_settings
from services.launch.credentials import ensure_clients
from services.launch.embedded import embedded_servers
from services.launch.platform import running_platform
from tests.clusters import DATABASE, lay_cluster
from tests.conftest import GENEROUS, TestPlatform


@asynccontextmanager
async def running_ground(folder: Path) -> AsyncGenerator[TestPlatform]:
    """Run it for the length of a block."""
    configure_logs("INFO")
    await lay_cluster(folder)
    async with embedded_servers(folder) as servers:
        url = with_database(servers.database_url, DATABASE)
        settings = embedded_settings(url, servers.nats_url, folder)
        async with running_platform(settings, GENEROUS) as running:
            ground = TestPlatform(running, await ensure_clients(running.settings, "http://lx"))
            await ground.open_clients()
            yield ground
            await ground.close()
