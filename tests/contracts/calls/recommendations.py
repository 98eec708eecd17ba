"""Calls of recommendations to upper levels, each in a year and programme of its own."""

import itertools
from typing import Any

from services.policy.plan.actions.load_library import library
from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import INSTITUTION, REVIEWER, World
from tests.contracts.years import count

RECOMMENDATIONS = "/v1/policy/recommendations"
# One may be under way for a programme and a year; these are led by the department of the world,
# and nothing that is known of its firm excludes it.
PROGRAMMES = (
    "five-star-green-factory-recommendation", "four-star-green-factory-recommendation",
    "national-green-factory-recommendation", "provincial-design-centre-recommendation",
    "first-equipment-recommendation", "first-material-recommendation",
    "first-software-recommendation",
)  # fmt: skip
COLLEGES = "college-engineer-centre"
_numbers = itertools.count(1)
# In which state each event can happen, and its data.
BEFORE = {
    "file": "guided", "withdraw": "guided", "review": "filed", "issue-letter": "passed",
    "notice": "recommended", "result": "recommended",
}  # fmt: skip
WAY = (("filed", "file"), ("passed", "review"), ("recommended", "issue-letter"))


def body(world: World, uscc: str | None = None) -> dict[str, Any]:
    """Word a recommendation of the firm, or of another, that nobody has begun yet."""
    number = count(world, "recommended firm")
    programme = PROGRAMMES[number % len(PROGRAMMES)]
    year = int(world.today[:4]) + 1 - number // len(PROGRAMMES)
    applicant = {"kind": "firm", "id": uscc or world.uscc}
    recommends = library().programmes[programme].compiled.programme.recommends
    assert recommends is not None
    return {
        "programme": programme, "applicant": applicant, "year": year, "level": recommends.levels[0],
    }  # fmt: skip


def college_body(world: World) -> dict[str, Any]:
    year = int(world.today[:4]) + 1 - count(world, "recommended college")
    applicant = {**INSTITUTION, "name": "合约测试学院"}
    return {"programme": COLLEGES, "applicant": applicant, "year": year}


def data_for(world: World, name: str) -> dict[str, Any]:
    """Give what an event needs to succeed."""
    number, today = next(_numbers), world.today
    return {
        "file": {"system": "合约测试系统", "number": f"M-{number}", "filed_on": today},
        "withdraw": {},
        "review": {"outcome": "pass", "finding": "合约测试"},
        "issue-letter": {"number": f"慈合约函〔2026〕{number}号", "issued_on": today},
        "notice": {"reference": "合约测试公示", "published_on": today},
        "result": {
            "outcome": "not-granted", "document": "合约测试文件", "issuer": "上级部门",
            "decided_on": today,
        },
    }[name]  # fmt: skip


async def recommendation(
    world: World, state: str, firm: str = "firm", uscc: str | None = None
) -> dict[str, Any]:
    """Bring a recommendation of a firm to a state, reviewed by one who may also approve."""
    found = await world.post(firm, RECOMMENDATIONS, body(world, uscc))
    for reached, name in WAY:
        if found["state"] == state:
            break
        who = {"file": firm, "review": REVIEWER, "issue-letter": "approver"}[name]
        path = f"{RECOMMENDATIONS}/{found['id']}/events"
        deed = event(name, found["version"], **data_for(world, name))
        found = await world.post(who, path, deed)
        assert found["state"] == reached
    return found


async def _found(
    world: World, cell: Cell, state: str = "guided", *, fresh: bool = False
) -> dict[str, Any]:
    if cell.role == "institution":

        async def college() -> dict[str, Any]:
            return await world.post("institution", RECOMMENDATIONS, college_body(world))

        return await world.kept("recommended college", college, fresh=fresh)
    return await world.kept(
        f"recommendation {state}", lambda: recommendation(world, state), fresh=fresh
    )


@call("GET /v1/policy/recommendations")
async def _(world: World, cell: Cell) -> Call:
    found = await _found(world, cell)
    return Call(RECOMMENDATIONS, params={"limit": 200}, finds=("id", found["id"]))


@call("POST /v1/policy/recommendations")
async def _(world: World, cell: Cell) -> Call:
    made = college_body(world) if cell.role == "institution" else body(world)
    return Call(RECOMMENDATIONS, json=made, headers=world.platform.key())


@call("POST /v1/policy/recommendations/imports")
async def _(_: World, __: Cell) -> Call:
    content = b"recommendation,outcome,document,issuer,decided_on\n"
    return Call(f"{RECOMMENDATIONS}/imports", content=content, headers={"Content-Type": "text/csv"})


def _reads(tail: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        return Call(f"{RECOMMENDATIONS}/{(await _found(world, cell))['id']}{tail}")

    return make


for _tail in ("", "/history"):
    call(f"GET /v1/policy/recommendations/{{recommendation_id}}{_tail}")(_reads(_tail))


def _moves(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        state = BEFORE[name]
        found = await _found(world, cell, state, fresh=cell.is_allowed)
        deed = event(name, found["version"], **data_for(world, name))
        path = f"{RECOMMENDATIONS}/{found['id']}/events"
        return Call(path, json=deed, headers=world.platform.key())

    return make


for _name in BEFORE:
    call(f"POST /v1/policy/recommendations/{{recommendation_id}}/events {_name}")(_moves(_name))
