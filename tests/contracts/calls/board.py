"""Calls of the task board: tasks, meetings, reports."""

from typing import Any

from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import PROOF, World

TASKS = "/v1/policy/tasks"
MEETINGS = "/v1/policy/meetings"
# The state in which an event can happen.
BEFORE = {
    "start": "open",
    "report": "in-progress",
    "attach": "in-progress",
    "block": "in-progress",
    "unblock": "blocked",
    "finish": "in-progress",
    "schedule": "open",
    "accept": "done",
    "return": "done",
    "assign": "open",
    "cancel": "open",
}
DATA: dict[str, dict[str, Any]] = {
    "attach": PROOF,
    "schedule": {"working_days": 5},
    "assign": {"lead": "kjj"},
}


def _desk(cell: Cell) -> str:
    return "sjglj" if cell.role == "registrar" else "jxj"


async def _task(world: World, cell: Cell, state: str = "open") -> dict[str, Any]:
    lead = _desk(cell)
    name = f"task {state} of {lead}"
    return await world.kept(name, lambda: world.task(state, lead), fresh=cell.is_allowed)


@call("GET /v1/policy/tasks/{task_id}")
async def _(_: World, __: Cell) -> Call:
    return Call(f"{TASKS}/m30-exchange")


@call("POST /v1/policy/tasks")
async def _(world: World, cell: Cell) -> Call:
    body = {"title": "合约测试", "lead": _desk(cell), "done_when": "测试", "source": "测试"}
    return Call(TASKS, json=body, headers=world.platform.key())


@call("PATCH /v1/policy/tasks/{task_id}")
async def _(world: World, cell: Cell) -> Call:
    task = await _task(world, cell)
    headers = {"If-Match": f'"{task["version"]}"'}
    return Call(f"{TASKS}/{task['id']}", json={"title": "合约测试（改）"}, headers=headers)


@call("GET /v1/policy/tasks/{task_id}/history")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{TASKS}/{(await _task(world, cell))['id']}/history")


def _moves(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        task = await _task(world, cell, BEFORE[name])
        body = {**event(name, task["version"], **DATA.get(name, {})), "note": "测试"}
        return Call(f"{TASKS}/{task['id']}/events", json=body, headers=world.platform.key())

    return make


for _name in BEFORE:
    call(f"POST /v1/policy/tasks/{{task_id}}/events {_name}")(_moves(_name))


@call("GET /v1/policy/task-reports/{month}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"/v1/policy/task-reports/{world.today[:7]}")


async def _meeting(world: World, state: str, *, fresh: bool = False) -> dict[str, Any]:
    return await world.kept(f"meeting {state}", lambda: world.meeting(state), fresh=fresh)


@call("GET /v1/policy/meetings")
async def _(world: World, _: Cell) -> Call:
    meeting = await _meeting(world, "published")
    return Call(MEETINGS, params={"limit": 200}, finds=("id", meeting["id"]))


@call("POST /v1/policy/meetings")
async def _(world: World, _: Cell) -> Call:
    return Call(MEETINGS, json=world.meeting_body(), headers=world.platform.key())


@call("GET /v1/policy/meetings/{meeting_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{MEETINGS}/{(await _meeting(world, 'published'))['id']}")


@call("PUT /v1/policy/meetings/{meeting_id}")
async def _(world: World, cell: Cell) -> Call:
    meeting = await _meeting(world, "draft", fresh=cell.is_allowed)
    headers = {"If-Match": f'"{meeting["version"]}"'}
    return Call(f"{MEETINGS}/{meeting['id']}", json=world.meeting_body(), headers=headers)


def _moves_meeting(name: str, state: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        meeting = await _meeting(world, state, fresh=cell.is_allowed)
        body = {"event": name, "version": meeting["version"]}
        path = f"{MEETINGS}/{meeting['id']}/events"
        return Call(path, json=body, headers=world.platform.key())

    return make


for _name, _state in (("publish", "draft"), ("close", "published")):
    call(f"POST /v1/policy/meetings/{{meeting_id}}/events {_name}")(_moves_meeting(_name, _state))
