"""A02, A06, A10: who calls is what a token of ours says, and nothing that stands beside it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from services.kernel.app import asgi_app
from services.launch.registry import SERVICES
from tests.abuse.calling import DOCUMENT, call_of, caller, once_each, send
from tests.abuse.report import tried
from tests.contracts.matrix import PUBLIC, Cell, Entry, Side
from tests.contracts.world import World
from tests.kernel.minting import Mint, signed

READ = {
    "identity": "/v1/identity/keys",
    "enterprise": "/v1/enterprise/firms",
    "policy": "/v1/policy/cases",
    "finance": "/v1/finance/budgets",
}
CLAIMED = {
    "X-User": "admin", "X-Dept": "czj", "X-Role": "admin", "X-Roles": "admin,auditor",
    "X-Forwarded-User": "admin", "X-Remote-User": "admin", "Remote-User": "admin",
    "X-Forwarded-For": "127.0.0.1", "Forwarded": "for=127.0.0.1", "X-Real-IP": "127.0.0.1",
    "X-Internal-Role": "admin", "X-Client-Id": "admin", "X-Uscc": "91330282MA00T35T2N",
    "X-Original-URL": "/livez", "X-Rewrite-URL": "/livez", "Cookie": "access_token=admin",
}  # fmt: skip
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
GUARDED = [pytest.param(each, id=each.route) for each in once_each() if not each.is_public]


class Listener:
    """An address that a token may name, which counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self.url = ""

    async def meet(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    met = Listener()
    async with await asyncio.start_server(met.meet, "127.0.0.1", 0) as server:
        met.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks"
        yield met


async def known_kid(world: World) -> str:
    keys = (await world.client(PUBLIC).get("/oauth2/jwks")).json()["keys"]
    return keys[0]["kid"]


@pytest.mark.parametrize("service", SERVICES)
async def test_no_key_is_fetched_from_where_a_token_says(
    world: World, listener: Listener, service: str
) -> None:
    own = ECKey.generate_key("P-256", {"kid": "own"})
    mint = Mint(world.platform.service(service).settings.issuer, own, "own")
    public = own.as_dict(private=False)
    headers: list[dict[str, Any]] = [
        {"kid": kid, **more}
        for kid in ("own", await known_kid(world), listener.url, "../../dev/null", "' OR 1=1 --")
        for more in (
            {"jku": listener.url}, {"x5u": listener.url}, {"jwk": public}, {"x5c": ["AAAA"]},
            {"jku": listener.url, "jwk": public, "crit": ["jku"]},
        )
    ]  # fmt: skip
    claims = mint.claims(roles=["admin", "auditor"], scope=f"{service}:read")
    for more in headers:
        token = signed(mint.header(**more), claims, own)
        bearer = {"Authorization": f"Bearer {token}"}
        answer = await world.client(PUBLIC).get(READ[service], headers=bearer)
        tried("A02", "keys that a token names or brings", wrong=answer.status_code != 401)
        assert answer.status_code == 401, more
    assert listener.visits == 0


async def test_no_key_is_fetched_for_an_assertion_either(world: World, listener: Listener) -> None:
    own = ECKey.generate_key("P-256", {"kid": "own"})
    mint = Mint(world.platform.service("identity").settings.issuer, own, "own")
    header = {"alg": "ES256", "kid": "own", "jku": listener.url, "jwk": own.as_dict(private=False)}
    claims = mint.claims(iss="mobile", sub="mobile", aud=mint.issuer)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": signed(header, claims, own),
    }
    answer = await world.client(PUBLIC).post("/oauth2/token", data=form)
    assert answer.status_code == 401, answer.text
    assert listener.visits == 0
    tried("A02", "keys that an assertion names or brings")


@pytest.mark.parametrize("entry", GUARDED)
async def test_headers_open_nothing_neither_here_nor_at_the_service_itself(
    world: World, entry: Entry
) -> None:
    """Ask without a token, at the gateway and past it, as someone who claims to be everybody."""
    made = await call_of(world, entry, Cell(PUBLIC, PUBLIC, Side.ANY, is_allowed=False))
    service = entry.path.split("/")[2].replace("demo", "identity")
    direct = asgi_app(SERVICES[service], world.platform.service(service))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=direct, client=("127.0.0.1", 1)), base_url="http://lx"
    ) as past_the_gateway:
        for client in (world.client(PUBLIC), past_the_gateway):
            answer = await send(client, entry, made, headers={**made.headers, **CLAIMED})
            tried("A06", "claims in headers without a token", wrong=answer.status_code != 401)
            assert answer.status_code == 401, answer.text


async def test_headers_make_nobody_more_than_the_token_says(world: World) -> None:
    for service, path in READ.items():
        entry = next(e for e in once_each() if e.route == f"GET {path}")
        runtime = world.platform.service(service)
        token = await world.platform.token("bank")
        direct = httpx.ASGITransport(app=asgi_app(SERVICES[service], runtime))
        async with httpx.AsyncClient(transport=direct, base_url="http://lx") as client:
            answer = await client.get(path, headers={**CLAIMED, "Authorization": f"Bearer {token}"})
        admitted = "bank" in entry.admitted()
        assert (answer.status_code == 200) is admitted, answer.text
        tried("A06", "claims in headers beside a token")


async def test_a_header_or_a_parameter_changes_no_method(world: World) -> None:
    path = f"/v1/enterprise/firms/{world.uscc}"
    before = (await world.client("registrar").get(path)).json()
    for name in OVERRIDES:
        for method in ("PATCH", "DELETE", "PUT"):
            headers = {name: method, "If-Match": "*", "Content-Type": "application/json"}
            body = json.dumps({"legal_form": "个人独资企业"}).encode()
            client = world.client("registrar")
            read = await client.request("GET", path, headers=headers, content=body)
            posted = await client.post(
                path, headers=headers, content=body, params={"_method": method}
            )
            assert (read.status_code, posted.status_code) == (200, 405)
            tried("A10", "methods by header or parameter")
    assert (await world.client("registrar").get(path)).json() == before


def _is_another(method: str, path: str) -> bool:
    """Tell whether a path, read as that of one thing by its id, takes this method."""
    return any(
        method.lower() in operations and re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", template), path)
        for template, operations in DOCUMENT["paths"].items()
    )


async def test_no_path_takes_a_method_that_is_not_in_the_document(world: World) -> None:
    wrong: list[str] = []
    for entry in once_each():
        stated = {method.upper() for method in DOCUMENT["paths"][entry.path]}
        made = await call_of(world, entry, caller(entry))
        for method in METHODS:
            if method in stated or _is_another(method, made.path):
                continue
            client = world.client(caller(entry).client)
            answer = await client.request(method, made.path)
            is_right = answer.status_code == 405 and bool(answer.headers.get("allow"))
            tried("A10", "methods that a path does not have", wrong=not is_right)
            if not is_right:
                wrong.append(f"{method} {entry.path}: {answer.status_code} {dict(answer.headers)}")
    assert wrong == []
