"""Matters that follow a decision, brought to where each of their announcements is made."""

from datetime import date, datetime

from services.kernel.clock import CITY
from services.kernel.unit import commit
from services.policy.obligations.actions.check_day import check_obligations
from tests.contracts.calls import aftermath, inspection
from tests.contracts.calls.registry import event
from tests.contracts.world import World


async def follow_decisions(world: World) -> None:
    """Have an obligation told of, a recovery proposed, an appeal, a sheet and a check."""
    obligation = await aftermath.obligation(world, "open")
    await aftermath.recovery(world)
    await aftermath.appeal(world, "lodged")
    await inspection.sheet(world, "asked")
    inspector = world.subject("reviewer")
    case = await aftermath.awarded_case(world)
    check = await inspection.drawn_check(world, "reported", case, [inspector, "other"])
    path = f"{inspection.CHECKS}/{check['id']}/events"
    await world.post("reviewer", path, event("confirm", check["version"]))
    due = date.fromisoformat(obligation["due_on"])
    policy = world.platform.service("policy")
    async with policy.sessions() as session:
        at = datetime(due.year, due.month, due.day, 9, tzinfo=CITY)
        await check_obligations(session, "recurring", at)
        await commit(session)
