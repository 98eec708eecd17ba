"""Calls of what follows a decision: obligations, recoveries, appeals, self-evaluations, checks."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, update

from services.kernel.ids import new_id
from services.policy.appeals.models import Appeal
from services.policy.cases.models import Case
from services.policy.checks.models import CaseCheck, CheckDraw
from services.policy.obligations.models import Obligation
from services.policy.recoveries.models import Recovery
from services.policy.self_evaluations.models import SelfEvaluation
from tests.contracts.calls.registry import Call, Make, call, event
from tests.contracts.matrix import Cell
from tests.contracts.world import GROWTH, REVIEWER, World

CASES, CALLS = "/v1/policy/cases", "/v1/policy/calls"
OBLIGATIONS, RECOVERIES = "/v1/policy/obligations", "/v1/policy/recoveries"
APPEALS, SHEETS = "/v1/policy/appeals", "/v1/policy/self-evaluations"
ROUNDS, DRAWS, CHECKS = (
    "/v1/policy/self-evaluation-rounds", "/v1/policy/check-draws", "/v1/policy/checks",
)  # fmt: skip
# Who decides what the approver of the matrix had no hand in.
OTHER_APPROVER = "approver-office"
Row = dict[str, Any]


def later(world: World, days: int = 30) -> str:
    return (date.fromisoformat(world.today) + timedelta(days=days)).isoformat()


async def _awarded(world: World) -> Row:
    return await world.kept("aftermath's case", lambda: world.case("awarded"), fresh=False)


async def _institution(world: World) -> Row:
    return await world.kept(
        "institution's withdrawn", lambda: world.institutions_case("withdrawn"), fresh=False
    )


async def _copied(world: World, entity: Any, row: Row, **own: Any) -> Row:
    """Copy a row to the institution's case: no programme of today is for an institution."""
    case, id_ = await _institution(world), new_id()
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


def _lists(name: str, path: str, find: Any) -> None:
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


async def _obligation(world: World, state: str, **changes: Any) -> Row:
    """Have an obligation of the awarded case in a state."""
    case = await _awarded(world)
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
    row = await world.kept("obligation", lambda: _obligation(world, "open"), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept(
        "institution's obligation", lambda: _copied(world, Obligation, row), fresh=False
    )


_lists("obligation_id", OBLIGATIONS, _found_obligation)


@call("GET /v1/policy/cases/{case_id}/obligations")
async def _(world: World, cell: Cell) -> Call:
    case = await (_institution if cell.role == "institution" else _awarded)(world)
    return Call(f"{CASES}/{case['id']}/obligations")


@call("POST /v1/policy/cases/{case_id}/obligations")
async def _(world: World, _: Cell) -> Call:
    path = f"{CASES}/{(await _awarded(world))['id']}/obligations"
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
            f"obligation to {name}", lambda: _obligation(world, state, **day),
            fresh=cell.is_allowed,
        )  # fmt: skip
        if cell.role == "institution":
            row = await _copied(world, Obligation, row, state=state)
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


async def _recovery(world: World, case: Row | None = None) -> Row:
    """Propose to revoke a case, and have its holder heard."""
    case = case or await _awarded(world)
    body = {"reason": "合约测试发现", "source": "测试"}
    row = await world.post(REVIEWER, f"{CASES}/{case['id']}/recoveries", body)
    deed = {**event("respond", row["version"]), "note": "测试陈述"}
    return await world.post("firm", f"{RECOVERIES}/{row['id']}/events", deed)


async def _new_recovery(world: World) -> Row:
    return await _recovery(world, await world.case("awarded"))


async def _found_recovery(world: World, cell: Cell) -> Row:
    row = await world.kept("recovery", lambda: _recovery(world), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept(
        "institution's recovery", lambda: _copied(world, Recovery, row), fresh=False
    )


_lists("recovery_id", RECOVERIES, _found_recovery)


@call("POST /v1/policy/cases/{case_id}/recoveries")
async def _(world: World, _: Cell) -> Call:
    """Add a ground to the proposal that is open."""
    await world.kept("recovery", lambda: _recovery(world), fresh=False)
    path = f"{CASES}/{(await _awarded(world))['id']}/recoveries"
    body = {"reason": "合约测试发现", "source": "测试"}
    return Call(path, json=body, headers=world.platform.key())


def _moves_recovery(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        if name in ("approve", "dismiss"):
            row = await world.kept(
                "recovery to decide", lambda: _new_recovery(world), fresh=cell.is_allowed
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


async def _refused(world: World) -> Row:
    """Have a case refused by somebody who is no party of the matrix."""
    case = await world.case("in-review")
    for who, name in ((REVIEWER, "propose"), (OTHER_APPROVER, "decide")):
        deed = event(name, case["version"], outcome="refuse")
        case = await world.post(who, f"{CASES}/{case['id']}/events", deed)
    return case


def _appeal_body(world: World, **changes: Any) -> Row:
    return {
        "kind": "reconsideration", "body": "慈溪市人民政府", "number": "慈政复〔2026〕1号",
        "lodged_on": world.today, "grounds": "合约测试", **changes,
    }  # fmt: skip


async def _appeal(world: World, state: str) -> Row:
    """Have an appeal in a state; what is undone was annulled."""
    case = await _refused(world)
    row = await world.post("firm", f"{CASES}/{case['id']}/appeals", _appeal_body(world))
    said = {"number": "测试", "on": world.today}
    steps = {"lodged": (), "accepted": ("accept",), "undone": ("accept", "decide")}[state]
    for name in steps:
        data = said | ({"result": "annulled"} if name == "decide" else {})
        deed = event(name, row["version"], **data)
        row = await world.post("reviewer", f"{APPEALS}/{row['id']}/events", deed)
    return row


async def _found_appeal(world: World, cell: Cell) -> Row:
    row = await world.kept("appeal", lambda: _appeal(world, "accepted"), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept(
        "institution's appeal", lambda: _copied(world, Appeal, row), fresh=False
    )


_lists("appeal_id", APPEALS, _found_appeal)


@call("GET /v1/policy/cases/{case_id}/appeals")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await _found_appeal(world, cell))['case']}/appeals")


@call("POST /v1/policy/cases/{case_id}/appeals")
async def _(world: World, cell: Cell) -> Call:
    """Lodge once more what is open; the institution's case stands by no decision."""
    lets_in = (409, "appeal-open")
    if cell.role == "institution":
        case = (await _institution(world))["id"]
        lets_in = (409, "case-not-decided")
    else:
        case = (await _found_appeal(world, cell))["case"]
    body = _appeal_body(world)
    return Call(f"{CASES}/{case}/appeals", json=body, headers=world.platform.key(), lets_in=lets_in)


APPEAL_BEFORE = {"accept": "lodged", "reject": "lodged", "decide": "accepted", "reopen": "undone"}


def _moves_appeal(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        row = await world.kept(
            f"appeal to {name}", lambda: _appeal(world, APPEAL_BEFORE[name]),
            fresh=cell.is_allowed,
        )  # fmt: skip
        data: Row = {} if name == "reopen" else {"number": "测试", "on": world.today}
        data |= {"result": "upheld"} if name == "decide" else {}
        body = {**event(name, row["version"], **data), "note": "测试"}
        return Call(f"{APPEALS}/{row['id']}/events", json=body, headers=world.platform.key())

    return make


for _name in APPEAL_BEFORE:
    call(f"POST {APPEALS}/{{appeal_id}}/events {_name}")(_moves_appeal(_name))


async def _make_call(world: World) -> Row:
    """Have a published call under which the awarded case stands."""
    window = {"opens_on": "2199-01-01", "closes_on": "2199-12-31"}
    body = {"programme": GROWTH, "year": 2199, "title": "合约测试抽查", "window": window}
    made = await world.post(REVIEWER, CALLS, body)
    made = await world.post("approver", f"{CALLS}/{made['id']}/events", event("publish"))
    case = await _awarded(world)
    async with world.platform.service("policy").sessions() as session, session.begin():
        moved = update(Case).where(Case.id == UUID(case["id"]))
        await session.execute(moved.values(call_id=UUID(made["id"])))
    return made


async def _call(world: World) -> Row:
    return await world.kept("aftermath's call", lambda: _make_call(world), fresh=False)


def _round_body(world: World) -> Row:
    asked = {"id": "output", "says": "新增产值", "type": "number", "unit": "万元"}
    return {"due_on": later(world), "source": "测试", "indicators": [asked]}


async def _round(world: World) -> Row:
    path = f"{CALLS}/{(await _call(world))['id']}/self-evaluation-rounds"
    return await world.post(REVIEWER, path, _round_body(world))


async def _kept_round(world: World, *, fresh: bool = False) -> Row:
    return await world.kept("round", lambda: _round(world), fresh=fresh)


@call("GET /v1/policy/calls/{call_id}/self-evaluation-rounds")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{CALLS}/{(await _call(world))['id']}/self-evaluation-rounds")


@call("POST /v1/policy/calls/{call_id}/self-evaluation-rounds")
async def _(world: World, _: Cell) -> Call:
    path = f"{CALLS}/{(await _call(world))['id']}/self-evaluation-rounds"
    return Call(path, json=_round_body(world), headers=world.platform.key())


@call("GET /v1/policy/self-evaluation-rounds/{round_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{ROUNDS}/{(await _kept_round(world))['id']}")


@call("POST /v1/policy/self-evaluation-rounds/{round_id}/events ask")
async def _(world: World, cell: Cell) -> Call:
    row = await _kept_round(world, fresh=cell.is_allowed)
    path = f"{ROUNDS}/{row['id']}/events"
    return Call(path, json=event("ask", row["version"]), headers=world.platform.key())


async def _sheet(world: World, state: str) -> Row:
    """Have a new round sent out; give the awarded case's sheet of it, in a state."""
    row = await _round(world)
    await world.post("approver", f"{ROUNDS}/{row['id']}/events", event("ask", row["version"]))
    (sheet,) = (await world.get("firm", SHEETS, round=row["id"]))["items"]
    if state == "submitted":
        deed = event("submit", sheet["version"], answers={"output": 1})
        sheet = await world.post("firm", f"{SHEETS}/{sheet['id']}/events", deed)
    return sheet


async def _found_sheet(world: World, cell: Cell) -> Row:
    row = await world.kept("sheet", lambda: _sheet(world, "asked"), fresh=False)
    if cell.role != "institution":
        return row
    return await world.kept(
        "institution's sheet", lambda: _copied(world, SelfEvaluation, row), fresh=False
    )


_lists("self_evaluation_id", SHEETS, _found_sheet)


def _moves_sheet(name: str, state: str, **data: Any) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        row = await world.kept(
            f"sheet to {name}", lambda: _sheet(world, state), fresh=cell.is_allowed
        )
        if cell.role == "institution":
            case = await world.institutions_case("withdrawn")
            row = await _copied(world, SelfEvaluation, row, case_id=UUID(case["id"]))
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


async def _draw(world: World) -> Row:
    path = f"{CALLS}/{(await _call(world))['id']}/check-draws"
    return await world.post(REVIEWER, path, _draw_body(world))


async def _kept_draw(world: World) -> Row:
    return await world.kept("draw", lambda: _draw(world), fresh=False)


@call("GET /v1/policy/calls/{call_id}/check-draws")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{CALLS}/{(await _call(world))['id']}/check-draws")


@call("POST /v1/policy/calls/{call_id}/check-draws")
async def _(world: World, _: Cell) -> Call:
    path = f"{CALLS}/{(await _call(world))['id']}/check-draws"
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


async def _check(world: World, state: str, case: Row, inspectors: list[str]) -> Row:
    """Put a drawn case on record: lots of the matrix's day cannot be drawn on it."""
    planned, day = await _kept_draw(world), date.fromisoformat(world.today)
    now, draw_id, check_id = world.now("policy"), new_id(), new_id()
    said = {"outcome": "passed", "finding": "测试", "checked_on": day, "reported_by": "other"}
    async with world.platform.service("policy").sessions() as session, session.begin():
        known = await session.get_one(CheckDraw, UUID(planned["id"]))
        values = {column.key: getattr(known, column.key) for column in CheckDraw.__table__.columns}
        drawn = {
            "id": draw_id, "state": "drawn", "seed": "1", "seed_sha256": "1", "drawn_by": "other",
            "drawn_on": day,
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
        case = await (_institution if cell.role == "institution" else _awarded)(world)
        return await _check(world, "passed", case, ["other", "another"])

    name = "institution's check" if cell.role == "institution" else "check"
    return await world.kept(name, make, fresh=False)


_lists("check_id", CHECKS, _found_check)


def _moves_check(name: str, state: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        inspector = world.subject(cell.client) if cell.is_allowed else "nobody"
        row = await _check(world, state, await _awarded(world), [inspector, "other"])
        data: Row = {}
        if name == "report":
            data = {"outcome": "passed", "finding": "测试", "checked_on": world.today}
        body = {**event(name, row["version"], **data), "note": "测试"}
        return Call(f"{CHECKS}/{row['id']}/events", json=body, headers=world.platform.key())

    return make


for _name, _state in (("report", "drawn"), ("confirm", "reported"), ("return", "reported")):
    call(f"POST {CHECKS}/{{check_id}}/events {_name}")(_moves_check(_name, _state))
