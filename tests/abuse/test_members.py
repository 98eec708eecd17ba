"""A11: a member that a body does not have is refused, however it is called and however deep."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from tests.abuse.calling import call_of, caller, json_schema_of, once_each, resolved, send
from tests.abuse.report import tried
from tests.contracts.matrix import Entry
from tests.contracts.world import World

EXTRA: dict[str, Any] = {
    "status": "approved",
    "state": "paid",
    "amount_approved": 10**9,
    "tenant_id": "jxj",
    "role": "admin",
    "roles": ["admin"],
    "owner": "admin",
    "created_at": "2020-01-01T00:00:00Z",
    "__proto__": {"role": "admin"},
    "Version": 1,
}
Path = tuple[Any, ...]
ENTRIES = [entry for entry in once_each() if json_schema_of(entry) is not None]


def additions(value: Any, schema: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Say where in a body the document closes an object, and what would be extra there."""
    schema = resolved(schema)
    if isinstance(value, dict) and schema.get("additionalProperties") is False:
        members: dict[str, Any] = schema.get("properties", {})
        yield from ((path, name) for name in EXTRA if name not in members)
        for name, child in value.items():
            yield from additions(child, members[name], (*path, name))


def with_member(body: Any, path: Path, name: str) -> Any:
    spoiled = deepcopy(body)
    target = spoiled
    for part in path:
        target = target[part]
    target[name] = EXTRA[name]
    return spoiled


def test_every_body_is_closed_at_its_top() -> None:
    schemas = {each.route: json_schema_of(each) or {} for each in ENTRIES}
    assert [r for r, s in schemas.items() if s.get("additionalProperties") is not False] == []
    assert len(schemas) >= 25


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.route)
async def test_a_member_that_is_not_there_is_refused(world: World, entry: Entry) -> None:
    cell, schema = caller(entry), json_schema_of(entry)
    assert schema is not None
    made = await call_of(world, entry, cell)
    wrong: list[str] = []
    for path, name in additions(made.json, schema):
        spoiled = with_member(made.json, path, name)
        answer = await send(world.client(cell.client), entry, made, json=spoiled)
        codes = [each["code"] for each in answer.json().get("errors", [])]
        is_right = answer.status_code == 422 and "extra-forbidden" in codes
        tried("A11", "members that a body does not have", wrong=not is_right)
        if not is_right:
            wrong.append(f"{path} {name}: {answer.status_code} {answer.text}")
    assert wrong == []
