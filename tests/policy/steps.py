"""Steps that policy's tests share: firms with facts, people's clients, and the life of a case."""

import asyncio
import itertools
import os
import time
from typing import Any

import httpx

from services.kernel.clock import system_now
from services.launch.city.uscc import make_uscc

ON = "2026-11-23"
YEAR = 2025
WAN = 1_000_000  # 万元, in fen
CITY = "330282"
TOWN = "330282114"
GROWTH = "digital-growth"
WAIT_S_MAX = 20

# Apart from the demonstration city's sequences, and from those of other test workers.
_sequences = itertools.count(600_000 + os.getpid() % 200_000)


def fresh_uscc() -> str:
    """Make a code that no other firm of this run has."""
    return make_uscc(CITY, next(_sequences))


async def firm_client(platform: Any, uscc: str) -> httpx.AsyncClient:
    """Have a firm's own system signed in."""
    return await client_of(platform, f"firm-{uscc.lower()}", roles=["firm"], uscc=uscc)


async def client_of(platform: Any, name: str, **entry: Any) -> httpx.AsyncClient:
    """Have a client registered and signed in: a person or a system of its own."""
    scopes = [
        f"{s}:{verb}" for s in ("enterprise", "policy", "finance") for verb in ("read", "write")
    ]
    body = {"client_id": name, "name": name, "scopes": scopes, **entry}
    answer = await platform.client("admin").post("/v1/identity/clients", json=body)
    assert answer.status_code == 201, answer.text
    platform.credentials.clients[name] = {
        "client_id": name,
        "client_secret": answer.json()["client_secret"],
    }
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=platform.gateway), base_url="http://lx", timeout=30
    )
    await platform.sign_in(client, name)
    return client


async def register(platform: Any, uscc: str, **profile: Any) -> None:
    body = {
        "uscc": uscc,
        "name": f"慈溪市示范测试{uscc[-6:]}有限公司",
        "industry_code": "3854",
        "town_code": TOWN,
        "established_on": "2012-05-01",
        "fiscal_jurisdiction": CITY,
        **profile,
    }
    answer = await platform.client("registrar").post("/v1/enterprise/firms", json=body)
    assert answer.status_code == 201, answer.text


async def state(platform: Any, uscc: str, year: int, **facts: Any) -> str:
    """State a year's facts; give the statement's id."""
    answer = await platform.client("registrar").put(
        f"/v1/enterprise/firms/{uscc}/indicators/{year}",
        json={"facts": facts, "source": "企业年度报告（测试）"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["statement_id"]


async def state_of_day(
    platform: Any, uscc: str, valid_from: str = "2025-01-01", **facts: Any
) -> str:
    """State facts as of a day; give the statement's id."""
    answer = await platform.client("registrar").post(
        f"/v1/enterprise/firms/{uscc}/facts",
        json={"facts": facts, "valid_from": valid_from, "source": "主管部门认定（测试）"},
    )
    assert answer.status_code in (200, 201), answer.text
    return answer.json()["statement_id"]


async def publish(
    platform: Any, name: str, usccs: list[str], *, complete: bool = True, **days: Any
) -> str:
    """Publish a version of a list; give its id, which is a statement's id, too."""
    body = {
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "complete": complete,
        "document": "测试清单",
        "items": [{"uscc": uscc} for uscc in usccs],
        **days,
    }
    answer = await platform.client("registrar").post(
        f"/v1/enterprise/lists/{name}/versions", json=body
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["statement_id"]


async def growing_firm(platform: Any, last_wan: int = 260_000) -> str:
    """Register a digital manufacturer above scale whose revenue grew; at the cap by default."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year, wan in ((2023, 150_000), (2024, 200_000), (2025, last_wan)):
        await state(platform, uscc, year, revenue_fen=wan * WAN)
    await state_of_day(platform, uscc, is_digital_manufacturing=True, is_above_scale=True)
    await platform.settle()
    return uscc


async def budget(platform: Any, programme: str | None = GROWTH, **changes: Any) -> None:
    """Have an approved budget line of this year."""
    today = (await platform.client("admin").get("/v1/demo/clock")).json()["today"]
    body = {
        "year": int(today[:4]), "programme": programme, "name": "测试资金", "department": "经信局",
        "amount_fen": 10_000 * WAN, **changes,
    }  # fmt: skip
    answer = await platform.client("treasurer").post(
        "/v1/finance/budgets", json=body, headers=platform.key()
    )
    assert answer.status_code == 201, answer.text
    approve = {"event": "approve", "version": answer.json()["version"], "data": {}}
    answer = await platform.client("approver").post(
        f"/v1/finance/budgets/{answer.json()['id']}/events", json=approve, headers=platform.key()
    )
    assert answer.status_code == 200, answer.text


def case_body(uscc: str, programme: str = GROWTH, year: int = YEAR) -> dict[str, Any]:
    return {
        "programme": programme,
        "call": None,
        "applicant": {"kind": "firm", "id": uscc},
        "matter": {"kind": "year", "period": str(year)},
    }


async def open_case(
    platform: Any, firm: httpx.AsyncClient, uscc: str, programme: str = GROWTH, **params: Any
) -> dict[str, Any]:
    answer = await firm.post(
        "/v1/policy/cases", json=case_body(uscc, programme), headers=platform.key(), params=params
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def try_move(
    platform: Any, client: httpx.AsyncClient, case: dict[str, Any], event: str, **body: Any
) -> httpx.Response:
    """Send an event at the version that the case has now, whatever comes of it."""
    if "version" not in body:
        found = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}")
        body["version"] = found.json()["version"]
    return await client.post(
        f"/v1/policy/cases/{case['id']}/events",
        json={"event": event, "note": "", "data": {}, **body},
        headers=platform.key(),
    )


async def move(
    platform: Any, client: httpx.AsyncClient, case: dict[str, Any], event: str, **body: Any
) -> dict[str, Any]:
    answer = await try_move(platform, client, case, event, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def walk_to_review(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any], reviewer: str = "reviewer"
) -> dict[str, Any]:
    """Submit, accept and begin the review."""
    case = await move(platform, firm, case, "submit")
    for event in ("accept", "review"):
        case = await move(platform, platform.client(reviewer), case, event)
    return case


async def propose(platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]) -> dict[str, Any]:
    """Walk a draft to its proposal, and wait for finance's answer."""
    case = await walk_to_review(platform, firm, case)
    await move(platform, platform.client("reviewer"), case, "propose")
    return await until(platform, case, lambda c: c["reservation"]["state"] != "pending")


async def approve(platform: Any, case: dict[str, Any], client: str = "approver") -> dict[str, Any]:
    """Decide in favour, and wait until finance has made the award."""
    await move(platform, platform.client(client), case, "decide", data={"outcome": "approve"})
    return await until(platform, case, lambda c: c["state"] == "awarded")


async def until(platform: Any, case: dict[str, Any], holds: Any) -> dict[str, Any]:
    """Wait for what another service will do about a case."""
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        answer = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}")
        if holds(answer.json()):
            return answer.json()
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.02)


async def declare_aid(platform: Any, uscc: str, wan: int, **changes: Any) -> None:
    """Declare what Ningbo paid for the firm's year in the same stacking group."""
    body = {
        "beneficiary": {"kind": "firm", "id": uscc},
        "matter": {"kind": "year", "period": str(YEAR)},
        "level": "ningbo",
        "programme": "ningbo-digital",
        "stacking_group": GROWTH,
        "amount_fen": wan * WAN,
        "paid_on": "2026-05-01",
        "document": "甬经信〔2026〕1号",
        **changes,
    }
    answer = await platform.client("treasurer").post(
        "/v1/finance/aid", json=body, headers=platform.key()
    )
    assert answer.status_code == 201, answer.text


async def set_parameter(platform: Any, parameter: str, value: Any, valid_from: str) -> None:
    """Set a number by two people."""
    body = {"parameter": parameter, "value": value, "valid_from": valid_from, "source": "测试文件"}
    answer = await platform.client("reviewer").post("/v1/policy/parameters", json=body)
    assert answer.status_code == 201, answer.text
    answer = await platform.client("approver").post(
        f"/v1/policy/parameters/{answer.json()['id']}/events", json={"event": "approve"}
    )
    assert answer.status_code == 200, answer.text


async def set_clock(platform: Any, now: str) -> None:
    """Move the business clock, and wait until every service has heard."""
    answer = await platform.client("admin").post("/v1/demo/clock", json={"now": now})
    assert answer.status_code == 200, answer.text
    await platform.settle()


async def reset_clock(platform: Any) -> None:
    """Let the business clock run with the machine's again."""
    await set_clock(platform, system_now().isoformat())


def code(answer: httpx.Response) -> tuple[int, str]:
    """Give what a refusal is known by."""
    return answer.status_code, answer.json()["code"]
