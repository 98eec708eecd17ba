"""Steps that the journeys share: a city's clients over HTTP, and nothing else."""

import asyncio
import itertools
import time
from collections.abc import Callable
from typing import Any

import httpx

from services.launch.city.uscc import make_uscc
from tests.conftest import TestPlatform

AUTHORITY = "330225"
GROWTH = "digital-growth"
WAN = 1_000_000
WAIT_S_MAX = 20
SCOPES = [f"{s}:{verb}" for s in ("enterprise", "policy", "finance") for verb in ("read", "write")]
_sequences = itertools.count(1)


def fresh_uscc() -> str:
    """Make a code that no other firm of this run has."""
    return make_uscc(AUTHORITY, next(_sequences))


def profile(uscc: str) -> dict[str, Any]:
    return {
        "uscc": uscc,
        "name": f"慈溪市示范旅程{uscc[-6:]}有限公司",
        "industry_code": "3854",
        "town_code": "330282107",
        "established_on": "2012-05-01",
        "fiscal_jurisdiction": "330282",
    }


def revenues(year: int, last_wan: int = 34_500) -> list[tuple[int, dict[str, int]]]:
    """Give three years of revenue up to a year, whose growth is worth 245 steps of 500 yuan."""
    wans = ((year - 2, 8_000), (year - 1, 10_000), (year, last_wan))
    return [(each, {"revenue_fen": wan * WAN}) for each, wan in wans]


DAY_FACTS = {
    "facts": {"is_digital_manufacturing": True, "is_above_scale": True},
    "valid_from": "2024-01-01",
    "source": "主管部门认定（测试）",
}


def case_of(uscc: str, year: int) -> dict[str, Any]:
    return {
        "programme": GROWTH,
        "call": None,
        "applicant": {"kind": "firm", "id": uscc},
        "matter": {"kind": "year", "period": str(year)},
    }


def deed(event: str, version: int, **data: Any) -> dict[str, Any]:
    return {"event": event, "version": version, "note": "", "data": data}


class City:
    """The clients of a platform, each with its token, and the year that is asked about."""

    def __init__(self, platform: TestPlatform) -> None:
        self.platform = platform
        self.year = 0
        self._own: list[httpx.AsyncClient] = []

    async def begin(self) -> None:
        today = (await self.get("admin", "/v1/demo/clock"))["today"]
        self.year = int(today[:4]) - 1

    async def end(self) -> None:
        for client in self._own:
            await client.aclose()

    def with_token(self, token: str) -> httpx.AsyncClient:
        """Give a client that carries a token."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.platform.gateway),  # pyright: ignore[reportArgumentType]
            base_url="http://lx",
            timeout=30,
            headers={"Authorization": f"Bearer {token}"},
        )
        self._own.append(client)
        return client

    async def firm_client(self, uscc: str) -> httpx.AsyncClient:
        """Have a firm's own system registered and signed in."""
        name = f"journey-{uscc.lower()}"
        body = {
            "client_id": name, "name": name, "roles": ["firm"], "scopes": SCOPES, "uscc": uscc,
        }  # fmt: skip
        made = await self.post("admin", "/v1/identity/clients", body)
        self.platform.credentials.clients[name] = {
            "client_id": name,
            "client_secret": made["client_secret"],
        }
        return self.with_token(await self.platform.token(name))

    async def growing_firm(self) -> str:
        """Register a firm that the growth award is for; give its code."""
        uscc = fresh_uscc()
        await self.post("registrar", "/v1/enterprise/firms", profile(uscc))
        registrar = self.platform.client("registrar")
        for year, facts in revenues(self.year):
            path = f"/v1/enterprise/firms/{uscc}/indicators/{year}"
            good(await registrar.put(path, json={"facts": facts, "source": "年报（测试）"}))
        await self.post("registrar", f"/v1/enterprise/firms/{uscc}/facts", DAY_FACTS)
        await self.platform.settle()
        return uscc

    async def budget(self) -> str:
        """Have a funded budget line of today's year; give its id."""
        body = {
            "year": self.year + 1, "programme": GROWTH, "name": "旅程资金", "department": "经信局",
            "amount_fen": 10_000 * WAN,
        }  # fmt: skip
        id_ = (await self.post("treasurer", "/v1/finance/budgets", body))["id"]
        await self.post("approver", f"/v1/finance/budgets/{id_}/events", deed("approve", 1))
        return id_

    async def get(self, who: str, path: str, **params: Any) -> Any:
        return good(await self.platform.client(who).get(path, params=params))

    async def post(self, who: str, path: str, body: Any) -> Any:
        client = self.platform.client(who)
        return good(await client.post(path, json=body, headers=self.platform.key()))

    async def case(self, id_: str) -> dict[str, Any]:
        return await self.get("auditor", f"/v1/policy/cases/{id_}")

    async def until(self, id_: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for what another service will do about a case."""
        deadline = time.monotonic() + WAIT_S_MAX
        while not holds(found := await self.case(id_)):
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.02)
        return found


def good(answer: httpx.Response) -> Any:
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.text}"
    return answer.json()
