"""Steps that the tests of titles share: firms that are entitled, cases decided without money."""

import asyncio
import time
from typing import Any

import httpx
from sqlalchemy import text

from tests.policy.notice_steps import AFTER
from tests.policy.steps import (
    WAIT_S_MAX,
    firm_client,
    fresh_uscc,
    move,
    open_case,
    register,
    set_clock,
    state_of_day,
    until,
    walk_to_review,
)

STARS = "three-star-green-factory"
LEADER = "chain-leader-recognition"
ENTERPRISE = "/v1/enterprise/firms"


async def green_firm(platform: Any) -> str:
    """Register a firm that is entitled to three stars, and to be a chain leader."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state_of_day(
        platform, uscc, green_factory_score=80, per_mu_class="A", had_major_incident_3y=False,
        future_industry="humanoid-robots",
    )  # fmt: skip
    await platform.settle()
    return uscc


async def noticed(
    platform: Any, programme: str = STARS, **data: Any
) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Bring a case without money into its notice; give it with its firm's client."""
    uscc = await green_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc, programme))
    return await move(platform, platform.client("reviewer"), case, "propose", data=data), firm


async def decided(platform: Any, case: dict[str, Any], **data: Any) -> dict[str, Any]:
    """Let the notice run out and decide in favour, and wait until the registry has answered."""
    await set_clock(platform, AFTER)
    data = {"outcome": "approve", **data}
    await move(platform, platform.client("approver"), case, "decide", data=data)
    return await until(platform, case, lambda c: c["state"] == "closed")


async def titles_of(platform: Any, uscc: str) -> list[dict[str, Any]]:
    answer = await platform.client("reviewer").get(f"{ENTERPRISE}/{uscc}/recognitions")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def record_title(platform: Any, uscc: str, recognition: str, **changes: Any) -> Any:
    body = {
        "recognition": recognition, "grade": None, "issuer": "市经信局", "document": "测试文件1号",
        "valid_from": "2025-01-01", "valid_to": None, **changes,
    }  # fmt: skip
    answer = await platform.client("registrar").post(f"{ENTERPRISE}/{uscc}/recognitions", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def told(platform: Any, service: str, aggregate: str) -> list[str]:
    """Name what a service announced of an aggregate, in order."""
    async with platform.service(service).engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT type FROM outbox WHERE aggregate = :a ORDER BY seq"), {"a": aggregate}
        )
        return [type_.removeprefix(f"liangxin.{service}.").removesuffix(".v1") for (type_,) in rows]


async def until_told(platform: Any, service: str, aggregate: str, wanted: str) -> list[str]:
    deadline = time.monotonic() + WAIT_S_MAX
    while wanted not in (found := await told(platform, service, aggregate)):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
    return found
