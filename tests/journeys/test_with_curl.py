"""From facts to money with curl alone, over a real socket, by the clients of the credentials."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from services.kernel.ids import new_id
from services.launch.server import free_port, serving
from tests.conftest import TestPlatform
from tests.journeys.steps import (
    DAY_FACTS,
    GROWTH,
    SCOPES,
    WAIT_S_MAX,
    WAN,
    case_of,
    deed,
    fresh_uscc,
    profile,
    revenues,
)

CURL = shutil.which("curl")
AMOUNT_FEN = 245 * 50_000
pytestmark = pytest.mark.skipif(CURL is None, reason="this machine has no curl")


class Curl:
    """Runs curl for one client after the other, each with the token it asked for itself."""

    def __init__(self, base: str, clients: dict[str, dict[str, str]]) -> None:
        self.base = base
        self.clients = clients
        self._tokens: dict[str, str] = {}

    async def run(self, *arguments: str) -> tuple[int, Any]:
        """Run curl; give status and JSON."""
        process = await asyncio.create_subprocess_exec(
            str(CURL), "-sS", "-w", "\n%{http_code}", *arguments, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, arguments
        body, _, status = output.decode().rpartition("\n")
        return int(status), json.loads(body) if body else None

    async def ask(
        self, who: str, method: str, path: str, body: Any = None, *, expect: int = 200
    ) -> Any:
        """Ask as a client, and hold the status against what is expected."""
        arguments = ["-X", method, self.base + path]
        arguments += ["-H", f"Authorization: Bearer {await self._token(who)}"]
        if method == "POST":
            arguments += ["-H", f"Idempotency-Key: {new_id()}"]
        if body is not None:
            arguments += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        status, answer = await self.run(*arguments)
        assert status == expect, (who, method, path, answer)
        return answer

    async def until(self, case: str, holds: Any) -> Any:
        deadline = time.monotonic() + WAIT_S_MAX
        while not holds(found := await self.ask("auditor", "GET", f"/v1/policy/cases/{case}")):
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.1)
        return found

    async def _token(self, who: str) -> str:
        if who not in self._tokens:
            entry = self.clients[who]
            status, answer = await self.run(
                self.base + "/oauth2/token",
                "-u", f"{entry['client_id']}:{entry['client_secret']}",
                "-d", "grant_type=client_credentials",
            )  # fmt: skip
            assert status == 200, answer
            self._tokens[who] = answer["access_token"]
        return self._tokens[who]


@pytest.fixture
async def curl(platform: TestPlatform) -> AsyncIterator[Curl]:
    port = free_port()
    async with serving(platform.gateway, "127.0.0.1", port):
        yield Curl(f"http://127.0.0.1:{port}", dict(platform.credentials.clients))


async def test_the_api_document_is_served_and_valid(curl: Curl) -> None:
    status, document = await curl.run(curl.base + "/openapi.json")

    assert status == 200
    validate(document)


async def test_from_facts_to_payment(curl: Curl) -> None:
    uscc = await _register(curl)
    today = (await curl.ask("admin", "GET", "/v1/demo/clock"))["today"]
    year = int(today[:4]) - 1
    statement = await _state_facts(curl, uscc, year)

    path = f"/v1/policy/firms/{uscc}/entitlements?after={statement}"
    answer = await curl.ask("firm", "GET", path)
    assert answer["plan"]["flags"] == ["plan-not-in-force"]
    assert answer["facts_known_until"] is not None
    growth = next(each for each in answer["programmes"] if each["programme"] == GROWTH)
    assert (growth["outcome"], growth["amount_fen"]) == ("eligible", AMOUNT_FEN)
    assert (growth["amount_kind"], growth["amount_status"]) == ("ceiling", "set")
    assert {each["outcome"] for each in growth["conditions"]} == {"true"}
    assert all(each["says"] and each["source"] for each in growth["conditions"])

    await _fund(curl, int(today[:4]))
    case = await curl.ask("firm", "POST", "/v1/policy/cases", case_of(uscc, year), expect=201)
    assert case["allowed_events"] == ["submit", "withdraw"]
    case = await _walk(curl, case)
    assert case["reservation"]["amount_fen"] == AMOUNT_FEN
    assert case["allowed_events"] == []

    await _decide(curl, case)
    await _pay(curl, case)
    closed = await curl.until(case["id"], lambda found: found["state"] == "closed")
    assert closed["allowed_events"] == []
    replay = await curl.ask("auditor", "GET", f"/v1/policy/cases/{case['id']}/replay")
    assert replay["same"] is True
    ledger = await curl.ask("auditor", "GET", "/v1/finance/ledger/check")
    assert (ledger["sum_fen"], ledger["breaches"]) == (0, [])


async def _register(curl: Curl) -> str:
    """Register a firm and its own system; the demonstration's firm may be taken already."""
    uscc = fresh_uscc()
    new = profile(uscc)
    firm = await curl.ask("registrar", "POST", "/v1/enterprise/firms", new, expect=201)
    assert {name: firm[name] for name in new} == new
    client = {
        "client_id": f"curl-{uscc.lower()}", "name": "企业系统（测试）", "roles": ["firm"],
        "scopes": SCOPES, "uscc": uscc,
    }  # fmt: skip
    made = await curl.ask("admin", "POST", "/v1/identity/clients", client, expect=201)
    curl.clients["firm"] = {name: made[name] for name in ("client_id", "client_secret")}
    return uscc


async def _state_facts(curl: Curl, uscc: str, year: int) -> str:
    for each, facts in revenues(year):
        path = f"/v1/enterprise/firms/{uscc}/indicators/{each}"
        body = {"facts": facts, "source": "企业年度报告（测试）"}
        answer = await curl.ask("registrar", "PUT", path, body)
        assert answer["facts"] == facts
    path = f"/v1/enterprise/firms/{uscc}/facts"
    stated = await curl.ask("registrar", "POST", path, DAY_FACTS, expect=201)
    return stated["statement_id"]


async def _fund(curl: Curl, year: int) -> None:
    line = {
        "year": year, "programme": GROWTH, "name": "增长奖励（测试）", "department": "经信局",
        "amount_fen": 10_000 * WAN,
    }  # fmt: skip
    budget = await curl.ask("treasurer", "POST", "/v1/finance/budgets", line, expect=201)
    path = f"/v1/finance/budgets/{budget['id']}/events"
    await curl.ask("approver", "POST", path, deed("approve", budget["version"]))


async def _walk(curl: Curl, case: dict[str, Any]) -> dict[str, Any]:
    """Submit, accept, review and propose; then wait for finance's word."""
    path = f"/v1/policy/cases/{case['id']}/events"
    steps = [("firm", "submit"), *(("reviewer", e) for e in ("accept", "review", "propose"))]
    for who, event in steps:
        case = await curl.ask(who, "POST", path, deed(event, case["version"]))
    found = await curl.until(case["id"], lambda c: c["reservation"]["state"] != "pending")
    assert (found["state"], found["reservation"]["state"]) == ("proposed", "reserved")
    return found


async def _decide(curl: Curl, case: dict[str, Any]) -> None:
    path = f"/v1/policy/cases/{case['id']}/events"
    body = deed("decide", case["version"], outcome="approve")
    await curl.ask("reviewer", "POST", path, body, expect=403)
    decided = await curl.ask("approver", "POST", path, body)
    assert decided["state"] in ("decided", "awarded")
    await curl.until(case["id"], lambda found: found["state"] == "awarded")


async def _pay(curl: Curl, case: dict[str, Any]) -> None:
    found = await curl.ask("treasurer", "GET", f"/v1/finance/awards?case_id={case['id']}")
    (award,) = found["items"]
    body = {"awards": [award["id"]], "document": "慈测拨〔2026〕10号"}
    payout = await curl.ask("treasurer", "POST", "/v1/finance/payouts", body, expect=201)
    path = f"/v1/finance/payouts/{payout['id']}/events"
    await curl.ask("treasurer", "POST", path, deed("check", 1), expect=403)
    for who, event in (("treasurer-b", "check"), ("treasurer", "send"), ("treasurer", "settle")):
        payout = await curl.ask(who, "POST", path, deed(event, payout["version"]))
    assert payout["state"] == "settled"
    (line,) = payout["lines"]
    assert (line["award"], line["amount_fen"], line["state"]) == (
        award["id"], AMOUNT_FEN, "settled",
    )  # fmt: skip
