"""Offers, objections to facts and provisional facts, so that each of their events is announced."""

import asyncio
import time
from typing import Any

from services.kernel.unit import commit
from services.policy.offers.actions.work_offers import remind_on_the_day
from tests.contracts.world import GROWTH, REVIEWER, WAIT_S_MAX, World

BATCHES, CASES = "/v1/policy/offer-batches", "/v1/policy/cases"


async def offer(world: World) -> None:
    """Have a firm of its own offered a programme, reminded, and decline."""
    uscc = await world.new_firm()
    firm = f"offered-{uscc.lower()}"
    world._own[firm] = await world.sign_in(firm, roles=["firm"], uscc=uscc)  # pyright: ignore[reportPrivateUsage]
    last = int(world.today[:4]) - 1
    for year, revenue_fen in ((last - 2, 10**10), (last - 1, 2 * 10**10), (last, 3 * 10**10)):
        await _state(world, "registrar", uscc, year, revenue_fen)
    await _state_of_day(world, uscc)
    await world.platform.settle()
    batch = await world.post(REVIEWER, BATCHES, {"programme": GROWTH, "year": last})
    path = f"{BATCHES}/{batch['id']}"
    await world.post("approver", f"{path}/events", {"event": "approve", "version": 1})
    await _until(world, path, lambda found: found["state"] == "open")
    policy = world.platform.service("policy")
    async with policy.sessions() as session:
        await remind_on_the_day(session, batch["id"], policy.clock.now())
        await commit(session)
    case = next(
        each for each in (await world.get(firm, CASES))["items"] if each["programme"] == GROWTH
    )
    await _until(world, f"{path}/offers?limit=200", _is_reminded)
    decline = {"event": "decline", "version": case["version"], "data": {}}
    await world.post(firm, f"{CASES}/{case['id']}/events", decline)
    found = await world.get("auditor", path)
    close = {"event": "close", "version": found["version"], "note": "测试"}
    await world.post("approver", f"{path}/events", close)


async def contest(world: World) -> None:
    """Have a firm object to a fact and its registrar dismiss it; and speak on another fact."""
    uscc = await world.new_firm()
    firm = f"contested-{uscc.lower()}"
    world._own[firm] = await world.sign_in(firm, roles=["firm"], uscc=uscc)  # pyright: ignore[reportPrivateUsage]
    last = int(world.today[:4]) - 1
    await _state(world, "registrar", uscc, last, 10**10)
    await _state(world, firm, uscc, last - 1, 10**9)
    await world.platform.settle()
    body = {
        "programme": GROWTH, "applicant": {"kind": "firm", "id": uscc},
        "matter": {"kind": "year", "period": str(last)},
    }  # fmt: skip
    case = await world.post(firm, CASES, body)
    objection = {"fact": "revenue_fen", "year": last, "says": 10**9, "reason": "测试"}
    made = await world.post(firm, f"{CASES}/{case['id']}/fact-objections", objection)
    dismiss = {"event": "dismiss", "version": 1, "note": "测试"}
    await world.post("registrar", f"/v1/policy/fact-objections/{made['id']}/events", dismiss)
    await _state(world, "registrar", uscc, last - 1, 10**9)
    await world.platform.settle()


def _is_reminded(found: dict[str, Any]) -> bool:
    waiting = [each for each in found["items"] if each["state"] == "prepared"]
    return bool(waiting) and all(each["reminded_at"] for each in waiting)


async def _state(world: World, who: str, uscc: str, year: int, revenue_fen: int) -> None:
    answer = await world.client(who).put(
        f"/v1/enterprise/firms/{uscc}/indicators/{year}",
        json={"facts": {"revenue_fen": revenue_fen}, "source": "测试年报"},
    )
    assert answer.status_code == 200, answer.text


async def _state_of_day(world: World, uscc: str) -> None:
    facts = {"is_digital_manufacturing": True, "is_above_scale": True}
    body = {"facts": facts, "valid_from": "2002-01-01", "source": "主管部门认定（测试）"}
    await world.post("registrar", f"/v1/enterprise/firms/{uscc}/facts", body)


async def _until(world: World, path: str, holds: Any) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not holds(found := await world.get("auditor", path)):
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)
