"""Calls of the officers' desk: batches, cases of earlier years, and a call's list."""

from typing import Any

from tests.contracts.calls.policy import CALLS, CASES, case_for
from tests.contracts.calls.registry import Call, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import REVIEWER, World

COLUMNS = "external_ref,programme,applicant_id,matter_kind,matter_period,state,decided_on,document"


@call("POST /v1/policy/case-batches")
async def _(world: World, cell: Cell) -> Call:
    """Accept one case; whether that very case is the caller's, its answer says."""
    case = await case_for(world, cell)
    items = [{"case": case["id"], "version": case["version"]}]
    body = {"event": "decide" if cell.role == "approver" else "accept", "items": items}
    return Call("/v1/policy/case-batches", json=body, headers=world.platform.key())


@call("POST /v1/policy/cases/imports")
async def _(world: World, _: Cell) -> Call:
    row = f"matrix,large-strong,{world.uscc},year,2020,refused,not-a-day,测试"
    headers = {**world.platform.key(), "Content-Type": "text/csv"}
    return Call(f"{CASES}/imports", content=f"{COLUMNS}\n{row}\n".encode(), headers=headers)


@call("POST /v1/policy/calls/{call_id}/events publish-list")
async def _(world: World, _: Cell) -> Call:
    async def make() -> dict[str, Any]:
        window = {"opens_on": "2199-01-01", "closes_on": "2199-12-31"}
        body = {
            "programme": "large-strong", "year": 2199, "window": window, "notice": "list",
            "title": "合约测试名单",
        }  # fmt: skip
        made = await world.post(REVIEWER, CALLS, body)
        return await world.post("approver", f"{CALLS}/{made['id']}/events", event("publish"))

    made = await world.kept("call with a list", make, fresh=False)
    deed = event("publish-list", made["version"])
    path = f"{CALLS}/{made['id']}/events"
    return Call(path, json=deed, lets_in=(409, "nothing-to-list"))
