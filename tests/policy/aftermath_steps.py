"""Steps of what follows a decision: obligations, proposals to recover, appeals and checks."""

from datetime import timedelta
from typing import Any

import httpx

from services.kernel.clock import city_day
from tests.policy.files import fresh_pdf, send_file

OBLIGATIONS, RECOVERIES = "/v1/policy/obligations", "/v1/policy/recoveries"
APPEALS = "/v1/policy/appeals"


def day_after(platform: Any, days: int) -> str:
    """Give the day that is so many days after the business clock's today."""
    today = city_day(platform.service("policy").clock.now())
    return (today + timedelta(days=days)).isoformat()


def obligation_body(platform: Any, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "acceptance", "says": "项目通过验收", "source": "项目任务书第五条（测试）",
        "on_failure": "recover", "due_on": day_after(platform, 30), **changes,
    }  # fmt: skip


async def try_add(
    platform: Any, case: dict[str, Any], client: str = "reviewer", **changes: Any
) -> httpx.Response:
    return await platform.client(client).post(
        f"/v1/policy/cases/{case['id']}/obligations",
        json=obligation_body(platform, **changes),
        headers=platform.key(),
    )


async def obliged(platform: Any, case: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Have an obligation of a document stand: one person adds it, another confirms it."""
    answer = await try_add(platform, case, **changes)
    assert answer.status_code == 201, answer.text
    return await done(platform, platform.client("approver"), OBLIGATIONS, answer.json(), "confirm")


async def try_deed(
    platform: Any,
    client: httpx.AsyncClient,
    path: str,
    row: dict[str, Any],
    event: str,
    note: str = "测试",
    **data: Any,
) -> httpx.Response:
    """Send an event at the version that was seen last, whatever comes of it."""
    body = {"event": event, "version": row["version"], "note": note, "data": data}
    return await client.post(f"{path}/{row['id']}/events", json=body, headers=platform.key())


async def done(
    platform: Any,
    client: httpx.AsyncClient,
    path: str,
    row: dict[str, Any],
    event: str,
    note: str = "测试",
    **data: Any,
) -> dict[str, Any]:
    answer = await try_deed(platform, client, path, row, event, note, **data)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def proof(firm: httpx.AsyncClient, case: dict[str, Any]) -> str:
    """Have the applicant hand a file in; give its id."""
    answer = await send_file(firm, case, fresh_pdf())
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def read(client: httpx.AsyncClient, path: str, row: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{path}/{row['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()
