"""What the benchmarks stand on: servers of their own, a migrated database, a city of one firm."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.firms.actions import announce_firms, enter_firms
from services.enterprise.firms.schemas import NewFirm
from services.kernel.actors import Actor, Role
from services.kernel.bus import Bus
from services.kernel.database import ANSWER_WAIT_S, TIMEOUTS
from services.kernel.database_urls import plain_url, with_database
from services.kernel.ids import new_id
from services.kernel.runtime import Runtime
from services.kernel.settings import Settings
from services.kernel.unit import in_unit
from services.launch.city.uscc import make_uscc
from services.launch.configuration import embedded_settings
from services.launch.credentials import Credentials, ensure_clients
from services.launch.embedded import embedded_servers
from services.launch.platform import Platform, running_platform
from services.launch.registry import SERVICES
from tests.benchmarks.served import OPEN_DOOR
from tests.settling import settle

AUTHORITY = "330281"
WORKERS = 8
FIRMS_OF_A_WORKER = 60
REGISTRAR = Actor("bench", "bench", frozenset({Role.REGISTRAR}), department="sjglj")


@dataclass
class Ground:
    """Settings and sign-ins. Nothing runs: each benchmark starts what it measures."""

    settings: Settings
    tokens: dict[str, str]
    # For each worker: its firms, and the programme of its budget line.
    firms: list[list[str]]
    programmes: list[list[str]]

    def bearer(self, client: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens[client]}"}

    async def raw(self, service: str) -> Any:
        """Connect by bare asyncpg as a service does, with the same limits."""
        return await asyncpg.connect(
            plain_url(self.settings.service_url(service)),
            command_timeout=ANSWER_WAIT_S,
            server_settings={**TIMEOUTS, "jit": "off"},
        )

    async def analyze(self) -> None:
        """Let the planner know of every table as it is now."""
        admin = await asyncpg.connect(plain_url(self.settings.database_url))
        try:
            await admin.execute("ANALYZE")
        finally:
            await admin.close()

    @asynccontextmanager
    async def still(self, service: str) -> AsyncGenerator[Runtime]:
        """Give a service without its worker: no relay, no reactions, so nothing else is timed."""
        runtime = Runtime(SERVICES[service], self.settings, Bus(self.settings.nats_url, "bench"))
        await runtime.verifier.reload()
        try:
            yield runtime
        finally:
            await runtime.engine.dispose()


@asynccontextmanager
async def ground(folder: Path) -> AsyncGenerator[Ground]:
    """Make servers, schemas, clients, and firms and a budget line for each concurrent worker."""
    async with embedded_servers(folder) as servers:
        url = with_database(servers.database_url, "liangxin_bench")
        settings = embedded_settings(url, servers.nats_url, folder)
        async with running_platform(settings, OPEN_DOOR) as platform:
            credentials = await ensure_clients(settings, "http://bench")
            tokens = await _sign_in(platform, credentials)
            made = Ground(settings, tokens, await _register_firms(platform), [])
            async with _client(platform) as client:
                made.programmes += [[await _budget(client, made)] for _ in range(WORKERS)]
            await settle(platform.runtimes)
        await _analyze(settings)
        yield made


async def _analyze(settings: Settings) -> None:
    """Have the planner know the tables, as it does in a database that has lived a while."""
    connection = await asyncpg.connect(plain_url(settings.database_url))
    await connection.execute("ANALYZE")
    await connection.close()


async def _sign_in(platform: Platform, credentials: Credentials) -> dict[str, str]:
    tokens: dict[str, str] = {}
    async with _client(platform) as client:
        for name in ("registrar", "treasurer", "approver", "reviewer", "reviewer-town"):
            entry = credentials.clients[name]
            form = {k: entry[k] for k in ("client_id", "client_secret")}
            form["grant_type"] = "client_credentials"
            answer = await client.post("/oauth2/token", data=form)
            answer.raise_for_status()
            tokens[name] = answer.json()["access_token"]
    return tokens


async def _register_firms(platform: Platform) -> list[list[str]]:
    """Register firms for every worker; what one firm has said must stay short."""
    firms = [
        NewFirm(
            uscc=make_uscc(AUTHORITY, 7_000 + number),
            name=f"示范测速{number}有限公司",
            industry_code="3854",
            town_code="330282107",
            established_on=date(2012, 5, 1),
            registration_authority_code=AUTHORITY,
            fiscal_jurisdiction="330282",
            synthetic=True,
        )
        for number in range(WORKERS * FIRMS_OF_A_WORKER)
    ]

    async def work(session: AsyncSession, now: datetime) -> None:
        entered = await enter_firms(session, REGISTRAR, firms, now=now)
        await announce_firms(session, list(entered.values()), now=now)

    await in_unit(platform.runtimes["enterprise"], work)
    return [[firm.uscc for firm in firms[worker::WORKERS]] for worker in range(WORKERS)]


async def _budget(client: httpx.AsyncClient, made: Ground) -> str:
    """Draft and approve a line with more than any run reserves."""
    programme = f"bench-{new_id().hex[-12:]}"
    line = {
        "year": 2026,
        "programme": programme,
        "name": programme,
        "department": "经信局",
        "amount_fen": 10**15,
    }
    path = "/v1/finance/budgets"

    def headers(client: str) -> dict[str, str]:
        return {**made.bearer(client), "Idempotency-Key": str(new_id())}

    drafted = await client.post(path, json=line, headers=headers("treasurer"))
    drafted.raise_for_status()
    event = {"event": "approve", "version": 1, "data": {}}
    path = f"{path}/{drafted.json()['id']}/events"
    (await client.post(path, json=event, headers=headers("approver"))).raise_for_status()
    return programme


def _client(platform: Platform) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=platform.gateway)
    return httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=30)
