"""Calls of policy's offers, and of what is said against the facts that cases are filled with."""

import asyncio
import itertools
import time
from typing import Any

from tests.contracts.calls.policy import CASES, case_for
from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import REVIEWER, WAIT_S_MAX, World

BATCHES = "/v1/policy/offer-batches"
OBJECTIONS = "/v1/policy/fact-objections"
# Its amount is not set, so that a batch prepares no case that would stand in another's way.
OFFERED = "large-strong"
_years = itertools.count(2000)


def _body() -> dict[str, Any]:
    return {"programme": OFFERED, "year": next(_years)}


async def _batch(world: World, state: str, *, fresh: bool) -> dict[str, Any]:
    async def make() -> dict[str, Any]:
        made = await world.post(REVIEWER, BATCHES, _body())
        path = f"{BATCHES}/{made['id']}"
        if state == "open":
            await world.post("approver", f"{path}/events", {"event": "approve", "version": 1})
        deadline = time.monotonic() + WAIT_S_MAX
        while made["state"] != state:
            assert time.monotonic() < deadline, made
            await asyncio.sleep(0.05)
            made = await world.get("auditor", path)
        return made

    return await world.kept(f"batch {state}", make, fresh=fresh)


@call("GET /v1/policy/offer-batches")
async def _(world: World, _: Cell) -> Call:
    batch = await _batch(world, "draft", fresh=False)
    return Call(BATCHES, params={"limit": 200}, finds=("id", batch["id"]))


@call("POST /v1/policy/offer-batches")
async def _(world: World, _: Cell) -> Call:
    return Call(BATCHES, json=_body(), headers=world.platform.key())


def _reads(tail: str) -> Make:
    async def make(world: World, _: Cell) -> Call:
        batch = await _batch(world, "draft", fresh=False)
        return Call(f"{BATCHES}/{batch['id']}{tail}")

    return make


for _tail in ("", "/offers"):
    call(f"GET /v1/policy/offer-batches/{{batch_id}}{_tail}")(_reads(_tail))


def _moves(name: str, state: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        batch = await _batch(world, state, fresh=cell.is_allowed)
        deed = {"event": name, "version": batch["version"], "note": "测试"}
        path = f"{BATCHES}/{batch['id']}/events"
        return Call(path, json=deed, headers=world.platform.key())

    return make


for _name, _state in (("approve", "draft"), ("cancel", "draft"), ("close", "open")):
    call(f"POST /v1/policy/offer-batches/{{batch_id}}/events {_name}")(_moves(_name, _state))


@call("GET /v1/policy/cases/{case_id}/prefill")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/prefill")


@call("GET /v1/policy/cases/{case_id}/fact-objections")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/fact-objections")


async def _objectionable(world: World, case: dict[str, Any]) -> dict[str, Any]:
    """Word an objection to a number that a case is filled with."""
    filled = await world.get("auditor", f"{CASES}/{case['id']}/prefill")
    held = next(i for i in filled["items"] if i["unit"] == "fen" and i["value"] is not None)
    return {
        "fact": held["name"], "year": held["year"], "says": held["value"] + 1, "reason": "测试",
    }  # fmt: skip


@call("POST /v1/policy/cases/{case_id}/fact-objections")
async def _(world: World, cell: Cell) -> Call:
    case = await case_for(world, cell, "draft", fresh=cell.is_allowed)
    if cell.role == "institution":
        case = await world.institutions_case("draft")
    body = await _objectionable(world, case)
    path = f"{CASES}/{case['id']}/fact-objections"
    return Call(path, json=body, headers=world.platform.key())


async def _objection(world: World, cell: Cell, *, fresh: bool = False) -> dict[str, Any]:
    """Have the institution object for institutions, and the firm for everybody else."""
    is_institution = cell.role == "institution"

    async def make() -> dict[str, Any]:
        who = "institution" if is_institution else "firm"
        case = await (world.institutions_case("draft") if is_institution else world.case("draft"))
        body = await _objectionable(world, case)
        return await world.post(who, f"{CASES}/{case['id']}/fact-objections", body)

    return await world.kept(f"fact objection {is_institution}", make, fresh=fresh)


@call("GET /v1/policy/fact-objections")
async def _(world: World, cell: Cell) -> Call:
    objection = await _objection(world, cell)
    return Call(OBJECTIONS, params={"limit": 200}, finds=("id", objection["id"]))


@call("GET /v1/policy/fact-objections/{objection_id}")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{OBJECTIONS}/{(await _objection(world, cell))['id']}")


def _answers(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        objection = await _objection(world, cell, fresh=cell.is_allowed)
        data: dict[str, Any] = {}
        if name == "uphold" and cell.is_allowed:
            year, fact = objection["year"], objection["fact"]
            answer = await world.client("registrar").put(
                f"/v1/enterprise/firms/{world.uscc}/indicators/{year}",
                json={"facts": {fact: objection["says"]}, "source": "测试更正"},
            )
            assert answer.status_code == 200, answer.text
            data = {"statement_id": answer.json()["statement_id"]}
        body = event(name, objection["version"], **data) | {"note": "测试"}
        path = f"{OBJECTIONS}/{objection['id']}/events"
        return Call(path, json=body, headers=world.platform.key())

    return make


for _name in ("uphold", "dismiss", "withdraw"):
    call(f"POST /v1/policy/fact-objections/{{objection_id}}/events {_name}")(_answers(_name))
