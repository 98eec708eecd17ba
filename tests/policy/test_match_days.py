"""Until when firms may have a programme: what a call changes of it is told at once."""

import asyncio
import time
from typing import Any

from sqlalchemy import text

from services.policy.plan.actions.load_library import library
from tests.policy.panel_steps import call_deed, call_of
from tests.policy.review_steps import end_calls
from tests.policy.steps import GROWTH, growing_firm

WAIT_S_MAX = 20
MATCHED = "liangxin.policy.firm.matched.v1"


async def is_shown(platform: Any, uscc: str, day: str | None) -> bool:
    """Wait until a firm is shown this day as its last one."""
    deadline = time.monotonic() + WAIT_S_MAX
    while time.monotonic() < deadline:
        answer = await platform.client("auditor").get(f"/v1/policy/firms/{uscc}/matches")
        days = {each["programme"]: each["until_day"] for each in answer.json()["items"]}
        if GROWTH in days and days[GROWTH] == day:
            return True
        await asyncio.sleep(0.05)
    return False


async def last_told(platform: Any, uscc: str) -> dict[str, Any]:
    query = text(
        "SELECT payload::jsonb FROM outbox WHERE aggregate = :aggregate AND type = :type"
        " ORDER BY seq DESC LIMIT 1"
    )
    asked = {"aggregate": f"firm:{uscc}", "type": MATCHED}
    async with platform.service("policy").sessions() as session:
        return (await session.execute(query, asked)).scalar_one()


async def test_a_call_that_opens_or_ends_moves_the_last_day_at_once(platform: Any) -> None:
    await end_calls(platform, GROWTH)
    uscc = await growing_firm(platform)
    last = library().programmes[GROWTH].plan.in_force_to
    in_force_to = None if last is None else str(last)
    assert await is_shown(platform, uscc, in_force_to)
    call = await call_of(platform, programme=GROWTH)
    assert await is_shown(platform, uscc, call["window"]["closes_on"])
    told = await last_told(platform, uscc)
    assert told["changes"] == [{"programme": GROWTH, "change": "changed"}]
    await call_deed(platform, call, "cancel", note="预算调整")
    assert await is_shown(platform, uscc, in_force_to)
