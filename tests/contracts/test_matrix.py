"""Every route in every role, on own and on foreign objects: the table of the contract, called."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text

from gateway.own_document import own_document
from gateway.paths import service_of
from services.kernel.actors import Anyone, Guard, guards_of
from services.kernel.app import build_app
from services.kernel.service import Service
from services.kernel.unit import noun_router
from services.launch.registry import SERVICES
from tests.contracts import report
from tests.contracts.callers import CALLS, Call
from tests.contracts.document import api_document
from tests.contracts.matrix import (
    PUBLIC,
    ROLES,
    Cell,
    Entry,
    Scope,
    Side,
    differences,
    entries,
    rows,
)
from tests.contracts.world import World

ENTRIES = [pytest.param(entry, id=entry.name) for entry in entries()]
GUARDED = [pytest.param(entry, id=entry.name) for entry in entries() if not entry.is_public]
REFUSED_STATUSES = (403, 404)
# Rows that the contract says elsewhere than in its table, in words of their own.
NOT_IN_THE_TABLE = ("conventions", "objection")


def routes_of(services: Iterable[Service]) -> Iterator[tuple[str, APIRoute]]:
    for service in services:
        for route in build_app(service).routes:
            assert isinstance(route, APIRoute)
            for method in sorted(route.methods or ()):
                yield f"{method} {route.path}", route


def gateway_routes() -> list[str]:
    paths: dict[str, Any] = own_document("1")["paths"]
    return [f"{method.upper()} {path}" for path, item in paths.items() for method in item]


def named_routes() -> set[str]:
    return {entry.route for entry in entries()}


def test_every_route_is_in_the_matrix_and_every_entry_is_a_route() -> None:
    running = [name for name, _ in routes_of(SERVICES.values())] + gateway_routes()

    assert len(running) > 80
    assert differences(running, named_routes()) == []
    assert set(CALLS) == {entry.name for entry in entries()}


def test_a_planted_route_and_a_planted_entry_are_found() -> None:
    router = noun_router("finance", "favours")

    @router.get("")
    async def list_favours(_: Anyone) -> None: ...

    finance_too = replace(SERVICES["finance"], routers=(router,))
    running = [name for name, _ in routes_of([*SERVICES.values(), finance_too])]
    found = differences([*running, *gateway_routes()], {*named_routes(), "GET /v1/never"})
    assert found == [
        "GET /v1/finance/favours runs and is not in the matrix",
        "GET /v1/never is in the matrix and does not run",
    ]


def test_no_verb_gives_a_role_what_the_table_gives_it_not() -> None:
    for name, row in rows().items():
        if name in NOT_IN_THE_TABLE:
            continue
        given = {role for verb in row["verbs"].values() for role in verb} - {"everyone"}
        assert given <= set(row["cells"]), name
        for verb in row["verbs"].values():
            assert "everyone" not in verb or set(row["cells"]) == set(ROLES)


def events_of(document: dict[str, Any], route: str) -> frozenset[str]:
    """Read from the API document which events a route takes."""
    method, _, path = route.partition(" ")
    schema = document["paths"][path][method.lower()]["requestBody"]["content"]
    schema = schema["application/json"]["schema"]
    properties = _resolved(document, schema)["properties"]
    event = _resolved(document, properties["event"])
    return frozenset(event.get("enum") or [event["const"]])


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def test_every_event_of_a_resource_with_states_is_in_the_matrix() -> None:
    document = api_document()
    named: dict[str, set[str]] = {}
    for entry in entries():
        if entry.path.endswith("/events"):
            named.setdefault(entry.route, set()).add(str(entry.event))

    assert len(named) >= 8
    assert {route: events_of(document, route) for route in named} == named


def test_the_guards_admit_whom_the_matrix_names() -> None:
    admitted: dict[str, set[str]] = {}
    for entry in entries():
        admitted.setdefault(entry.route, set()).update(entry.admitted())
    wrong: list[str] = []
    for name, route in routes_of(SERVICES.values()):
        (guard,) = guards_of(route.dependant)
        let_in = set(map(str, guard.roles)) | ({PUBLIC} if guard.public else set())
        # A guard that lets the public in lets every role in, unless it says otherwise.
        if let_in != admitted[name] and not (let_in == {PUBLIC} and PUBLIC in admitted[name]):
            wrong.append(f"{name}: {sorted(let_in ^ admitted[name])}")
    assert wrong == []


async def send(client: httpx.AsyncClient, entry: Entry, made: Call) -> httpx.Response:
    return await client.request(
        entry.method, made.path, params=made.params, headers=made.headers,
        json=made.json, data=made.form, content=made.content,
    )  # fmt: skip


def deviation(cell: Cell, scope: Scope, made: Call, answer: httpx.Response) -> str | None:
    """Tell what is wrong with an answer, if anything is."""
    told = f"{answer.status_code} {answer.text[:300]}"
    if made.finds is not None and answer.is_success and cell.side is not Side.ANY:
        field, value = made.finds
        shown = [item[field] for item in answer.json()["items"]]
        return None if (value in shown) is cell.is_allowed else f"shows {len(shown)}: {told}"
    if cell.is_allowed:
        if made.lets_in is not None:
            got = (answer.status_code, answer.json().get("code"))
            return None if got == made.lets_in else told
        return None if answer.is_success else told
    expected = REFUSED_STATUSES
    if cell.role == PUBLIC:
        expected = (401,) if scope is Scope.NONE else (401, 404)
    return None if answer.status_code in expected else told


@pytest.mark.parametrize(
    ("role", "scope", "is_allowed", "status", "is_right"),
    [
        ("firm", Scope.OWN, True, 200, True),
        ("firm", Scope.OWN, True, 403, False),
        ("firm", Scope.OWN, True, 409, False),
        ("firm", Scope.OWN, False, 404, True),
        ("firm", Scope.OWN, False, 200, False),
        ("firm", Scope.OWN, False, 409, False),
        ("bank", Scope.NONE, False, 401, False),
        (PUBLIC, Scope.NONE, False, 401, True),
        (PUBLIC, Scope.NONE, False, 404, False),
        (PUBLIC, Scope.PUBLISHED, False, 404, True),
    ],
)
def test_a_deviation_is_found(
    role: str, scope: Scope, status: int, *, is_allowed: bool, is_right: bool
) -> None:
    cell = Cell(role, role, Side.OWN, is_allowed)
    found = deviation(cell, scope, Call("/"), httpx.Response(status, json={"items": []}))
    assert (found is None) is is_right


def test_a_list_that_shows_what_is_foreign_is_found() -> None:
    shown = httpx.Response(200, json={"items": [{"id": "1"}]})
    for number, side, is_right in (
        ("1", Side.OWN, True), ("2", Side.OWN, False),
        ("1", Side.FOREIGN, False), ("2", Side.FOREIGN, True),
    ):  # fmt: skip
        cell = Cell("firm", "firm", side, is_allowed=side is Side.OWN)
        found = deviation(cell, Scope.OWN, Call("/", finds=("id", number)), shown)
        assert (found is None) is is_right


@pytest.mark.parametrize("entry", ENTRIES)
async def test_who_may_do_what(world: World, entry: Entry) -> None:
    wrong: list[str] = []
    for cell in entry.cells():
        made = await CALLS[entry.name](world, cell)
        answer = await send(world.client(cell.client), entry, made)
        found = deviation(cell, entry.scopes[cell.role], made, answer)
        report.note(entry, cell, is_right=found is None)
        if found is not None:
            wanted = "is let in" if cell.is_allowed else "is refused"
            wrong.append(f"{cell.client} ({cell.side}) {wanted}, but: {found}")
    assert wrong == []


@cache
def running_guards() -> dict[str, list[Guard]]:
    """Give the guards of every route; to build the apps anew for each entry would take seconds."""
    return {name: list(guards_of(route.dependant)) for name, route in routes_of(SERVICES.values())}


def reads(entry: Entry) -> bool:
    """Tell whether a route asks for the scope to read: by its method, unless its guard says so."""
    guards = running_guards().get(entry.route)
    stated = guards[0].reads if guards else None
    return entry.method == "GET" if stated is None else stated


@pytest.mark.parametrize("entry", GUARDED)
async def test_a_token_without_the_scope_is_refused(world: World, entry: Entry) -> None:
    role = next(iter(sorted(entry.admitted())))
    service = service_of(entry.path)
    other = "policy" if service == "finance" else "finance"
    scope = f"{other}:read" if reads(entry) else f"{service}:read"
    cell = Cell(role, role, Side.ANY, is_allowed=False)
    made = await CALLS[entry.name](world, cell)
    token = await world.token(role, scope)
    client = world.client(PUBLIC)
    made.headers["Authorization"] = f"Bearer {token}"
    answer = await send(client, entry, made)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope-required")


@pytest.mark.parametrize(
    ("name", "client", "status"),
    [
        ("GET /v1/enterprise/firms/{uscc}", "firm-b", 404),
        ("PUT /v1/enterprise/firms/{uscc}/indicators/{year}", "registrar-b", 403),
        ("GET /v1/policy/cases/{case_id}", "firm-b", 404),
        ("POST /v1/policy/cases/{case_id}/events decide", "reviewer-approver", 403),
        ("GET /v1/policy/tasks/{task_id}/history", "reviewer-b", 404),
        ("POST /v1/finance/budgets/{budget_id}/events approve", "treasurer-approver", 403),
        ("POST /v1/finance/payouts/{payout_id}/events check", "treasurer", 403),
        ("GET /v1/identity/clients", "steward", 403),
        ("POST /v1/identity/bindings", "firm-b", 404),
    ],
)
async def test_a_refused_attempt_is_on_record(
    world: World, name: str, client: str, status: int
) -> None:
    entry = next(each for each in entries() if each.name == name)
    made = await CALLS[name](world, Cell("", client, Side.FOREIGN, is_allowed=False))
    answer = await send(world.client(client), entry, made)
    assert answer.status_code == status, answer.text

    runtime = world.platform.service(str(service_of(entry.path)))
    query = text(
        "SELECT detail::jsonb FROM audit_entry WHERE outcome = 'refused' AND actor = :actor"
        " AND action = :action AND thing_id = :path ORDER BY id DESC LIMIT 1"
    )
    asked = {"actor": world.subject(client), "action": entry.route, "path": made.path}
    async with runtime.engine.connect() as connection:
        kept = await connection.scalar(query, asked)
    assert kept == {"code": answer.json()["code"], "status": status}
