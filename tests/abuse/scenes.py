"""Requests that may succeed, for every operation: what the matrix sends for who is let in."""

import re
from dataclasses import dataclass, field
from typing import Any

from tests.contracts.callers import CALLS, Call
from tests.contracts.calls import aftermath, documents, inspection
from tests.contracts.calls.registry import event
from tests.contracts.matrix import PUBLIC, entries
from tests.contracts.world import REVIEWER, World


@dataclass(frozen=True)
class Scene:
    """A request on an object of its own, and who may send it."""

    client: str
    path: dict[str, str]
    query: dict[str, Any] = field(default_factory=dict[str, Any])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    media_type: str | None = "application/json"


async def scenes(world: World, label: str) -> list[Scene]:
    """Set a scene for each event of an operation and each role that may send it."""
    # Of long work a person may have a few under way only.
    await world.platform.settle()
    made: list[Scene] = []
    for entry in entries():
        if entry.route != label:
            continue
        cells = [cell for cell in entry.cells() if cell.is_allowed and cell.role != PUBLIC]
        for cell in cells:
            call = await CALLS[entry.name](world, cell)
            made.append(_scene(cell.client, entry.path, call))
    if label in OWN:
        made.append(await OWN[label](world))
    return made


async def _archiving(world: World) -> Scene:
    return Scene("approver", {"case_id": (await world.case("withdrawn"))["id"]})


async def _appealing(world: World) -> Scene:
    case = await aftermath.refused_case(world)
    body = {
        "kind": "reconsideration", "body": "慈溪市人民政府", "number": "测试",
        "lodged_on": world.today, "grounds": "测试",
    }  # fmt: skip
    return Scene("firm", {"case_id": case["id"]}, body=body)


async def _drawing(world: World) -> Scene:
    draw = await inspection.ripe_draw(world)
    return Scene("approver", {"draw_id": draw["id"]}, body=event("draw", seed="03,11"))


async def _looking_at_places(world: World) -> Scene:
    made = await inspection.call_of(world, await world.case("in-review"))
    path = f"/v1/policy/calls/{made['id']}/events"
    await world.post("approver", path, event("rank", made["version"]))
    return Scene("approver", {"call_id": made["id"]})


async def _drafting(world: World) -> Scene:
    return Scene(REVIEWER, {}, body=documents.body(await world.case("awarded")))


# What the matrix calls on objects that refuse whoever is let in.
OWN = {
    "POST /v1/policy/cases/{case_id}/archive": _archiving,
    "POST /v1/policy/cases/{case_id}/appeals": _appealing,
    "POST /v1/policy/check-draws/{draw_id}/events": _drawing,
    "POST /v1/policy/documents": _drafting,
    "GET /v1/policy/calls/{call_id}/ranking": _looking_at_places,
}


def _scene(client: str, template: str, call: Call) -> Scene:
    names = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", template)
    found = re.fullmatch(names, call.path)
    assert found is not None, (template, call.path)
    headers = dict(call.headers)
    media_type = headers.pop("Content-Type", None)
    body = call.json
    for media, given in (
        ("application/json", call.json),
        ("application/x-www-form-urlencoded", call.form),
        (media_type, call.content),
    ):
        if given is not None:
            media_type, body = media, given
    return Scene(client, found.groupdict(), call.params, headers, body, media_type)
