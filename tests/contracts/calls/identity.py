"""Calls of identity, of the gateway's own routes, and of long work in every service."""

from joserfc.jwk import ECKey

from services.identity.demo.actions import DEMO_ISSUER
from services.kernel.ids import new_id
from services.launch.registry import SERVICES
from tests.contracts.calls.registry import Call, Make, call, event, plain
from tests.contracts.matrix import Cell, Side
from tests.contracts.world import SCOPES, World

IDENTITY = "/v1/identity"

plain(
    "/livez",
    "/readyz",
    "/openapi.json",
    "/asyncapi.json",
    "/.well-known/oauth-authorization-server",
    "/oauth2/jwks",
    "/v1/demo/clock",
    *(f"{IDENTITY}/{noun}" for noun in ("clients", "issuers", "keys")),
    *(f"/v1/{service}/code-lists" for service in SERVICES),
)


def _credentials(world: World) -> dict[str, str]:
    entry = world.platform.credentials.clients["registrar"]
    return {name: entry[name] for name in ("client_id", "client_secret")}


@call("POST /oauth2/token")
async def _(world: World, _: Cell) -> Call:
    form = {"grant_type": "client_credentials", **_credentials(world)}
    return Call("/oauth2/token", form=form)


@call("POST /oauth2/revoke")
async def _(world: World, _: Cell) -> Call:
    return Call("/oauth2/revoke", form={"token": "not-a-token", **_credentials(world)})


@call("POST /oauth2/introspect")
async def _(world: World, _: Cell) -> Call:
    return Call("/oauth2/introspect", form={"token": "not-a-token", **_credentials(world)})


@call("POST /v1/demo/clock")
async def _(world: World, _: Cell) -> Call:
    """Set the clock to what it shows: it stays where it is."""
    now = (await world.get("admin", "/v1/demo/clock"))["now"]
    return Call("/v1/demo/clock", json={"now": now})


@call("POST /v1/demo/subject-tokens")
async def _(_: World, __: Cell) -> Call:
    return Call("/v1/demo/subject-tokens", json={"subject": "matrix-person"})


async def _client_id(world: World, *, fresh: bool) -> str:
    async def make() -> str:
        body = {"client_id": f"matrix-{new_id().hex}", "name": "矩阵", "scopes": SCOPES[:1]}
        return (await world.post("admin", f"{IDENTITY}/clients", body))["id"]

    return await world.kept("client", make, fresh=fresh)


@call("POST /v1/identity/clients")
async def _(_: World, __: Cell) -> Call:
    body = {"client_id": f"matrix-{new_id().hex}", "name": "矩阵", "scopes": SCOPES[:1]}
    return Call(f"{IDENTITY}/clients", json=body)


@call("GET /v1/identity/clients/{id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{IDENTITY}/clients/{await _client_id(world, fresh=False)}")


@call("POST /v1/identity/clients/{id}/events suspend")
async def _(world: World, cell: Cell) -> Call:
    id_ = await _client_id(world, fresh=cell.is_allowed)
    return Call(f"{IDENTITY}/clients/{id_}/events", json=event("suspend"))


@call("POST /v1/identity/clients/{id}/events resume")
async def _(world: World, cell: Cell) -> Call:
    id_ = await _client_id(world, fresh=cell.is_allowed)
    path = f"{IDENTITY}/clients/{id_}/events"
    if cell.is_allowed:
        await world.post("admin", path, event("suspend"))
    return Call(path, json=event("resume", 2))


@call("POST /v1/identity/clients/{id}/secrets")
async def _(world: World, cell: Cell) -> Call:
    id_ = await _client_id(world, fresh=cell.is_allowed)
    return Call(f"{IDENTITY}/clients/{id_}/secrets")


def _binding(world: World) -> dict[str, str]:
    return {"issuer": DEMO_ISSUER, "subject": new_id().hex, "uscc": world.uscc}


async def _binding_id(world: World, *, fresh: bool) -> str:
    async def make() -> str:
        return (await world.post("admin", f"{IDENTITY}/bindings", _binding(world)))["id"]

    return await world.kept("binding", make, fresh=fresh)


@call("GET /v1/identity/bindings")
async def _(world: World, _: Cell) -> Call:
    id_ = await _binding_id(world, fresh=False)
    return Call(f"{IDENTITY}/bindings", params={"limit": 200}, finds=("id", id_))


@call("POST /v1/identity/bindings")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{IDENTITY}/bindings", json=_binding(world))


@call("GET /v1/identity/bindings/{id}")
async def _(world: World, _: Cell) -> Call:
    return Call(f"{IDENTITY}/bindings/{await _binding_id(world, fresh=False)}")


@call("POST /v1/identity/bindings/{id}/events revoke")
async def _(world: World, cell: Cell) -> Call:
    id_ = await _binding_id(world, fresh=cell.is_allowed)
    return Call(f"{IDENTITY}/bindings/{id_}/events", json=event("revoke"))


@call("POST /v1/identity/issuers")
async def _(_: World, __: Cell) -> Call:
    key = ECKey.generate_key("P-256", {"kid": "matrix"}).as_dict(private=False)
    body = {"issuer": "https://matrix.example", "audience": "matrix", "jwks": {"keys": [key]}}
    return Call(f"{IDENTITY}/issuers", json=body)


@call("POST /v1/identity/keys/rotations")
async def _(_: World, __: Cell) -> Call:
    return Call(f"{IDENTITY}/keys/rotations")


def _operation(service: str) -> Make:
    async def make(world: World, cell: Cell) -> Call:
        owner = world.subject(cell.client) if cell.side is Side.OWN else "somebody-else"
        return Call(f"/v1/{service}/operations/{await world.operation(service, owner)}")

    return make


for _service in SERVICES:
    call(f"GET /v1/{_service}/operations/{{operation_id}}")(_operation(_service))
