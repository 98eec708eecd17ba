"""The split platform: real processes, joined by addresses only, one of them away for a while."""

import asyncio
import io
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from rich.console import Console

from services.kernel.database_urls import plain_url, with_database
from services.kernel.settings import Settings
from services.launch import nats_server
from services.launch.caller import Caller, calling
from services.launch.city.cast import DEMO_FIRMS
from services.launch.commands.one_service import run_service
from services.launch.configuration import SERVICE_NAMES, embedded_settings
from services.launch.credentials import ensure_clients
from services.launch.embedded import embedded_servers
from services.launch.platform import Platform, prepare_database
from services.launch.split import Split
from services.launch.story import case_life
from services.launch.story.end_state import read_end_state
from services.launch.story.outage import Outage
from services.launch.story.quiet import until_quiet
from services.launch.story.stage import Stage
from tests.clusters import DATABASE, lay_cluster
from tests.journeys.steps import DAY_FACTS, GROWTH, WAN, deed, revenues

FIRM = DEMO_FIRMS["demo_firm"]
AWAY_S = 1.5
BUDGETS = "/v1/finance/budgets"
FIRMS = "/v1/enterprise/firms?limit=1"
RESERVED_FEN = 245 * 50_000
NOTICED_S_MAX = 15
RESTORE = "UPDATE policy.firm SET state = state || jsonb_build_object('town_code', town_code)"


class Ground:
    """The split platform and a client of it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.split = Split(settings, SERVICE_NAMES, {"LIANGXIN_DRAIN_S": "0"})
        self.before_services = httpx.Response(0)
        self.caller: Any = None

    async def start(self) -> None:
        """Start the gateway before any service, to see what it says then."""
        await self.split.gateway.start()
        self.before_services = await self._first_answer()
        for child in self.split.services.values():
            await child.start()
        for child in self.split.children:
            await child.until_ready()

    async def _first_answer(self) -> httpx.Response:
        deadline = time.monotonic() + 30
        async with httpx.AsyncClient(base_url=self.split.url) as http:
            while True:
                try:
                    return await http.get("/readyz")
                except httpx.TransportError:
                    assert time.monotonic() < deadline, self.split.gateway.tail()
                    await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    folder = tmp_path_factory.mktemp("split")
    await lay_cluster(folder)
    async with embedded_servers(folder) as servers:
        url = with_database(servers.database_url, DATABASE)
        settings = embedded_settings(url, servers.nats_url, folder)
        await prepare_database(settings)
        made = Ground(settings, folder)
        try:
            await made.start()
            credentials = await ensure_clients(settings, made.split.url)
            async with calling(made.split.url, credentials.clients) as made.caller:
                await made.caller.sign_in("auditor", "registrar")
                yield made
        finally:
            await made.split.stop()


async def test_a_gateway_without_services_waits_for_them(ground: Ground) -> None:
    answer = ground.before_services
    assert (answer.status_code, answer.json()["status"]) == (503, "unreachable")
    assert set(answer.json()["services"].values()) == {"unreachable"}
    assert (await readiness(ground.caller, "ready"))["services"].keys() == set(SERVICE_NAMES)


async def test_each_process_is_told_its_own_database_alone(ground: Ground) -> None:
    for name, child in ground.split.services.items():
        told = {key for key in child.environment if key.endswith("DATABASE_URL")}
        assert told == {f"{name.upper()}_DATABASE_URL"}
    secrets = ("DATABASE_URL", "NATS_URL", "_KEY")
    assert not [key for key in ground.split.gateway.environment if key.endswith(secrets)]


async def test_a_case_goes_on_while_finance_is_away_and_is_paid_after(ground: Ground) -> None:
    caller, finance = ground.caller, ground.split.services["finance"]
    year, statement = await firm_and_budget(caller)
    before = await read_end_state(caller, ground.settings)
    no_city: Any = None
    stage = Stage(Console(file=io.StringIO()), caller, no_city, ground.settings)
    outage = Outage(finance, AWAY_S)

    await outage.begin(stage)
    await breaker_opens(caller)
    case = await case_life.open_case(caller, "firm", FIRM.uscc, GROWTH, year, after=statement)
    case = await case_life.propose(caller, "firm", "reviewer", case)
    assert not finance.is_running
    assert case["reservation"]["state"] == "pending"
    await outage.end(stage, (case,))
    assert [sentence for sentence, holds in stage.checks if not holds] == []
    assert len(stage.checks) > 15

    case = await case_life.answered(caller, "reviewer", case)
    assert case["reservation"]["amount_fen"] == RESERVED_FEN
    case = await case_life.decide(caller, "approver", case)
    payout = await case_life.pay(caller, [case], "慈测试拨〔2026〕1号")
    assert [line["amount_fen"] for line in payout["lines"]] == [RESERVED_FEN]
    check = await caller.get("auditor", "/v1/finance/ledger/check")
    assert (check["sum_fen"], check["breaches"]) == (0, [])
    await end_state_tells(ground, before.sha256)


async def test_an_export_passes_through_the_gateway(ground: Ground) -> None:
    path, wanted = "/v1/enterprise/firms", {"Accept": "text/csv"}
    answer = await ground.caller.once("auditor", "GET", path, headers=wanted)
    assert answer.headers["content-type"].startswith("text/csv")
    assert FIRM.uscc in answer.text


async def test_a_service_that_finds_no_broker_answers_and_catches_up(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, enterprise = ground.caller, ground.split.services["enterprise"]
    enterprise.send(signal.SIGTERM)
    assert await enterprise.until_over() == 0
    await asyncio.to_thread(nats_server.stop, ground.folder / "nats")
    try:
        await enterprise.start()
        await enterprise.until_ready()
        assert (await readiness(caller, "degraded"))["services"]["enterprise"] == "degraded"
        assert (await caller.ask("registrar", "GET", FIRMS)).status_code == 200
        body = DEMO_FIRMS["demo_firm_b"].body()
        firm = await caller.post("registrar", "/v1/enterprise/firms", body)
        await one_process_starts_too(ground, monkeypatch)
    finally:
        await asyncio.to_thread(nats_server.start, ground.folder / "nats")
    path = f"/v1/policy/firms/{firm['uscc']}/entitlements"
    deadline = time.monotonic() + NOTICED_S_MAX * 2
    while (heard := await caller.once("auditor", "GET", path)).status_code != 200:
        assert time.monotonic() < deadline, heard.text
        await asyncio.sleep(0.1)
    await readiness(caller, "ready")


async def test_a_service_says_in_a_line_why_it_cannot_start(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = ground.split.services["finance"]
    for name, value in child.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("LIANGXIN_PROFILE", "production")
    with pytest.raises(SystemExit, match="made under the profile demonstration"):
        await run_service("finance", "127.0.0.1", child.port)
    empty = with_database(child.environment["FINANCE_DATABASE_URL"], "postgres")
    monkeypatch.setenv("FINANCE_DATABASE_URL", empty)
    with pytest.raises(SystemExit, match="liangxin migrate"):
        await run_service("finance", "127.0.0.1", child.port)


async def one_process_starts_too(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start all services in this process beside the split ones, while there is no broker."""
    monkeypatch.setattr("services.kernel.bus.CONNECT_WAIT_S", 0.1)
    monkeypatch.setattr("services.launch.platform.BROKER_WAIT_S", 0.1)
    platform = Platform(ground.settings)
    await platform.start()
    try:
        transport = httpx.ASGITransport(app=platform.gateway)
        async with httpx.AsyncClient(transport=transport, base_url="http://lx") as client:
            answer = await client.get("/readyz")
        states = set(answer.json()["services"].values())
        assert (answer.status_code, states) == (200, {"degraded"})
    finally:
        await platform.stop()


async def firm_and_budget(caller: Caller) -> tuple[int, str]:
    """Have the firm, its facts and money for it; give the year and the last statement."""
    year = int((await caller.get("admin", "/v1/demo/clock"))["today"][:4]) - 1
    line = {
        "year": year + 1, "programme": GROWTH, "name": "分进程资金", "department": "经信局",
        "amount_fen": 1_000 * WAN,
    }  # fmt: skip
    budget = await caller.post("treasurer", BUDGETS, line)
    await caller.post("approver", f"{BUDGETS}/{budget['id']}/events", deed("approve", 1))
    await caller.post("registrar", "/v1/enterprise/firms", FIRM.body())
    for each, facts in revenues(year):
        path = f"/v1/enterprise/firms/{FIRM.uscc}/indicators/{each}"
        await caller.put("registrar", path, {"facts": facts, "source": "年报（测试）"})
    path = f"/v1/enterprise/firms/{FIRM.uscc}/facts"
    return year, (await caller.post("registrar", path, DAY_FACTS))["statement_id"]


async def breaker_opens(caller: Caller) -> None:
    """Call what is away until the gateway answers for it without trying."""
    asked: list[httpx.Response] = []
    while len(asked) < 10:
        asked.append(await caller.once("auditor", "GET", BUDGETS))
    assert {answer.status_code for answer in asked} == {503}
    assert {answer.json()["code"] for answer in asked} == {"service-unavailable"}
    # While it tries, it says two seconds; once it has given up, as long as it will not try.
    assert int(asked[0].headers["retry-after"]) == 2
    assert int(asked[-1].headers["retry-after"]) > 2
    assert (await caller.once("auditor", "GET", FIRMS)).status_code == 200


async def readiness(caller: Caller, wanted: str) -> dict[str, Any]:
    """Wait until the gateway says so of the whole platform."""
    deadline = time.monotonic() + NOTICED_S_MAX
    while (body := (await caller.http.get("/readyz")).json())["status"] != wanted:
        assert time.monotonic() < deadline, body
        await asyncio.sleep(0.1)
    return body


async def end_state_tells(ground: Ground, before: str) -> None:
    """Read the digest: the same for the same, another once something differs."""
    await until_quiet(ground.settings)
    after = await read_end_state(ground.caller, ground.settings)
    assert after.sha256 != before
    assert after.sections["firms as heard"] == after.sections["firms as stated"]
    assert after.sha256 == (await read_end_state(ground.caller, ground.settings)).sha256
    connection = await asyncpg.connect(plain_url(ground.settings.database_url), timeout=5)
    try:
        await connection.execute("UPDATE policy.firm SET state = state - 'town_code'")
        changed = await read_end_state(ground.caller, ground.settings)
        await connection.execute(RESTORE)
    finally:
        await connection.close()
    assert changed.sections["firms as heard"] != changed.sections["firms as stated"]
