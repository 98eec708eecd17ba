"""Steps that the tests of a review share: a firm of a town, its case in review, desks and deeds."""

from datetime import date
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import update

from services.kernel.database import flush_changes
from services.kernel.unit import commit
from services.policy.calls.models import Call
from tests.policy.steps import (
    WAN,
    client_of,
    firm_client,
    fresh_uscc,
    move,
    open_case,
    register,
    state,
    walk_to_review,
)

RETROFIT = "large-strong-retrofit"
QUALITY = "government-quality-award"
REPORT = {"number": "甬审字〔2026〕12号", "on": "2026-01-05"}


async def retrofit_firm(platform: Any) -> str:
    """Register a large firm that invested, in the town of the demonstration's town reviewer."""
    uscc = fresh_uscc()
    town = platform.credentials.clients["reviewer-town"]["town_code"]
    await register(platform, uscc, town_code=town)
    for year in (2025, 2026):
        facts = {"revenue_fen": 60_000 * WAN, "technical_investment_fen": 2_000 * WAN}
        await state(platform, uscc, year, **facts)
    await platform.settle()
    return uscc


async def in_review(
    platform: Any, programme: str = RETROFIT, reviewer: str = "reviewer"
) -> tuple[dict[str, Any], httpx.AsyncClient]:
    """Bring a case into its review; give it with its firm's client."""
    uscc = await retrofit_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc, programme)
    return await walk_to_review(platform, firm, case, reviewer), firm


async def steps_of(
    platform: Any, case: dict[str, Any], client: Any = "auditor"
) -> list[dict[str, Any]]:
    who = platform.client(client) if isinstance(client, str) else client
    answer = await who.get(f"/v1/policy/cases/{case['id']}/steps")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def step_of(
    platform: Any, case: dict[str, Any], kind: str, department: str | None = None
) -> dict[str, Any]:
    """Find a desk's part of a step of a kind."""
    return next(
        each
        for each in await steps_of(platform, case)
        if each["kind"] == kind
        and department in (None, each["department"] and each["department"]["code"])
    )


async def try_step(
    platform: Any,
    client: Any,
    case: dict[str, Any],
    kind: str,
    event: str = "pass",
    *,
    department: str | None = None,
    note: str = "",
    version: int | None = None,
    **data: Any,
) -> httpx.Response:
    """Do an event to a step, with a finding unless it is a return."""
    step = await step_of(platform, case, kind, department)
    if event != "return":
        data = {"finding": "情况属实。"} | data
    body = {"event": event, "version": version or step["version"], "note": note, "data": data}
    who = platform.client(client) if isinstance(client, str) else client
    path = f"/v1/policy/cases/{case['id']}/steps/{step['id']}/events"
    return await who.post(path, json=body, headers=platform.key())


async def do_step(platform: Any, client: Any, *args: Any, **data: Any) -> dict[str, Any]:
    answer = await try_step(platform, client, *args, **data)
    assert answer.status_code == 200, answer.text
    return answer.json()


def states(steps: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(each["kind"], each["state"]) for each in steps]


async def case_now(platform: Any, case: dict[str, Any]) -> dict[str, Any]:
    answer = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def history_of(platform: Any, case: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/history")
    return answer.json()["items"]


async def again_in_review(
    platform: Any, firm: httpx.AsyncClient, case: dict[str, Any]
) -> dict[str, Any]:
    """Complete what was asked for, and have the case accepted and reviewed again."""
    await move(platform, firm, case, "complete")
    for event in ("accept", "review"):
        case = await move(platform, platform.client("reviewer"), case, event)
    return case


async def in_policy(platform: Any, work: Any) -> Any:
    """Do work in one transaction of policy, as another noun would."""
    policy = platform.service("policy")
    async with policy.sessions() as session:
        result = await work(session, policy.clock.now())
        await flush_changes(session)
        await commit(session)
    return result


async def end_calls(platform: Any, programme: str) -> None:
    """Leave no call of a programme open that applications of this test would have to name."""
    over = {"opens_on": date(2020, 1, 1), "closes_on": date(2020, 1, 2)}

    async def end(session: Any, _: Any) -> None:
        await session.execute(update(Call).where(Call.programme == programme).values(over))

    await in_policy(platform, end)


def id_of(case: dict[str, Any]) -> UUID:
    return UUID(case["id"])


async def finance_desk(platform: Any, case: dict[str, Any]) -> Any:
    """Have a reviewer of the finance bureau signed in."""
    name = f"czj-{case['id'][-12:]}"
    return await client_of(platform, name, roles=["reviewer"], department="czj")


async def pass_reviews(platform: Any, case: dict[str, Any]) -> None:
    """Have the town and both departments pass a case."""
    await do_step(platform, "reviewer-town", case, "town-review")
    await do_step(platform, "reviewer", case, "department-review", department="jxj")
    other = await finance_desk(platform, case)
    await do_step(platform, other, case, "department-review", department="czj")
