"""Steps that enterprise's tests share: firms of their own, imports, what was announced."""

import itertools
from datetime import date
from typing import Any

import httpx
import orjson
from sqlalchemy import text

from services.kernel.ids import new_id
from services.launch.city.uscc import make_uscc
from tests.conftest import TestPlatform

FIRMS = "/v1/enterprise/firms"
LISTS = "/v1/enterprise/lists"
CSV = "text/csv"
NDJSON = "application/x-ndjson"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Firms of a neighbouring registration authority, which no other test and no city makes.
AUTHORITY = "330281"
_sequence = itertools.count(1)


def fresh_uscc() -> str:
    return make_uscc(AUTHORITY, next(_sequence))


def body(**changes: Any) -> dict[str, Any]:
    """Word a firm that nobody has registered yet; a test names what matters in it."""
    uscc = fresh_uscc()
    firm: dict[str, Any] = {
        "uscc": uscc,
        "name": f"示范测试{uscc[-8:]}有限公司",
        "industry_code": "3854",
        "town_code": "330282107",
        "established_on": "2012-05-01",
        "fiscal_jurisdiction": "330282",
        "synthetic": True,
    }
    return firm | changes


async def registered(platform: TestPlatform, **changes: Any) -> str:
    """Register a firm and give its code."""
    answer = await platform.client("registrar").post(FIRMS, json=body(**changes))
    assert answer.status_code == 201, answer.text
    return answer.json()["uscc"]


async def own_firm(platform: TestPlatform, name: str = "firm") -> str:
    """Have the firm of a demonstration client in the register, whoever asks first."""
    uscc = platform.uscc(name)
    answer = await platform.client("registrar").post(FIRMS, json=body(uscc=uscc))
    assert answer.status_code in (201, 409), answer.text
    return uscc


async def state(
    platform: TestPlatform, uscc: str, year: int, facts: dict[str, Any], by: str = "registrar"
) -> httpx.Response:
    return await platform.client(by).put(
        f"{FIRMS}/{uscc}/indicators/{year}", json={"facts": facts, "source": "测试"}
    )


async def facts_of(platform: TestPlatform, uscc: str, year: int) -> dict[str, Any]:
    answer = await platform.client("registrar").get(f"{FIRMS}/{uscc}/indicators/{year}")
    assert answer.status_code == 200, answer.text
    return answer.json()["facts"]


async def imported(
    platform: TestPlatform, kind: str, content: str | bytes, media: str = CSV
) -> dict[str, Any]:
    """Import a file as the registrar and give the finished operation."""
    answer = await send_import(platform, kind, content, media)
    assert answer.status_code == 202, answer.text
    await platform.settle()
    operation = await platform.client("registrar").get(answer.headers["Location"])
    assert operation.status_code == 200, operation.text
    return operation.json()


async def send_import(
    platform: TestPlatform,
    kind: str,
    content: str | bytes,
    media: str = CSV,
    by: str = "registrar",
) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    return await platform.client(by).post(
        f"/v1/enterprise/imports?kind={kind}", content=raw, headers={"Content-Type": media}
    )


async def announced(platform: TestPlatform, aggregate: str) -> list[dict[str, Any]]:
    """Give what was announced of an aggregate, in order."""
    async with platform.service("enterprise").sessions() as session:
        rows = await session.execute(
            text("SELECT payload FROM outbox WHERE aggregate = :a ORDER BY seq"), {"a": aggregate}
        )
        return [orjson.loads(payload) for (payload,) in rows]


async def audited(platform: TestPlatform, action: str, thing_id: str) -> int:
    """Count the audit rows of an action on a thing."""
    async with platform.service("enterprise").sessions() as session:
        counted = await session.execute(
            text("SELECT count(*) FROM audit_entry WHERE action = :a AND thing_id = :t"),
            {"a": action, "t": thing_id},
        )
        return counted.scalar_one()


def today(platform: TestPlatform) -> date:
    return platform.service("enterprise").clock.today()


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Give the status and the code of a refusal."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["code"]


def first_error(answer: httpx.Response) -> tuple[str, str]:
    """Give where the first field of a refusal is wrong, and how."""
    error = answer.json()["errors"][0]
    return error["pointer"], error["code"]


async def registrar_of(platform: TestPlatform, department: str) -> dict[str, str]:
    """Sign in as a registrar of a department, and give the headers that say so."""
    new = {
        "client_id": f"registrar-{department}-{new_id().hex[-8:]}",
        "name": "登记员",
        "roles": ["registrar"],
        "scopes": ["enterprise:read", "enterprise:write"],
        "department": department,
    }
    made = (await platform.client("admin").post("/v1/identity/clients", json=new)).json()
    form = {
        "grant_type": "client_credentials",
        "client_id": made["client_id"],
        "client_secret": made["client_secret"],
    }
    answer = await platform.client("public").post("/oauth2/token", data=form)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
