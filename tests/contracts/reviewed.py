"""Cases with steps, and cases that are late, for the cells of the matrix and the outbox."""

from datetime import timedelta
from typing import Any

from services.kernel.database import flush_changes
from services.kernel.unit import commit
from services.policy.clocks.actions.check_clocks import check_clocks
from tests.contracts.world import WAY, World
from tests.contracts.years import count

# Of the same department as the other cases of the world, and reviewed in steps.
STEPPED = "large-strong-retrofit"
LATE_DAYS = 90


async def opened(world: World) -> dict[str, Any]:
    """Open a case of a programme with steps, for a year that no other case is for."""
    year = int(world.today[:4]) - 1 - count(world, "stepped")
    body = {
        "programme": STEPPED, "applicant": {"kind": "firm", "id": world.uscc},
        "matter": {"kind": "year", "period": str(year)},
    }  # fmt: skip
    return await world.post("firm", "/v1/policy/cases", body)


async def at_the_departments(world: World) -> dict[str, Any]:
    """Bring a case to the departments' review; give the lead's part of it."""
    case = await opened(world)
    for who, event in WAY["in-review"]:
        deed = {"event": event, "version": case["version"], "data": {}}
        case = await world.post(who, f"/v1/policy/cases/{case['id']}/events", deed)
    path = f"/v1/policy/cases/{case['id']}/steps"
    town = (await world.get("auditor", path))["items"][0]
    deed = {"event": "pass", "version": town["version"], "data": {"finding": "情况属实"}}
    await world.post("reviewer-town", f"{path}/{town['id']}/events", deed)
    return (await world.get("auditor", path))["items"][1]


async def let_cases_be_late(world: World) -> None:
    """Have the clocks looked at long after every one of them was due."""
    policy = world.platform.service("policy")
    async with policy.sessions() as session:
        await check_clocks(session, "recurring", policy.clock.now() + timedelta(days=LATE_DAYS))
        await flush_changes(session)
        await commit(session)
