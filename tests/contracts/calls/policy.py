"""Calls of policy: the plan, evaluations, parameters and the life of a case."""

from typing import Any

from services.kernel.ids import new_id
from services.policy.plan.actions.load_library import library
from tests.contracts.calls.registry import Call, Make, call, event, plain
from tests.contracts.matrix import Cell, Side
from tests.contracts.noticed import objection_to, put_in_notice
from tests.contracts.world import GROWTH, INSTITUTION, REVIEWER, World

CASES = "/v1/policy/cases"
PARAMETERS = "/v1/policy/parameters"
CALLS = "/v1/policy/calls"
NOTICES = "/v1/policy/notices"
# The state in which an event can happen.
BEFORE = {
    "submit": "draft",
    "complete": "returned",
    "withdraw": "submitted",
    # These are for other cases than these: in notice, or prepared unasked. Their owner is told so.
    "object": "submitted",
    "confirm": "submitted",
    "decline": "submitted",
    "accept": "submitted",
    "return": "submitted",
    "review": "accepted",
    "propose": "in-review",
    "decide": "proposed",
    "revoke": "awarded",
}

WITHOUT_A_STEP = ("object", "confirm", "decline")

plain(
    *(
        f"/v1/policy/{noun}"
        for noun in (
            "plans", "measures", "programmes", "facts", "tasks", "notices", "notices/feed",
        )
    )
)  # fmt: skip


@call("GET /v1/policy/plans/{plan_id}/gate")
async def _(_: World, __: Cell) -> Call:
    return Call("/v1/policy/plans/cixi-2025-2027/gate")


@call("GET /v1/policy/measures/{number}")
async def _(_: World, __: Cell) -> Call:
    return Call("/v1/policy/measures/9")


@call("GET /v1/policy/programmes/{programme_id}")
async def _(_: World, __: Cell) -> Call:
    return Call(f"/v1/policy/programmes/{GROWTH}")


@call("GET /v1/policy/programmes/{programme_id}/versions")
async def _(_: World, __: Cell) -> Call:
    return Call(f"/v1/policy/programmes/{GROWTH}/versions")


@call("GET /v1/policy/programmes/{programme_id}/versions/{version}")
async def _(_: World, __: Cell) -> Call:
    return Call(f"/v1/policy/programmes/{GROWTH}/versions/{_current()}")


@call("GET /v1/policy/programmes/{programme_id}/changes")
async def _(_: World, __: Cell) -> Call:
    asked = {"before": _current(), "after": _current()}
    return Call(f"/v1/policy/programmes/{GROWTH}/changes", params=asked)


def _current() -> str:
    return library().programmes[GROWTH].version


@call("POST /v1/policy/evaluations")
async def _(_: World, __: Cell) -> Call:
    return Call("/v1/policy/evaluations", json={"facts": {"revenue_fen": {"2025": 1}}})


@call("GET /v1/policy/firms/{uscc}/entitlements")
async def _(world: World, _: Cell) -> Call:
    return Call(f"/v1/policy/firms/{world.uscc}/entitlements")


@call("GET /v1/policy/firms/{uscc}/matches")
async def _(world: World, _: Cell) -> Call:
    return Call(f"/v1/policy/firms/{world.uscc}/matches")


@call("GET /v1/policy/matches")
async def _(world: World, _: Cell) -> Call:
    return Call("/v1/policy/matches", params={"limit": 200}, finds=("uscc", world.uscc))


@call("GET /v1/policy/parameters")
async def _(_: World, __: Cell) -> Call:
    return Call(PARAMETERS)


@call("POST /v1/policy/parameters")
async def _(_: World, __: Cell) -> Call:
    body = {
        "parameter": "rd-matching.ratio_bp",
        "value": 1000,
        "valid_from": "2199-12-31",
        "source": "测试",
    }
    return Call(PARAMETERS, json=body)


RUN = {"changes": [{"change": "parameter", "parameter": "rd-matching.ratio_bp", "value": 1000}]}
RUNS = "/v1/policy/sandbox-runs"

plain(RUNS)


@call("POST /v1/policy/sandbox-runs")
async def _(world: World, cell: Cell) -> Call:
    if cell.is_allowed:
        # A person may have a few under way only.
        await world.platform.settle()
    return Call(RUNS, json=RUN)


@call("GET /v1/policy/sandbox-runs/{run_id}")
async def _(world: World, _: Cell) -> Call:
    run = await world.kept("sandbox run", lambda: world.post("reviewer", RUNS, RUN), fresh=False)
    return Call(f"{RUNS}/{run['id']}")


async def _change(world: World, *, fresh: bool) -> dict[str, Any]:
    return await world.kept("parameter", world.parameter, fresh=fresh)


@call("GET /v1/policy/parameters/{change_id}")
async def _(world: World, _: Cell) -> Call:
    change = await _change(world, fresh=False)
    return Call(f"{PARAMETERS}/{change['id']}")


def _decides(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        change = await _change(world, fresh=cell.is_allowed)
        return Call(f"{PARAMETERS}/{change['id']}/events", json=event(name))

    return make


for _name in ("approve", "reject"):
    call(f"POST /v1/policy/parameters/{{change_id}}/events {_name}")(_decides(_name))


def _call_body(title: str) -> dict[str, Any]:
    # Far off, so that no case of another test falls under it.
    window = {"opens_on": "2199-01-01", "closes_on": "2199-12-31"}
    return {"programme": "large-strong", "year": 2199, "title": title, "window": window}


async def _published(world: World, state: str, *, fresh: bool) -> dict[str, Any]:
    async def make() -> dict[str, Any]:
        made = await world.post(REVIEWER, CALLS, _call_body("合约测试批次"))
        for name in {"draft": (), "published": ("publish",), "ranked": ("publish", "rank")}[state]:
            deed = event(name, made["version"])
            made = await world.post("approver", f"{CALLS}/{made['id']}/events", deed)
        return made

    return await world.kept(f"call {state}", make, fresh=fresh)


@call("GET /v1/policy/calls")
async def _(world: World, _: Cell) -> Call:
    made = await _published(world, "published", fresh=False)
    return Call(CALLS, params={"limit": 200}, finds=("id", made["id"]))


@call("POST /v1/policy/calls")
async def _(_: World, __: Cell) -> Call:
    return Call(CALLS, json=_call_body("合约测试批次"))


@call("POST /v1/policy/calls/previews")
async def _(_: World, __: Cell) -> Call:
    return Call(f"{CALLS}/previews", json=_call_body("合约测试批次"))


@call("PUT /v1/policy/calls/{call_id}")
async def _(world: World, cell: Cell) -> Call:
    made = await _published(world, "draft", fresh=cell.is_allowed)
    headers = {"If-Match": f'"{made["version"]}"'}
    return Call(f"{CALLS}/{made['id']}", json=_call_body("合约测试批次（改）"), headers=headers)


def _reads_call(tail: str, state: str) -> Make:
    async def make(world: World, _: Cell) -> Call:
        made = await _published(world, state, fresh=False)
        return Call(f"{CALLS}/{made['id']}{tail}")

    return make


for _tail, _state in (("", "published"), ("/preview", "published")):
    call(f"GET /v1/policy/calls/{{call_id}}{_tail}")(_reads_call(_tail, _state))


@call("GET /v1/policy/calls/{call_id}/ranking")
async def _(world: World, _: Cell) -> Call:
    made = await _published(world, "ranked", fresh=False)
    path = f"{CALLS}/{made['id']}/ranking"
    return Call(path, lets_in=(409, "call-not-ranked"))


def _moves_call(name: str, state: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        made = await _published(world, state, fresh=cell.is_allowed)
        deed = {**event(name, made["version"]), "note": "测试"}
        return Call(f"{CALLS}/{made['id']}/events", json=deed)

    return make


for _name, _state in (("publish", "draft"), ("rank", "published"), ("cancel", "published")):
    call(f"POST /v1/policy/calls/{{call_id}}/events {_name}")(_moves_call(_name, _state))


@call("POST /v1/policy/calls/{call_id}/events settle")
async def _(world: World, _: Cell) -> Call:
    """Settle a tie where there is none; whoever was let in is told so."""
    made = await _published(world, "ranked", fresh=False)
    data = {"cases": [str(new_id())]}
    deed = {**event("settle", made["version"], **data), "note": "测试"}
    return Call(f"{CALLS}/{made['id']}/events", json=deed, lets_in=(409, "no-tie"))


@call("POST /v1/policy/calls/{call_id}/events limit")
async def _(world: World, cell: Cell) -> Call:
    made = await _published(world, "published", fresh=cell.is_allowed)
    deed = {**event("limit", made["version"], per_applicant=1), "note": "测试"}
    return Call(f"{CALLS}/{made['id']}/events", json=deed)


async def case_for(
    world: World, cell: Cell, state: str = "proposed", *, fresh: bool = False
) -> dict[str, Any]:
    """Give a case: the institution's to institutions, an awarded one to whom it is about that."""
    if cell.role == "institution":
        is_shut = state in ("draft", "returned")
        name = "withdrawn" if is_shut else "draft"
        return await world.kept(
            f"institution's {name}", lambda: world.institutions_case(name), fresh=fresh
        )
    state = "awarded" if cell.side is Side.AWARDED else state
    return await world.kept(f"case {state}", lambda: world.case(state), fresh=fresh)


@call("GET /v1/policy/cases")
async def _(world: World, cell: Cell) -> Call:
    case = await case_for(world, cell)
    return Call(CASES, params={"limit": 200}, finds=("id", case["id"]))


@call("POST /v1/policy/cases")
async def _(world: World, cell: Cell) -> Call:
    """Apply for the firm; no programme of today is for an institution, which is told so."""
    own = cell.role == "institution" and cell.side is Side.OWN
    body = {
        "programme": GROWTH,
        "applicant": INSTITUTION if own else {"kind": "firm", "id": world.uscc},
        "matter": {"kind": "year", "period": str(int(world.today[:4]) - 25)},
    }
    headers = world.platform.key()
    lets_in = (422, "applicant-kind") if own else None
    return Call(CASES, json=body, headers=headers, lets_in=lets_in)


@call("GET /v1/policy/cases/{case_id}")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}")


@call("GET /v1/policy/cases/{case_id}/history")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/history")


@call("GET /v1/policy/cases/{case_id}/replay")
async def _(world: World, cell: Cell) -> Call:
    lets_in = (409, "not-frozen") if cell.role == "institution" else None
    return Call(f"{CASES}/{(await case_for(world, cell))['id']}/replay", lets_in=lets_in)


def _moves(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        state = "awarded" if name == "revoke" else "proposed"
        if cell.is_allowed or cell.role == "institution":
            state = BEFORE[name]
        case = await case_for(world, cell, state, fresh=cell.is_allowed)
        data = {"outcome": "approve"} if name == "decide" else {}
        body = {**event(name, case["version"], **data), "note": "测试"}
        shut = name in WITHOUT_A_STEP
        shut |= cell.role == "institution" and name in ("submit", "complete")
        lets_in = (409, "event-not-allowed") if shut else None
        path = f"{CASES}/{case['id']}/events"
        return Call(path, json=body, headers=world.platform.key(), lets_in=lets_in)

    return make


for _name in BEFORE:
    call(f"POST /v1/policy/cases/{{case_id}}/events {_name}")(_moves(_name))


async def _notice(world: World, *, fresh: bool = False) -> dict[str, Any]:
    return await world.kept("notice", lambda: put_in_notice(world), fresh=fresh)


@call("GET /v1/policy/notices/{notice_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{NOTICES}/{(await _notice(world))['id']}")


@call("POST /v1/policy/notices/{notice_id}/objections")
async def _(world: World, _: Cell) -> Call:
    notice = await _notice(world)
    return Call(f"{NOTICES}/{notice['id']}/objections", json=objection_to(notice))


async def _objection(world: World, *, fresh: bool) -> str:
    """Have somebody object to a notice; give the objection's path."""

    async def make() -> dict[str, Any]:
        notice = await _notice(world, fresh=fresh)
        path = f"{NOTICES}/{notice['id']}/objections"
        made = await world.post("public", path, objection_to(notice))
        return {"id": f"{path}/{made['id']}"}

    return (await world.kept("objection", make, fresh=fresh))["id"]


@call("GET /v1/policy/notices/{notice_id}/objections")
async def _(world: World, cell: Cell) -> Call:
    path, _, id_ = (await _objection(world, fresh=False)).rpartition("/")
    finds = ("id", id_) if cell.side is not Side.ANY else None
    return Call(path, params={"limit": 200}, finds=finds)


@call("GET /v1/policy/notices/{notice_id}/objections/{objection_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(await _objection(world, fresh=False))


def _handles(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        path = await _objection(world, fresh=cell.is_allowed)
        body = event(name, reply="经核查。") | {"note": "经核查。"}
        return Call(f"{path}/events", json=body, headers=world.platform.key())

    return make


for _name in ("uphold", "dismiss"):
    call(f"POST {NOTICES}/{{notice_id}}/objections/{{objection_id}}/events {_name}")(
        _handles(_name)
    )
