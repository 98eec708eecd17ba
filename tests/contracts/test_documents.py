"""The committed documents say what the code says, and what really happens fits them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from openapi_spec_validator import validate
from sqlalchemy import text

from gateway.documents import render
from services.kernel.events import envelope
from services.launch.commands.documents import FOLDER, contract_documents
from services.launch.registry import SERVICES
from tests.conftest import TestPlatform
from tests.contracts.calls.documents import document as payment_document
from tests.contracts.calls.panels import panel_in
from tests.contracts.departed import depart_from_rule, import_legacy_case
from tests.contracts.followed import follow_decisions
from tests.contracts.matrix import entries
from tests.contracts.noticed import dispute, let_result_be_late
from tests.contracts.offered import contest, offer
from tests.contracts.reviewed import at_the_departments, let_cases_be_late
from tests.contracts.scene import Scene
from tests.contracts.titled import grant_above, let_title_end
from tests.contracts.world import World

ANSWERS_LOOKED_FOR = 30
METHODS = ("get", "put", "post", "patch", "delete")
PROBLEM = "application/problem+json"
# These refuse in OAuth's words (RFC 6749), with the problem's members beside them.
OAUTH = {f"POST /oauth2/{verb}" for verb in ("token", "revoke", "introspect")}


@pytest.fixture(scope="module")
def documents() -> dict[str, dict[str, Any]]:
    return contract_documents()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json"])
def test_the_committed_document_is_what_the_code_says(
    documents: dict[str, dict[str, Any]], name: str
) -> None:
    assert (FOLDER / name).read_bytes() == render(documents[name])


def test_the_api_document_is_valid(documents: dict[str, dict[str, Any]]) -> None:
    document = documents["openapi.json"]

    assert document["openapi"].startswith("3.1")
    validate(document)


async def test_the_gateway_serves_both_documents(
    platform: TestPlatform, documents: dict[str, dict[str, Any]]
) -> None:
    for name, document in documents.items():
        answer = await platform.client("public").get(f"/{name}")
        assert answer.json() == document


def test_every_operation_says_who_may_call_it(documents: dict[str, dict[str, Any]]) -> None:
    public = {entry.route for entry in entries() if entry.is_public}
    wrong: list[str] = []
    for name, operation in operations(documents["openapi.json"]):
        needed = operation.get("security")
        is_open = needed is not None and (not needed or {} in needed)
        if needed is None or is_open is not (name in public):
            wrong.append(f"{name}: {needed}")
    assert wrong == []


def test_every_operation_of_a_service_declares_its_refusals(
    documents: dict[str, dict[str, Any]],
) -> None:
    served = 0
    for name, operation in operations(documents["openapi.json"]):
        if operation["tags"] == ["gateway"]:
            continue
        served += 1
        for status in ("4XX", "5XX"):
            content = operation["responses"][status]["content"]
            if name in OAUTH and status == "4XX":
                (schema,) = [each["schema"]["$ref"] for each in content.values()]
                assert schema.endswith("/OAuthProblem")
            else:
                assert PROBLEM in content, (name, status)
    assert served > 80


def test_every_event_that_is_announced_is_in_the_document(
    documents: dict[str, dict[str, Any]],
) -> None:
    messages = documents["asyncapi.json"]["components"]["messages"]
    announced = {event.TYPE for service in SERVICES.values() for event in service.announces}

    assert {message["name"] for message in messages.values()} == announced
    assert len(announced) >= 10


def test_every_reference_of_the_event_document_leads_somewhere(
    documents: dict[str, dict[str, Any]],
) -> None:
    document = documents["asyncapi.json"]
    found = list(references(document))
    assert len(found) > 20
    for reference in found:
        target: Any = document
        for name in reference.removeprefix("#/").split("/"):
            target = target[name]
        assert target


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for child in value.values():
            yield from references(child)
    elif isinstance(value, list):
        for child in value:
            yield from references(child)


def event_errors(document: dict[str, Any], event: dict[str, Any]) -> list[str]:
    """Hold an event against the schema of its type."""
    messages = document["components"]["messages"].values()
    (payload,) = [m["payload"] for m in messages if m["name"] == event["type"]]
    schema = {**payload, "components": document["components"]}
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    found: list[ValidationError] = list(validator.iter_errors(event))
    return [error.message for error in found]


@pytest.fixture(scope="module")
async def outbox(platform: TestPlatform, world: World) -> AsyncIterator[list[dict[str, Any]]]:
    """Have every kind of event announced, and give what stands in the outboxes."""
    scene = Scene(platform)
    await scene.set_up(["firm", "facts", "recognition", "list"])
    case = await world.case("awarded")
    revoke = {"event": "revoke", "version": case["version"], "note": "测试撤销", "data": {}}
    await world.post("approver", f"/v1/policy/cases/{case['id']}/events", revoke)
    paid = await payment_document(world, "issued")
    withdraw = {"event": "withdraw", "version": paid["version"], "note": "测试收回"}
    await world.post("approver", f"/v1/policy/documents/{paid['id']}/events", withdraw)
    panel = await panel_in(world, "closed")
    reopen = {"event": "reopen", "version": panel["version"], "note": "测试", "data": {}}
    await world.post("approver", f"/v1/policy/panels/{panel['id']}/events", reopen)
    client = {"client_id": "document-client", "name": "文档", "scopes": ["policy:read"]}
    made = await world.post("admin", "/v1/identity/clients", client)
    path = f"/v1/identity/clients/{made['id']}/events"
    await world.post("admin", path, {"event": "suspend", "version": 1})
    now = (await world.get("admin", "/v1/demo/clock"))["now"]
    await world.post("admin", "/v1/demo/clock", {"now": now})
    await world.meeting("draft")
    await world.post("treasurer", "/v1/finance/aid", world.aid())
    await world.late_task()
    await dispute(world)
    await let_result_be_late(world)
    await at_the_departments(world)
    await let_cases_be_late(world)
    await grant_above(world)
    await let_title_end(world)
    await depart_from_rule(world)
    await import_legacy_case(world)
    await offer(world)
    await contest(world)
    await follow_decisions(world)
    entry = platform.credentials.clients["steward"]
    form = {"token": await platform.token("steward")}
    form |= {name: entry[name] for name in ("client_id", "client_secret")}
    assert (await platform.client("public").post("/oauth2/revoke", data=form)).status_code == 200
    await platform.settle()
    yield await all_announced(platform)
    await scene.end()


async def all_announced(platform: TestPlatform) -> list[dict[str, Any]]:
    """Read what was announced, once the services have answered each other, or long enough after."""
    found: list[dict[str, Any]] = []
    wanted = {event.TYPE for service in SERVICES.values() for event in service.announces}
    for _ in range(ANSWERS_LOOKED_FOR):
        found = [event async for event in announced(platform)]
        if wanted <= {event["type"] for event in found}:
            break
        await asyncio.sleep(0.5)
    return found


async def announced(platform: TestPlatform) -> AsyncIterator[dict[str, Any]]:
    """Read the outboxes and put each row into the envelope that the relay publishes."""
    query = text(
        "SELECT id, type, aggregate, seq, occurred_at, payload, traceparent FROM outbox ORDER BY id"
    )
    for name in SERVICES:
        async with platform.service(name).engine.connect() as connection:
            for row in (await connection.execute(query)).mappings():
                fields = {**row, "id_": row["id"], "type_": row["type"]}
                del fields["id"], fields["type"]
                yield json.loads(envelope(**fields))


def test_what_is_announced_fits_the_document(
    documents: dict[str, dict[str, Any]], outbox: list[dict[str, Any]]
) -> None:
    wrong = [
        (event["type"], errors)
        for event in outbox
        if (errors := event_errors(documents["asyncapi.json"], event))
    ]
    assert wrong == []
    kinds = {event.TYPE for service in SERVICES.values() for event in service.announces}
    assert {event["type"] for event in outbox} == kinds


def test_an_event_that_does_not_fit_is_found(
    documents: dict[str, dict[str, Any]], outbox: list[dict[str, Any]]
) -> None:
    firm = next(e for e in outbox if e["type"] == "liangxin.enterprise.firm.changed.v1")
    planted = {**firm, "data": {**firm["data"], "version": "1"}}
    assert event_errors(documents["asyncapi.json"], planted) != []
