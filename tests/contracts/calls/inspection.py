"""Calls of what follows the decisions of a call: self-evaluations and random checks."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from services.kernel.ids import new_id
from services.policy.cases.models import Case
from services.policy.checks.models import CaseCheck, CheckDraw
from services.policy.self_evaluations.models import SelfEvaluation
from tests.contracts.calls.aftermath import (
    Row,
    awarded_case,
    copied,
    institution_case,
    later,
    lists,
)
from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import GROWTH, REVIEWER, World

CALLS, SHEETS = "/v1/policy/calls", "/v1/policy/self-evaluations"
ROUNDS, DRAWS, CHECKS = (
    "/v1/policy/self-evaluation-rounds", "/v1/policy/check-draws", "/v1/policy/checks",
)  # fmt: skip


async def call_of(world: World, case: Row) -> Row:
    """Have a published call under which a case stands."""
    window = {"opens_on": "2199-01-01", "closes_on": "2199-12-31"}
    body = {"programme": GROWTH, "year": 2199, "title": "合约测试抽查", "window": window}
    made = await world.post(REVIEWER, CALLS, body)
    made = await world.post("approver", f"{CALLS}/{made['id']}/events", event("publish"))
    async with world.platform.service("policy").sessions() as session, session.begin():
        moved = update(Case).where(Case.id == UUID(case["id"]))
        await session.execute(moved.values(call_id=UUID(made["id"])))
    return made


async def _make_call(world: World) -> Row:
    return await call_of(world, await awarded_case(world))


async def call_of_awarded(world: World) -> Row:
    return await world.kept("aftermath's call", lambda: _make_call(world), fresh=False)


def _round_body(world: World) -> Row:
    asked = {"id": "output", "says": "新增产值", "type": "number", "unit": "万元"}
    return {"due_on": later(world), "source": "测试", "indicators": [asked]}


async def round_of(world: World) -> Row:
    path = f"{CALLS}/{(await call_of_awarded(world))['id']}/self-evaluation-rounds"
    return await world.post(REVIEWER, path, _round_body(world))


async def _kept_round(world: World, *, fresh: bool = False) -> Row:
    return await world.kept("round", lambda: round_of(world), fresh=fresh)


@call("GET /v1/policy/calls/{call_id}/self-evaluation-rounds")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{CALLS}/{(await call_of_awarded(world))['id']}/self-evaluation-rounds")


@call("POST /v1/policy/calls/{call_id}/self-evaluation-rounds")
async def _(world: World, _: Cell) -> Call:
    path = f"{CALLS}/{(await call_of_awarded(world))['id']}/self-evaluation-rounds"
    return Call(path, json=_round_body(world), headers=world.platform.key())


@call("GET /v1/policy/self-evaluation-rounds/{round_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{ROUNDS}/{(await _kept_round(world))['id']}")


@call("POST /v1/policy/self-evaluation-rounds/{round_id}/events ask")
async def _(world: World, cell: Cell) -> Call:
    row = await _kept_round(world, fresh=cell.is_allowed)
    path = f"{ROUNDS}/{row['id']}/events"
    return Call(path, json=event("ask", row["version"]), headers=world.platform.key())


async def sheet(world: World, state: str) -> Row:
    """Have a new round sent out; give the awarded case's sheet of it, in a state."""
    row = await round_of(world)
    await world.post("approver", f"{ROUNDS}/{row['id']}/events", event("ask", row["version"]))
    (sheet,) = (await world.get("firm", SHEETS, round=row["id"]))["items"]
    if state == "submitted":
        deed = event("submit", sheet["version"], answers={"output": 1})
        sheet = await world.post("firm", f"{SHEETS}/{sheet['id']}/events", deed)
    return sheet


async def _found_sheet(world: World, cell: Cell) -> Row:
    row = await world.kept("self-evaluation sheet", lambda: sheet(world, "asked"), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept(
        "institution's sheet", lambda: copied(world, SelfEvaluation, row), fresh=False
    )


lists("self_evaluation_id", SHEETS, _found_sheet)


def _moves_sheet(name: str, state: str, **data: Any) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        row = await world.kept(
            f"sheet to {name}", lambda: sheet(world, state), fresh=cell.is_allowed
        )
        if cell.role == "institution":
            case = await world.institutions_case("withdrawn")
            row = await copied(world, SelfEvaluation, row, case_id=UUID(case["id"]))
        body = {**event(name, row["version"], **data), "note": "测试"}
        return Call(f"{SHEETS}/{row['id']}/events", json=body, headers=world.platform.key())

    return make


for _name, _state, _data in (
    ("submit", "asked", {"answers": {"output": 1}}),
    ("return", "submitted", {}),
    ("assess", "submitted", {"grade": "satisfactory"}),
):
    call(f"POST {SHEETS}/{{self_evaluation_id}}/events {_name}")(
        _moves_sheet(_name, _state, **_data)
    )


def _draw_body(world: World) -> Row:
    return {
        "count": 1, "inspectors": ["a", "b"], "seed_source": "测试公开数值",
        "seed_on": later(world, 1),
    }  # fmt: skip


async def draw_of(world: World) -> Row:
    path = f"{CALLS}/{(await call_of_awarded(world))['id']}/check-draws"
    return await world.post(REVIEWER, path, _draw_body(world))


async def _kept_draw(world: World) -> Row:
    return await world.kept("draw", lambda: draw_of(world), fresh=False)


@call("GET /v1/policy/calls/{call_id}/check-draws")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{CALLS}/{(await call_of_awarded(world))['id']}/check-draws")


@call("POST /v1/policy/calls/{call_id}/check-draws")
async def _(world: World, _: Cell) -> Call:
    path = f"{CALLS}/{(await call_of_awarded(world))['id']}/check-draws"
    return Call(path, json=_draw_body(world), headers=world.platform.key())


for _end in ("", "/verification"):

    def _reads(end: str) -> Make:
        async def make(world: World, _: Cell) -> Call:
            return Call(f"{DRAWS}/{(await _kept_draw(world))['id']}{end}")

        return make

    call(f"GET {DRAWS}/{{draw_id}}{_end}")(_reads(_end))


@call("POST /v1/policy/check-draws/{draw_id}/events draw")
async def _(world: World, _: Cell) -> Call:
    """Draw before the day of the seed; whoever was let in is told so."""
    row = await _kept_draw(world)
    body = event("draw", row["version"], seed="1")
    path = f"{DRAWS}/{row['id']}/events"
    return Call(path, json=body, headers=world.platform.key(), lets_in=(409, "seed-not-yet"))


async def ripe_draw(world: World) -> Row:
    """Put a planned draw on record whose seed is of a day that is over."""
    planned, id_ = await _kept_draw(world), new_id()
    async with world.platform.service("policy").sessions() as session, session.begin():
        known = await session.get_one(CheckDraw, UUID(planned["id"]))
        values = {column.key: getattr(known, column.key) for column in CheckDraw.__table__.columns}
        own = {"id": id_, "seed_on": date(2026, 1, 1)}
        await session.execute(insert(CheckDraw).values(values | own))
    return {"id": str(id_), "version": 1}


async def drawn_check(world: World, state: str, case: Row, inspectors: list[str]) -> Row:
    """Put a drawn case on record: lots of the matrix's day cannot be drawn on it."""
    planned, day = await _kept_draw(world), date.fromisoformat(world.today)
    now, draw_id, check_id = world.now("policy"), new_id(), new_id()
    said = {"outcome": "passed", "finding": "测试", "checked_on": day, "reported_by": "other"}
    async with world.platform.service("policy").sessions() as session, session.begin():
        known = await session.get_one(CheckDraw, UUID(planned["id"]))
        values = {column.key: getattr(known, column.key) for column in CheckDraw.__table__.columns}
        drawn = {
            "id": draw_id, "state": "drawn", "seed": "1", "seed_sha256": "1", "drawn_by": "other",
            "drawn_on": date(2026, 1, 1),
        }  # fmt: skip
        await session.execute(insert(CheckDraw).values(values | drawn))
        row = {
            "id": check_id, "draw_id": draw_id, "case_id": UUID(case["id"]), "position": 1,
            "inspectors": inspectors, "excluded": [], "state": state, "version": 1,
            "created_at": now, "changed_at": now,
        }  # fmt: skip
        row |= said if state != "drawn" else {}
        row |= {"confirmed_by": "another"} if state == "passed" else {}
        await session.execute(insert(CaseCheck).values(row))
    return {"id": str(check_id), "version": 1}


async def _found_check(world: World, cell: Cell) -> Row:
    async def make() -> Row:
        case = await (institution_case if cell.role == "institution" else awarded_case)(world)
        return await drawn_check(world, "passed", case, ["other", "another"])

    name = "institution's check" if cell.role == "institution" else "check"
    return await world.kept(name, make, fresh=False)


lists("check_id", CHECKS, _found_check)


def _moves_check(name: str, state: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        inspector = world.subject(cell.client) if cell.is_allowed else "nobody"
        row = await drawn_check(world, state, await awarded_case(world), [inspector, "other"])
        data: Row = {}
        if name == "report":
            data = {"outcome": "passed", "finding": "测试", "checked_on": world.today}
        body = {**event(name, row["version"], **data), "note": "测试"}
        return Call(f"{CHECKS}/{row['id']}/events", json=body, headers=world.platform.key())

    return make


for _name, _state in (("report", "drawn"), ("confirm", "reported"), ("return", "reported")):
    call(f"POST {CHECKS}/{{check_id}}/events {_name}")(_moves_check(_name, _state))
