"""One real platform for each test worker: own PostgreSQL and NATS, every service, the gateway."""

import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.settings import GatewaySettings
from services.kernel.database_urls import with_database
from services.kernel.ids import new_id
from services.kernel.logs import configure_logs
from services.kernel.runtime import Runtime
from services.kernel.settings import Profile
from services.launch.configuration import embedded_settings
from services.launch.credentials import DEMO_CLIENTS, Credentials, ensure_clients
from services.launch.embedded import embedded_servers
from services.launch.platform import Platform, running_platform
from tests.clusters import DATABASE, lay_cluster
from tests.settling import settle

pytest_plugins = ("tests.contracts.report", "tests.faults.report", "tests.abuse.report")

GENEROUS = GatewaySettings(
    profile=Profile.DEMONSTRATION,
    access_log=False,
    authenticated_per_minute=10_000_000,
    anonymous_per_minute=10_000_000,
    token_per_minute=10_000_000,
)


SIGNED_IN_S = 300


class TestPlatform:
    """The running platform as tests see it: clients by role, runtimes by name."""

    __test__ = False

    def __init__(self, platform: Platform, credentials: Credentials) -> None:
        self._platform = platform
        self.credentials = credentials
        self._clients: dict[str, httpx.AsyncClient] = {}
        self._numbers = itertools.count(1)

    async def open_clients(self) -> None:
        """Sign every demonstration client in; `public` carries no token."""
        for name in (*DEMO_CLIENTS, "public"):
            transport = httpx.ASGITransport(app=self._platform.gateway)
            client = httpx.AsyncClient(transport=transport, base_url="http://lx", timeout=30)
            if name != "public":
                await self.sign_in(client, name)
            self._clients[name] = client

    async def sign_in(self, client: httpx.AsyncClient, name: str) -> None:
        """Sign a client in, and anew before its token ends: a slow run outlives ten minutes."""
        client.headers["Authorization"] = f"Bearer {await self.token(name)}"
        signed_in = time.monotonic()

        async def renew(request: httpx.Request) -> None:
            nonlocal signed_in
            old = client.headers["Authorization"]
            # What a test has put there itself stays there.
            if request.headers.get("Authorization") != old:
                return
            if time.monotonic() - signed_in > SIGNED_IN_S:
                signed_in = time.monotonic()
                client.headers["Authorization"] = f"Bearer {await self.token(name)}"
                request.headers["Authorization"] = client.headers["Authorization"]

        client.event_hooks["request"].append(renew)

    async def token(self, name: str) -> str:
        """Obtain a fresh access token for a demonstration client."""
        entry = self.credentials.clients[name]
        form = {
            "grant_type": "client_credentials",
            "client_id": entry["client_id"],
            "client_secret": entry["client_secret"],
        }
        transport = httpx.ASGITransport(app=self._platform.gateway)
        async with httpx.AsyncClient(transport=transport, base_url="http://lx") as client:
            answer = await client.post("/oauth2/token", data=form)
        assert answer.status_code == 200, answer.text
        return answer.json()["access_token"]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    def client(self, name: str) -> httpx.AsyncClient:
        return self._clients[name]

    def service(self, name: str) -> Runtime:
        return self._platform.runtimes[name]

    @property
    def gateway(self) -> object:
        return self._platform.gateway

    def key(self) -> dict[str, str]:
        """Give a fresh Idempotency-Key header."""
        return {"Idempotency-Key": str(new_id())}

    def uscc(self, name: str) -> str:
        return self.credentials.clients[name]["uscc"]

    async def settle(self) -> None:
        await settle(self._platform.runtimes)


@pytest.fixture(scope="session")
async def platform(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestPlatform]:
    configure_logs("INFO")
    folder: Path = tmp_path_factory.mktemp("platform")
    await lay_cluster(folder)
    async with embedded_servers(folder) as servers:
        url = with_database(servers.database_url, DATABASE)
        settings = embedded_settings(url, servers.nats_url, folder)
        async with running_platform(settings, GENEROUS) as running:
            credentials = await ensure_clients(running.settings, "http://lx")
            tests = TestPlatform(running, credentials)
            await tests.open_clients()
            yield tests
            await tests.close()
