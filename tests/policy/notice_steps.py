"""Steps that the tests of public notice share: a case in notice, objections, what is seen."""

import asyncio
import time
from typing import Any

import httpx

from tests.policy.steps import (
    WAIT_S_MAX,
    WAN,
    budget,
    firm_client,
    fresh_uscc,
    open_case,
    propose,
    register,
    state,
    state_of_day,
    until,
)

SOFTWARE = "software-growth"
NOTICES = "/v1/policy/notices"
PUBLISHED, LAST_NIGHT = "2026-11-02T10:00:00+08:00", "2026-11-09T23:00:00+08:00"
AFTER, DISMISSED = "2026-11-10T00:00:00+08:00", "2026-11-12T09:00:00+08:00"


async def software_firm(platform: Any) -> str:
    """Register a software firm that is entitled to the growth award."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year, wan in ((2023, 1_000), (2024, 2_000), (2025, 3_000)):
        await state(platform, uscc, year, revenue_fen=wan * WAN)
    await state_of_day(platform, uscc, is_software_information_service=True, is_above_scale=True)
    await platform.settle()
    return uscc


async def in_notice(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Bring a case into its notice; give it with its firm's client."""
    await budget(platform, programme=SOFTWARE)
    uscc = await software_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc, SOFTWARE))
    return await until(platform, case, lambda c: c["state"] == "in-notice"), firm


def said(case: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "item": case["id"], "name": "张三丰", "contact": "0574-63990000",
        "reason": "营业收入与公开年报不符。", "evidence": ["2025年度报告第12页"], **changes,
    }  # fmt: skip


async def object_to(
    platform: Any, case: dict[str, Any], client: str = "public", **changes: Any
) -> httpx.Response:
    path = f"{NOTICES}/{case['notice']['id']}/objections"
    return await platform.client(client).post(path, json=said(case, **changes))


async def handle(
    platform: Any, objection: dict[str, Any], event: str, client: Any = "reviewer", **data: Any
) -> httpx.Response:
    who = platform.client(client) if isinstance(client, str) else client
    body = {
        "event": event, "version": 1, "note": "经核查。", "data": {"reply": "已核查。", **data},
    }  # fmt: skip
    path = f"{NOTICES}/{objection['notice']}/objections/{objection['id']}/events"
    return await who.post(path, json=body, headers=platform.key())


async def read(platform: Any, path: str, client: str = "public", **params: Any) -> Any:
    answer = await platform.client(client).get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def case_now(platform: Any, case: dict[str, Any]) -> dict[str, Any]:
    return await read(platform, f"/v1/policy/cases/{case['id']}", "auditor")


async def notice_of(platform: Any, case: dict[str, Any]) -> dict[str, Any]:
    return await read(platform, f"{NOTICES}/{case['notice']['id']}")


async def events(platform: Any, case: dict[str, Any]) -> list[str]:
    found = await read(platform, f"/v1/policy/cases/{case['id']}/history", "auditor")
    return [row["event"] for row in found["items"]]


async def until_event(platform: Any, case: dict[str, Any], event: str) -> list[str]:
    """Wait until a case's history has an event."""
    deadline = time.monotonic() + WAIT_S_MAX
    while event not in (found := await events(platform, case)):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
    return found
