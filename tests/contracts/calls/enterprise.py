"""Calls of enterprise: the firm, its facts, titles and lists."""

from typing import Any

from services.launch.city.uscc import make_uscc
from tests.contracts.calls.registry import Call, call, event
from tests.contracts.matrix import Cell, Side
from tests.contracts.world import AUTHORITY, TOWN, World

FIRMS = "/v1/enterprise/firms"
LISTS = "/v1/enterprise/lists"
_NEVER_REGISTERED = 900_000


@call("GET /v1/enterprise/firms")
async def _(world: World, _: Cell) -> Call:
    return Call(FIRMS, params={"q": world.uscc}, finds=("uscc", world.uscc))


@call("POST /v1/enterprise/firms")
async def _(_: World, cell: Cell) -> Call:
    number = _NEVER_REGISTERED + (1 if cell.is_allowed else 0)
    body = {
        "uscc": make_uscc(AUTHORITY, number),
        "name": f"慈溪市示范矩阵{number}有限公司",
        "industry_code": "3854",
        "town_code": TOWN,
        "synthetic": True,
    }
    return Call(FIRMS, json=body)


@call("GET /v1/enterprise/firms/{uscc}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{FIRMS}/{world.uscc}")


@call("PATCH /v1/enterprise/firms/{uscc}")
async def _(world: World, _: Cell) -> Call:
    uscc = await world.kept("firm to change", world.new_firm, fresh=False)
    return Call(f"{FIRMS}/{uscc}", json={"legal_form": "有限责任公司"}, headers={"If-Match": "*"})


@call("GET /v1/enterprise/firms/{uscc}/indicators/{year}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{FIRMS}/{world.uscc}/indicators/2020")


@call("PUT /v1/enterprise/firms/{uscc}/indicators/{year}")
async def _(world: World, _: Cell) -> Call:
    body = {"facts": {"staff_count": 100}, "source": "测试"}
    return Call(f"{FIRMS}/{world.uscc}/indicators/2020", json=body)


@call("GET /v1/enterprise/firms/{uscc}/facts")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{FIRMS}/{world.uscc}/facts")


@call("POST /v1/enterprise/firms/{uscc}/facts")
async def _(world: World, _: Cell) -> Call:
    body = {"facts": {"is_listed": False}, "valid_from": "2025-01-01", "source": "测试"}
    return Call(f"{FIRMS}/{world.uscc}/facts", json=body)


@call("POST /v1/enterprise/imports")
async def _(_: World, __: Cell) -> Call:
    rows = f"uscc,name,industry_code,town_code\nnot-a-code,慈溪市示范,3854,{TOWN}\n"
    return Call(
        "/v1/enterprise/imports",
        params={"kind": "firms"},
        content=rows.encode(),
        headers={"Content-Type": "text/csv"},
    )


async def _recognition(world: World, *, fresh: bool = False) -> dict[str, Any]:
    async def make() -> dict[str, Any]:
        return await world.recognition(await world.new_firm() if fresh else world.uscc)

    return await world.kept("recognition", make, fresh=fresh)


@call("GET /v1/enterprise/firms/{uscc}/recognitions")
async def _(world: World, _: Cell) -> Call:
    row = await _recognition(world)
    return Call(f"{FIRMS}/{world.uscc}/recognitions", finds=("id", row["id"]))


@call("POST /v1/enterprise/firms/{uscc}/recognitions")
async def _(world: World, _: Cell) -> Call:
    body = {
        "recognition": "little-giant",
        "issuer": "工业和信息化部",
        "document": "工信部企业〔2025〕1号",
        "valid_from": "2025-01-01",
    }
    return Call(f"{FIRMS}/{world.uscc}/recognitions", json=body)


@call("GET /v1/enterprise/firms/{uscc}/recognitions/{recognition_id}")
async def _(world: World, _: Cell) -> Call:
    row = await _recognition(world)
    return Call(f"{FIRMS}/{world.uscc}/recognitions/{row['id']}")


@call("POST /v1/enterprise/firms/{uscc}/recognitions/{recognition_id}/events revoke")
async def _(world: World, cell: Cell) -> Call:
    row = await _recognition(world, fresh=cell.is_allowed)
    return Call(f"{FIRMS}/{row['uscc']}/recognitions/{row['id']}/events", json=event("revoke"))


async def _version(world: World, cell: Cell) -> dict[str, Any]:
    """Give a version with the firm on it: a public one to whom the cell is about what is public."""
    public = cell.side is Side.PUBLISHED
    name = "matrix-public" if public else "matrix-closed"
    return await world.kept(name, lambda: world.list_version(name, public=public), fresh=False)


@call("GET /v1/enterprise/lists")
async def _(world: World, cell: Cell) -> Call:
    version = await _version(world, cell)
    return Call(LISTS, params={"limit": 200}, finds=("list", version["list"]))


@call("POST /v1/enterprise/lists/{list}/versions")
async def _(world: World, _: Cell) -> Call:
    body = {
        "valid_from": "2026-01-01",
        "complete": False,
        "document": "测试名单",
        "items": [{"uscc": world.uscc}],
    }
    return Call(f"{LISTS}/matrix-new/versions", json=body)


@call("GET /v1/enterprise/lists/{list}/versions/{version_id}")
async def _(world: World, cell: Cell) -> Call:
    version = await _version(world, cell)
    return Call(f"{LISTS}/{version['list']}/versions/{version['version_id']}")


@call("GET /v1/enterprise/lists/{list}/versions/{version_id}/items")
async def _(world: World, cell: Cell) -> Call:
    version = await _version(world, cell)
    return Call(f"{LISTS}/{version['list']}/versions/{version['version_id']}/items")
