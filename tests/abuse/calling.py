"""Calls of the matrix, to be spoiled: a route, who may call it, and a request that is right."""

from collections.abc import Iterator
from typing import Any

import httpx

from tests.contracts.callers import CALLS, Call
from tests.contracts.document import api_document
from tests.contracts.matrix import PUBLIC, Cell, Entry, Scope, entries
from tests.contracts.world import World

DOCUMENT = api_document()
SHUT = (Scope.NONE, Scope.CONSENT)


def once_each() -> Iterator[Entry]:
    """List every route once, by its first event where it has several."""
    seen: set[str] = set()
    for entry in entries():
        if entry.route not in seen:
            seen.add(entry.route)
            yield entry


def operation_of(entry: Entry) -> dict[str, Any]:
    return DOCUMENT["paths"][entry.path][entry.method.lower()]


def json_schema_of(entry: Entry) -> dict[str, Any] | None:
    """Give the schema of the JSON body that a route takes."""
    content = operation_of(entry).get("requestBody", {}).get("content", {})
    return (
        resolved(content["application/json"]["schema"]) if "application/json" in content else None
    )


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, and of a schema that may be null take the other side."""
    if "$ref" in schema:
        return resolved(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return resolved(next(s for s in schema["anyOf"] if s.get("type") != "null"))
    return schema


def caller(entry: Entry) -> Cell:
    """Choose who is let in; the request changes nothing if it is refused."""
    cells = [cell for cell in entry.cells() if cell.is_allowed]
    best = next((cell for cell in cells if cell.role != PUBLIC), cells[0])
    return Cell(best.role, best.client, best.side, is_allowed=False)


async def call_of(world: World, entry: Entry, cell: Cell) -> Call:
    return await CALLS[entry.name](world, cell)


async def send(
    client: httpx.AsyncClient, entry: Entry, made: Call, **changes: Any
) -> httpx.Response:
    """Send a call, with some of it replaced."""
    request: dict[str, Any] = {
        "params": made.params, "headers": made.headers, "json": made.json, "data": made.form,
        "content": made.content,
    }  # fmt: skip
    path = changes.pop("path", made.path)
    return await client.request(entry.method, path, **request | changes)
