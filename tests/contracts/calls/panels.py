"""Calls of expert panels: an office's on its own cases, and experts' where they know none."""

from typing import Any

from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import GROWTH, REVIEWER, World
from tests.contracts.years import count

PANELS, SEATS, CASES = "/v1/policy/panels", "/v1/policy/panel-seats", "/v1/policy/cases"
# Led by a department that none of the experts belongs to.
FOREIGN = "invention-patent-guidance"
EXPERTS = {GROWTH: ("institution",), FOREIGN: ("reviewer", "reviewer-town", "institution")}
CRITERIA = [{"id": "whole", "says": "总体", "max_points": 100}]
POINTS = [{"criterion": "whole", "points_hundredths": 8000}]
# The second firm's: no other call of the matrix brings its cases into review.
FIRST_YEAR = 2001


async def _lead(world: World, programme: str) -> str:
    """Name a reviewer of the department that leads a programme."""
    if programme == GROWTH:
        return REVIEWER

    async def sign_in() -> str:
        client = await world.sign_in(
            "matrix-reviewer-scjgj", roles=["reviewer"], department="scjgj"
        )
        world.keep_client("reviewer-scjgj", client)
        return "reviewer-scjgj"

    return await world.kept("panel lead", sign_in, fresh=False)


async def _in_review(world: World, programme: str) -> dict[str, Any]:
    body = {
        "programme": programme, "applicant": {"kind": "firm", "id": world.uscc_b},
        "matter": {"kind": "year", "period": str(FIRST_YEAR + count(world, programme))},
    }  # fmt: skip
    lead = await _lead(world, programme)
    case = await world.post("firm-b", CASES, body)
    for who, name in (("firm-b", "submit"), (lead, "accept"), (lead, "review")):
        case = await world.post(who, f"{CASES}/{case['id']}/events", event(name, case["version"]))
    return case


def _body(world: World, case: dict[str, Any]) -> dict[str, Any]:
    experts = [
        {"subject": world.subject(name), "name": "专家", "field": "测试"}
        for name in EXPERTS[case["programme"]]
    ]
    return {"case": case["id"], "criteria": CRITERIA, "total_points": 100, "experts": experts}


async def panel_in(world: World, state: str, programme: str = GROWTH) -> dict[str, Any]:
    """Bring a panel for a case of its own to a state."""
    lead, case = await _lead(world, programme), await _in_review(world, programme)
    panel = await world.post(lead, PANELS, _body(world, case))
    if state == "draft":
        return panel
    path = f"{PANELS}/{panel['id']}/events"
    panel = await world.post("approver", path, event("confirm", panel["version"]))
    if state == "closed":
        deed = event("close", panel["version"], without_outstanding=True) | {"note": "测试"}
        panel = await world.post(lead, path, deed)
    return panel


async def _kept(world: World, state: str, *, fresh: bool = False) -> dict[str, Any]:
    return await world.kept(f"panel {state}", lambda: panel_in(world, state), fresh=fresh)


@call("GET /v1/policy/panels")
async def _(world: World, _: Cell) -> Call:
    panel = await _kept(world, "closed")
    return Call(PANELS, params={"limit": 200}, finds=("id", panel["id"]))


@call("POST /v1/policy/panels")
async def _(world: World, _: Cell) -> Call:
    case = await world.kept("case for panels", lambda: _in_review(world, GROWTH), fresh=False)
    return Call(PANELS, json=_body(world, case), headers=world.platform.key())


def _reads(tail: str) -> Make:
    async def make(world: World, _: Cell) -> Call:
        return Call(f"{PANELS}/{(await _kept(world, 'closed'))['id']}{tail}")

    return make


for _tail in ("", "/scores"):
    call(f"GET /v1/policy/panels/{{panel_id}}{_tail}")(_reads(_tail))

# In which state an event can happen, with its data, and what tells who was let in.
DEEDS: dict[str, tuple[str, dict[str, Any], tuple[int, str] | None]] = {
    "confirm": ("draft", {}, None),
    "admit": ("open", {}, (409, "no-cases")),
    "describe": ("open", {"number": 1, "summary": "测试摘要"}, None),
    "recuse": ("open", {"number": 1, "seat": 1}, None),
    "close": ("open", {"without_outstanding": True}, None),
    "reopen": ("closed", {}, None),
    "cancel": ("draft", {}, None),
}


def _moves(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        state, data, lets_in = DEEDS[name]
        panel = await _kept(world, state, fresh=cell.is_allowed)
        deed = event(name, panel["version"], **data) | {"note": "测试"}
        path, headers = f"{PANELS}/{panel['id']}/events", world.platform.key()
        return Call(path, json=deed, headers=headers, lets_in=lets_in)

    return make


for _name in DEEDS:
    call(f"POST /v1/policy/panels/{{panel_id}}/events {_name}")(_moves(_name))


async def _seats(world: World, *, fresh: bool = False) -> dict[str, Any]:
    return await world.kept("seats", lambda: panel_in(world, "open", FOREIGN), fresh=fresh)


@call("GET /v1/policy/panel-seats")
async def _(world: World, _: Cell) -> Call:
    panel = await _seats(world)
    return Call(SEATS, params={"limit": 200}, finds=("id", panel["id"]))


@call("GET /v1/policy/panel-seats/{panel_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{SEATS}/{(await _seats(world))['id']}")


def _sheet() -> dict[str, Any]:
    return {"number": 1, "declares_no_interest": True, "points": POINTS}


@call("POST /v1/policy/panel-seats/{panel_id}/sheets")
async def _(world: World, cell: Cell) -> Call:
    panel = await _seats(world, fresh=cell.is_allowed)
    return Call(f"{SEATS}/{panel['id']}/sheets", json=_sheet(), headers=world.platform.key())


def _moves_sheet(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        """Move the caller's own sheet; whoever has none tries that of another expert."""
        whose = cell.client if cell.is_allowed else "reviewer"
        panel = await world.kept(
            "seats with a sheet", lambda: panel_in(world, "open", FOREIGN), fresh=cell.is_allowed
        )
        path = f"{SEATS}/{panel['id']}/sheets"
        sheet = await world.kept(
            "sheet", lambda: world.post(whose, path, _sheet()), fresh=cell.is_allowed
        )
        deed = event(name, sheet["version"]) | {"note": "测试"}
        if name == "correct":
            deed["data"] = {"points": POINTS}
        return Call(f"{path}/{sheet['id']}/events", json=deed, headers=world.platform.key())

    return make


for _name in ("correct", "abstain", "recuse"):
    call(f"POST /v1/policy/panel-seats/{{panel_id}}/sheets/{{sheet_id}}/events {_name}")(
        _moves_sheet(_name)
    )
