"""Steps that the tests of recommendations share: desks, events, and the whole way to a letter."""

import asyncio
import itertools
import time
from typing import Any

import httpx

from tests.policy.steps import WAIT_S_MAX, client_of, firm_client, fresh_uscc, register

RECOMMENDATIONS = "/v1/policy/recommendations"
STAR = "gazelle-star-recommendation"
_numbers = itertools.count(1)


async def desk_of(platform: Any, department: str = "kjj") -> httpx.AsyncClient:
    """Have a reviewer of a department signed in, a person of his own."""
    name = f"recommending-{department}-{next(_numbers)}"
    return await client_of(platform, name, roles=["reviewer"], department=department)


async def new_firm(platform: Any) -> tuple[str, httpx.AsyncClient]:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await platform.settle()
    return uscc, await firm_client(platform, uscc)


def body_for(uscc: str, programme: str = STAR, **changes: Any) -> dict[str, Any]:
    applicant = {"kind": "firm", "id": uscc}
    return {"programme": programme, "applicant": applicant, "year": 2026, **changes}


async def begin(platform: Any, client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await client.post(RECOMMENDATIONS, json=body, headers=platform.key())


async def begun(platform: Any, client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await begin(platform, client, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def now(platform: Any, found: dict[str, Any]) -> dict[str, Any]:
    answer = await platform.client("auditor").get(f"{RECOMMENDATIONS}/{found['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def try_event(
    platform: Any, client: httpx.AsyncClient, found: dict[str, Any], event: str, **data: Any
) -> httpx.Response:
    version = (await now(platform, found))["version"]
    body = {"event": event, "version": version, "note": "测试", "data": data}
    path = f"{RECOMMENDATIONS}/{found['id']}/events"
    return await client.post(path, json=body, headers=platform.key())


async def event(
    platform: Any, client: httpx.AsyncClient, found: dict[str, Any], name: str, **data: Any
) -> dict[str, Any]:
    answer = await try_event(platform, client, found, name, **data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def filing(**changes: Any) -> dict[str, Any]:
    number = f"NB-2026-{next(_numbers)}"
    return {"system": "宁波市科技管理系统", "number": number, "filed_on": "2026-10-20", **changes}


def letter(**changes: Any) -> dict[str, Any]:
    number = f"慈科函〔2026〕{next(_numbers)}号"
    return {"number": number, "issued_on": "2026-10-26", **changes}


def result(**changes: Any) -> dict[str, Any]:
    return {
        "outcome": "granted", "document": "甬科高〔2026〕66号", "issuer": "宁波市科学技术局",
        "decided_on": "2026-11-20", **changes,
    }  # fmt: skip


async def with_letter(
    platform: Any, desk: httpx.AsyncClient, firm: httpx.AsyncClient, body: dict[str, Any]
) -> dict[str, Any]:
    """Bring a recommendation to its letter."""
    found = await begun(platform, firm, body)
    await event(platform, firm, found, "file", **filing())
    await event(platform, desk, found, "review", outcome="pass", finding="材料齐全，符合通知条件")
    return await event(platform, platform.client("approver"), found, "issue-letter", **letter())


async def until_title(platform: Any, found: dict[str, Any], state: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        read = await now(platform, found)
        if read["title"] is not None and read["title"]["state"] == state:
            return read
        assert time.monotonic() < deadline, read
        await asyncio.sleep(0.02)


async def history(client: Any, found: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.get(f"{RECOMMENDATIONS}/{found['id']}/history")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]
