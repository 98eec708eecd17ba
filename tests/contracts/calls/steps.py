"""Calls of policy: the steps of a review, and recusals."""

from tests.contracts.calls.policy import CASES, case_for
from tests.contracts.calls.registry import Call, Make, call
from tests.contracts.matrix import Cell
from tests.contracts.reviewed import at_the_departments, opened
from tests.contracts.world import World


@call("GET /v1/policy/cases/{case_id}/steps")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/steps")


def _moves(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        found = await world.kept("step", lambda: at_the_departments(world), fresh=cell.is_allowed)
        data = {} if name == "return" else {"finding": "测试意见"}
        body = {"event": name, "version": found["version"], "note": "测试", "data": data}
        path = f"{CASES}/{found['case']}/steps/{found['id']}/events"
        return Call(path, json=body, headers=world.platform.key())

    return make


for _name in ("pass", "fail", "return"):
    call(f"POST /v1/policy/cases/{{case_id}}/steps/{{step_id}}/events {_name}")(_moves(_name))


@call("GET /v1/policy/cases/{case_id}/recusals")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/recusals")


@call("POST /v1/policy/cases/{case_id}/recusals")
async def _(world: World, cell: Cell) -> Call:
    """Recuse oneself from a case that nobody else looks at."""
    case = await world.kept("case to recuse from", lambda: opened(world), fresh=cell.is_allowed)
    body = {"reason": "测试回避"}
    return Call(f"{CASES}/{case['id']}/recusals", json=body, headers=world.platform.key())
