"""Calls of what follows a decision: obligations, proposals to recover, appeals."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from services.kernel.ids import new_id
from services.policy.appeals.models import Appeal
from services.policy.obligations.models import Obligation
from services.policy.recoveries.models import Recovery
from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import REVIEWER, World

CASES, APPEALS = "/v1/policy/cases", "/v1/policy/appeals"
OBLIGATIONS, RECOVERIES = "/v1/policy/obligations", "/v1/policy/recoveries"
# Who decides what the approver of the matrix had no hand in.
OTHER_APPROVER = "approver-office"
Row = dict[str, Any]


def later(world: World, days: int = 30) -> str:
    return (date.fromisoformat(world.today) + timedelta(days=days)).isoformat()


async def awarded_case(world: World) -> Row:
    return await world.kept("aftermath's case", lambda: world.case("awarded"), fresh=False)


async def institution_case(world: World) -> Row:
    return await world.kept(
        "institution's withdrawn", lambda: world.institutions_case("withdrawn"), fresh=False
    )


async def copied(world: World, entity: Any, row: Row, **own: Any) -> Row:
    """Copy a row to the institution's case: no programme of today is for an institution."""
    case, id_ = await institution_case(world), new_id()
    async with world.platform.service("policy").sessions() as session, session.begin():
        known = await session.get_one(entity, UUID(row["id"]))
        values = {column.key: getattr(known, column.key) for column in entity.__table__.columns}
        of = {"id": id_, "case_id": UUID(case["id"]), "version": 1, **own}
        await session.execute(insert(entity).values(values | of))
    return {"id": str(id_), "version": 1, "case": case["id"]}


async def _file(world: World, client: str, case: str) -> str:
    answer = await world.client(client).post(
        f"{CASES}/{case}/evidence",
        params={"name": "证明.txt"},
        content=f"证明 {new_id()}\n".encode(),
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def _current(world: World, path: str, row: Row) -> Row:
    return await world.get("auditor", f"{path}/{row['id']}")


def lists(name: str, path: str, find: Any) -> None:
    """Register a list and its single resource, as those see it who may."""

    @call(f"GET {path}")
    async def _(world: World, cell: Cell) -> Call:
        row = await find(world, cell)
        return Call(path, params={"limit": 200}, finds=("id", row["id"]))

    @call(f"GET {path}/{{{name}}}")
    async def _(world: World, cell: Cell) -> Call:
        return Call(f"{path}/{(await find(world, cell))['id']}")


def _obligation_body(world: World, **changes: Any) -> Row:
    return {
        "kind": "stay", "says": "合约测试义务", "source": "测试文书", "on_failure": "note",
        "due_on": later(world), **changes,
    }  # fmt: skip


async def obligation(world: World, state: str, **changes: Any) -> Row:
    """Have an obligation of the awarded case in a state."""
    case = await awarded_case(world)
    path = f"{CASES}/{case['id']}/obligations"
    row = await world.post(REVIEWER, path, _obligation_body(world, **changes))
    if state != "proposed":
        deed = event("confirm", row["version"])
        row = await world.post("approver", f"{OBLIGATIONS}/{row['id']}/events", deed)
    if state == "submitted":
        files = [await _file(world, "firm", case["id"])]
        deed = event("submit", row["version"], evidence=files)
        row = await world.post("firm", f"{OBLIGATIONS}/{row['id']}/events", deed)
    return row


async def _found_obligation(world: World, cell: Cell) -> Row:
    row = await world.kept("obligation", lambda: obligation(world, "open"), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept(
        "institution's obligation", lambda: copied(world, Obligation, row), fresh=False
    )


lists("obligation_id", OBLIGATIONS, _found_obligation)


@call("GET /v1/policy/cases/{case_id}/obligations")
async def _(world: World, cell: Cell) -> Call:
    case = await (institution_case if cell.role == "institution" else awarded_case)(world)
    return Call(f"{CASES}/{case['id']}/obligations")


@call("POST /v1/policy/cases/{case_id}/obligations")
async def _(world: World, _: Cell) -> Call:
    path = f"{CASES}/{(await awarded_case(world))['id']}/obligations"
    return Call(path, json=_obligation_body(world), headers=world.platform.key())


OBLIGATION_BEFORE = {
    "confirm": "proposed", "schedule": "open", "submit": "open", "accept": "submitted",
    "return": "submitted", "extend": "open", "fail": "open", "lift": "open",
}  # fmt: skip


def _moves_obligation(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        day: Row = {"due_on": None} if name == "schedule" else {}
        state = OBLIGATION_BEFORE[name]
        row = await world.kept(
            f"obligation to {name}", lambda: obligation(world, state, **day),
            fresh=cell.is_allowed,
        )  # fmt: skip
        if cell.role == "institution":
            row = await copied(world, Obligation, row, state=state)
        data: Row = {}
        if name == "submit" and cell.is_allowed:
            data = {"evidence": [await _file(world, cell.client, row["case"])]}
        elif name in ("schedule", "extend"):
            data = {"due_on": later(world, 60)}
            data |= {"document": "测试文书"} if name == "schedule" else {}
        body = {**event(name, row["version"], **data), "note": "测试"}
        return Call(f"{OBLIGATIONS}/{row['id']}/events", json=body, headers=world.platform.key())

    return make


for _name in OBLIGATION_BEFORE:
    call(f"POST {OBLIGATIONS}/{{obligation_id}}/events {_name}")(_moves_obligation(_name))


async def recovery(world: World, case: Row | None = None) -> Row:
    """Propose to revoke a case, and have its holder heard."""
    case = case or await awarded_case(world)
    body = {"reason": "合约测试发现", "source": "测试"}
    row = await world.post(REVIEWER, f"{CASES}/{case['id']}/recoveries", body)
    deed = {**event("respond", row["version"]), "note": "测试陈述"}
    return await world.post("firm", f"{RECOVERIES}/{row['id']}/events", deed)


async def new_recovery(world: World) -> Row:
    return await recovery(world, await world.case("awarded"))


async def _found_recovery(world: World, cell: Cell) -> Row:
    row = await world.kept("recovery", lambda: recovery(world), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept(
        "institution's recovery", lambda: copied(world, Recovery, row), fresh=False
    )


lists("recovery_id", RECOVERIES, _found_recovery)


@call("POST /v1/policy/cases/{case_id}/recoveries")
async def _(world: World, _: Cell) -> Call:
    """Add a ground to the proposal that is open."""
    await world.kept("recovery", lambda: recovery(world), fresh=False)
    path = f"{CASES}/{(await awarded_case(world))['id']}/recoveries"
    body = {"reason": "合约测试发现", "source": "测试"}
    return Call(path, json=body, headers=world.platform.key())


def _moves_recovery(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        if name in ("approve", "dismiss"):
            row = await world.kept(
                "recovery to decide", lambda: new_recovery(world), fresh=cell.is_allowed
            )
        else:
            row = await _found_recovery(world, cell)
        row = await _current(world, RECOVERIES, row)
        data = {"respond_by": later(world, 5)} if name == "hear" else {}
        body = {**event(name, row["version"], **data), "note": "测试"}
        return Call(f"{RECOVERIES}/{row['id']}/events", json=body, headers=world.platform.key())

    return make


for _name in ("hear", "respond", "approve", "dismiss"):
    call(f"POST {RECOVERIES}/{{recovery_id}}/events {_name}")(_moves_recovery(_name))


async def refused_case(world: World) -> Row:
    """Have a case refused by somebody who is no party of the matrix."""
    case = await world.case("in-review")
    for who, name in ((REVIEWER, "propose"), (OTHER_APPROVER, "decide")):
        deed = {**event(name, case["version"], outcome="refuse"), "note": "测试"}
        case = await world.post(who, f"{CASES}/{case['id']}/events", deed)
    return case


def _appeal_body(world: World, **changes: Any) -> Row:
    return {
        "kind": "reconsideration", "body": "慈溪市人民政府", "number": "慈政复〔2026〕1号",
        "lodged_on": world.today, "grounds": "合约测试", **changes,
    }  # fmt: skip


async def appeal(world: World, state: str) -> Row:
    """Have an appeal in a state; what is undone was annulled."""
    case = await refused_case(world)
    row = await world.post("firm", f"{CASES}/{case['id']}/appeals", _appeal_body(world))
    said = {"number": "测试", "on": world.today}
    steps = {"lodged": (), "accepted": ("accept",), "undone": ("accept", "decide")}[state]
    for name in steps:
        data = said | ({"result": "annulled"} if name == "decide" else {})
        deed = event(name, row["version"], **data)
        row = await world.post("reviewer", f"{APPEALS}/{row['id']}/events", deed)
    return row


async def _found_appeal(world: World, cell: Cell) -> Row:
    row = await world.kept("appeal", lambda: appeal(world, "accepted"), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept("institution's appeal", lambda: copied(world, Appeal, row), fresh=False)


lists("appeal_id", APPEALS, _found_appeal)


@call("GET /v1/policy/cases/{case_id}/appeals")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await _found_appeal(world, cell))['case']}/appeals")


@call("POST /v1/policy/cases/{case_id}/appeals")
async def _(world: World, cell: Cell) -> Call:
    """Lodge once more what is open; the institution's case stands by no decision."""
    lets_in = (409, "appeal-open")
    if cell.role == "institution":
        case = (await institution_case(world))["id"]
        lets_in = (409, "case-not-decided")
    else:
        case = (await _found_appeal(world, cell))["case"]
    body = _appeal_body(world)
    return Call(f"{CASES}/{case}/appeals", json=body, headers=world.platform.key(), lets_in=lets_in)


APPEAL_BEFORE = {"accept": "lodged", "reject": "lodged", "decide": "accepted", "reopen": "undone"}


def _moves_appeal(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        row = await world.kept(
            f"appeal to {name}", lambda: appeal(world, APPEAL_BEFORE[name]),
            fresh=cell.is_allowed,
        )  # fmt: skip
        data: Row = {} if name == "reopen" else {"number": "测试", "on": world.today}
        data |= {"result": "upheld"} if name == "decide" else {}
        body = {**event(name, row["version"], **data), "note": "测试"}
        return Call(f"{APPEALS}/{row['id']}/events", json=body, headers=world.platform.key())

    return make


for _name in APPEAL_BEFORE:
    call(f"POST {APPEALS}/{{appeal_id}}/events {_name}")(_moves_appeal(_name))
