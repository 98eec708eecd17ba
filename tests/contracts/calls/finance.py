"""Calls of finance: budgets, aid, awards, payouts and the ledger."""

from typing import Any

from tests.contracts.calls.registry import Call, Make, call, event, plain
from tests.contracts.matrix import Cell, Side
from tests.contracts.world import INSTITUTION, World

FINANCE = "/v1/finance"
# The state in which an event can happen to a batch, and to an award.
PAYOUT_BEFORE = {
    "check": "prepared",
    "send": "checked",
    "settle": "sent",
    "return": "sent",
    "cancel": "prepared",
}
AWARD_BEFORE = {
    "recover": "paid",
    "confirm-recovery": "recovering",
    "cancel-recovery": "recovering",
}

plain(
    *(f"{FINANCE}/{noun}" for noun in ("budgets", "payouts", "ledger/check", "ledger/transfers")),
    f"{FINANCE}/ledger/trial-balance",
)


@call("GET /v1/finance/ledger/statements/{budget_id}")
async def _(world: World, _: Cell) -> Call:
    budget = await world.kept("approved", lambda: world.budget("approved"), fresh=False)
    return Call(f"{FINANCE}/ledger/statements/{budget['id']}")


@call("POST /v1/finance/budgets")
async def _(world: World, _: Cell) -> Call:
    body = {
        "year": 2020,
        "programme": "matrix-unused",
        "name": "矩阵",
        "department": "经信局",
        "amount_fen": 1,
    }
    return Call(f"{FINANCE}/budgets", json=body, headers=world.platform.key())


async def _budget(world: World, *, fresh: bool) -> dict[str, Any]:
    return await world.kept("budget", lambda: world.budget("draft"), fresh=fresh)


@call("GET /v1/finance/budgets/{budget_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{FINANCE}/budgets/{(await _budget(world, fresh=False))['id']}")


@call("POST /v1/finance/budgets/{budget_id}/events approve")
async def _(world: World, cell: Cell) -> Call:
    budget = await _budget(world, fresh=cell.is_allowed)
    path = f"{FINANCE}/budgets/{budget['id']}/events"
    return Call(path, json=event("approve"), headers=world.platform.key())


async def _aid(world: World, *, fresh: bool) -> dict[str, Any]:
    async def make() -> dict[str, Any]:
        return await world.post("registrar", f"{FINANCE}/aid", world.aid())

    return await world.kept("aid", make, fresh=fresh)


@call("GET /v1/finance/aid")
async def _(world: World, _: Cell) -> Call:
    aid = await _aid(world, fresh=False)
    return Call(f"{FINANCE}/aid", params={"limit": 200}, finds=("id", aid["id"]))


@call("POST /v1/finance/aid")
async def _(world: World, cell: Cell) -> Call:
    """Declare aid: a registrar's own level is the city's, a foreign one Ningbo's."""
    level = "ningbo" if cell.side is Side.FOREIGN else "cixi"
    return Call(f"{FINANCE}/aid", json=world.aid(level), headers=world.platform.key())


@call("GET /v1/finance/aid/{aid_id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{FINANCE}/aid/{(await _aid(world, fresh=False))['id']}")


@call("POST /v1/finance/aid/{aid_id}/events withdraw")
async def _(world: World, cell: Cell) -> Call:
    aid = await _aid(world, fresh=cell.is_allowed)
    body = event("withdraw") | {"note": "登记有误"}
    return Call(f"{FINANCE}/aid/{aid['id']}/events", json=body, headers=world.platform.key())


async def _award(
    world: World, cell: Cell, state: str = "awarded", *, fresh: bool = False
) -> dict[str, Any]:
    """Give an award: to institutions one that is paid to theirs."""
    payee = INSTITUTION if cell.role == "institution" else None
    name = f"award {state} {payee and payee['kind']}"
    return await world.kept(name, lambda: world.award(state, payee), fresh=fresh)


@call("GET /v1/finance/awards")
async def _(world: World, cell: Cell) -> Call:
    award = await _award(world, cell)
    return Call(f"{FINANCE}/awards", params={"limit": 200}, finds=("id", award["id"]))


@call("GET /v1/finance/awards/{award_id}")
async def _(world: World, cell: Cell) -> Call:
    return Call(f"{FINANCE}/awards/{(await _award(world, cell))['id']}")


def _recovers(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        state = AWARD_BEFORE[name]
        award = await world.kept(
            f"award {state}", lambda: world.award(state), fresh=cell.is_allowed
        )
        body = event(name, award["version"])
        body["data"] = {"document": "测试追回"} if name == "recover" else {}
        path = f"{FINANCE}/awards/{award['id']}/events"
        return Call(path, json=body, headers=world.platform.key())

    return make


for _name in AWARD_BEFORE:
    call(f"POST /v1/finance/awards/{{award_id}}/events {_name}")(_recovers(_name))


@call("POST /v1/finance/payouts")
async def _(world: World, cell: Cell) -> Call:
    award = await world.kept("award to pay", lambda: world.award("awarded"), fresh=cell.is_allowed)
    body = {"awards": [award["id"]], "document": "测试资金文件"}
    return Call(f"{FINANCE}/payouts", json=body, headers=world.platform.key())


async def _payout(world: World, state: str, *, fresh: bool) -> dict[str, Any]:
    return await world.kept(f"payout {state}", lambda: world.payout(state), fresh=fresh)


@call("GET /v1/finance/payouts/{payout_id}")
async def _(world: World, _: Cell) -> Call:
    batch = await _payout(world, "prepared", fresh=False)
    return Call(f"{FINANCE}/payouts/{batch['id']}")


def _pays(name: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        state = PAYOUT_BEFORE[name] if cell.is_allowed else "prepared"
        batch = await _payout(world, state, fresh=cell.is_allowed)
        body = event(name, batch["version"])
        if name == "return":
            body["data"] = {"awards": [batch["lines"][0]["award"]], "reason": "账号有误"}
        path = f"{FINANCE}/payouts/{batch['id']}/events"
        return Call(path, json=body, headers=world.platform.key())

    return make


for _name in PAYOUT_BEFORE:
    call(f"POST /v1/finance/payouts/{{payout_id}}/events {_name}")(_pays(_name))
