"""Matching: where firms stand, who is told what and when, and what sets it going."""

import asyncio
import time
from typing import Any

from sqlalchemy import text

from services.policy.plan.actions.load_library import library
from tests.policy.steps import (
    GROWTH,
    WAN,
    approve,
    budget,
    client_of,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    propose,
    publish,
    register,
    reset_clock,
    set_clock,
    state,
    state_of_day,
)

WAIT_S_MAX = 20
_TOLD = """
SELECT payload::jsonb FROM outbox WHERE aggregate = :aggregate AND type = :type ORDER BY seq
"""


async def told(platform: Any, uscc: str) -> list[dict[str, Any]]:
    """Give what was announced of a firm's standing, in order."""
    values = {"aggregate": f"firm:{uscc}", "type": "liangxin.policy.firm.matched.v1"}
    async with platform.service("policy").sessions() as session:
        return [row[0] for row in await session.execute(text(_TOLD), values)]


def changes(event: dict[str, Any]) -> dict[str, str]:
    return {each["programme"]: each["change"] for each in event["changes"]}


async def stands(platform: Any, uscc: str, programme: str = GROWTH) -> dict[str, Any] | None:
    answer = await platform.client("auditor").get(f"/v1/policy/firms/{uscc}/matches")
    assert answer.status_code == 200, answer.text
    found = [each for each in answer.json()["items"] if each["programme"] == programme]
    return found[0] if found else None


async def until_stands(platform: Any, uscc: str, holds: Any, programme: str = GROWTH) -> Any:
    """Wait for what a timer or a backlog brings about."""
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        found = await stands(platform, uscc, programme)
        if holds(found):
            return found
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.05)


async def test_a_firm_is_told_what_it_is_newly_entitled_to(platform: Any) -> None:
    uscc = await growing_firm(platform)
    found = await stands(platform, uscc)
    assert found is not None
    assert (found["kind"], found["outcome"], found["amount_status"]) == (
        "entitled", "eligible", "set",
    )  # fmt: skip
    assert found["amount_fen"] > 0
    assert found["version"] == library().programmes[GROWTH].version
    events = await told(platform, uscc)
    assert "newly-entitled" in [changes(event).get(GROWTH) for event in events]
    versions = [event["version"] for event in events]
    assert versions == list(range(1, len(versions) + 1))
    (last,) = [each for each in events[-1]["programmes"] if each["programme"] == GROWTH]
    assert (last["kind"], last["amount_fen"]) == ("entitled", found["amount_fen"])


async def test_what_was_told_is_not_told_again(platform: Any) -> None:
    uscc = await growing_firm(platform)
    before = await told(platform, uscc)
    await state(platform, uscc, 2025, export_fen=5)
    await platform.settle()
    assert await told(platform, uscc) == before


async def test_a_fact_that_moves_the_amount_is_told(platform: Any) -> None:
    uscc = await growing_firm(platform, 202_000)
    was = await stands(platform, uscc)
    await state(platform, uscc, 2025, revenue_fen=260_000 * WAN)
    await platform.settle()
    now = await stands(platform, uscc)
    event = (await told(platform, uscc))[-1]
    assert was != now
    assert changes(event)[GROWTH] in ("changed", "newly-entitled")


async def test_an_unknown_firm_and_a_foreign_one_are_not_shown(platform: Any) -> None:
    uscc = await growing_firm(platform)
    own = await firm_client(platform, uscc)
    other = fresh_uscc()
    foreign = await firm_client(platform, other)
    assert (await own.get(f"/v1/policy/firms/{uscc.lower()}/matches")).status_code == 200
    assert (await foreign.get(f"/v1/policy/firms/{uscc}/matches")).status_code == 404
    listed = await own.get("/v1/policy/matches", params={"limit": 200})
    assert {each["uscc"] for each in listed.json()["items"]} == {uscc}
    assert (await foreign.get("/v1/policy/matches")).json()["items"] == []
    nobody = await platform.client("auditor").get(f"/v1/policy/firms/{fresh_uscc()}/matches")
    assert nobody.status_code == 404
