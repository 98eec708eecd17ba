"""A15: what is no whole number of fen is no money, in every body that takes any."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from sqlalchemy import text

from gateway.paths import service_of
from services.enterprise.vocabulary.rules import Period, facts
from tests.abuse.calling import call_of, caller, json_schema_of, once_each, resolved, send
from tests.abuse.report import tried
from tests.contracts.matrix import Entry
from tests.contracts.world import World
from tests.faults.report import IS_FULL, SEED

PLACE = "@@"
BRIEF = 3
# As they are written: Python's own writer would mend some of them.
BAD = {
    "1e308": "1e308", "1e400": "1e400", "NaN": "NaN", "Infinity": "Infinity",
    "-Infinity": "-Infinity", "0.005": "0.005", "1.0": "1.0", "1e3": "1e3", "-0.0": "-0.0",
    '"1_000"': '"1_000"', '"１２"': '"１２"', '"12"': '"12"', '"1e3"': '"1e3"', "true": "true",
    "false": "false", "10^19": "10000000000000000000", "2^63": "9223372036854775808",
    "10^15 + 1": "1000000000000001", "-1": "-1", "a list": "[1]", "an object": '{"fen": 1}',
    '""': '""', "5,000 digits": "9" * 5000,
}  # fmt: skip
MAY_BE_NEGATIVE = {"net_profit_fen", "net_assets_fen"}
FACTS = {"/v1/enterprise/firms/{uscc}/indicators/{year}": Period.YEARLY}


def amounts_in(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Find every member of a body that is an amount."""
    for name, child in resolved(schema).get("properties", {}).items():
        if name.endswith("_fen"):
            yield (*path, name)
        else:
            yield from amounts_in(child, (*path, name))


def places_of(entry: Entry) -> list[tuple[str, ...]]:
    """List the amounts that a body takes; facts are open, so the vocabulary says which."""
    schema = json_schema_of(entry)
    found = list(amounts_in(schema)) if schema else []
    if entry.method == "PUT" and entry.path in FACTS:
        yearly = [fact for fact in facts() if fact.period is FACTS[entry.path]]
        found += [("facts", fact.name) for fact in yearly if fact.name.endswith("_fen")]
    if entry.route == "POST /v1/policy/evaluations":
        found += [("facts", "revenue_fen", "2025"), ("facts", "rd_internal_fen", "2025")]
    return found


def some_of(entry: Entry) -> list[tuple[str, ...]]:
    """Take every amount, or three of many in a brief run."""
    found = places_of(entry)
    chance = random.Random(f"{SEED}:{entry.route}")  # noqa: S311  no secret
    return found if IS_FULL or len(found) <= BRIEF else chance.sample(found, BRIEF)


ENTRIES = [each for each in once_each() if places_of(each)]


def body_with(body: Any, path: tuple[str, ...], raw: str) -> bytes:
    """Write a body with raw text in one place."""
    spoiled = deepcopy(body)
    target = spoiled
    for part in path[:-1]:
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise TypeError(path)
    target[path[-1]] = PLACE
    return json.dumps(spoiled).replace(f'"{PLACE}"', raw).encode()


def doubled(body: Any, path: tuple[str, ...]) -> bytes:
    """Write the amount twice under one key."""
    return body_with(body, path, f'1, "{path[-1]}": 2')


def test_every_amount_of_the_document_is_tried() -> None:
    tried_ = {each.route for each in ENTRIES}
    assert tried_ >= {
        "POST /v1/finance/budgets",
        "POST /v1/finance/aid",
        "POST /v1/finance/awards/{award_id}/events",
        "PUT /v1/enterprise/firms/{uscc}/indicators/{year}",
        "POST /v1/policy/evaluations",
    }


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.route)
async def test_what_is_no_amount_is_refused_and_changes_nothing(world: World, entry: Entry) -> None:
    cell = caller(entry)
    made = await call_of(world, entry, cell)
    before = await state_of(world, entry)
    wrong: list[str] = []
    for path in some_of(entry):
        spoiled = {name: body_with(made.json, path, raw) for name, raw in BAD.items()}
        spoiled["twice"] = doubled(made.json, path)
        if path[-1] in MAY_BE_NEGATIVE:
            del spoiled["-1"]
        for name, content in spoiled.items():
            headers = {**made.headers, "Content-Type": "application/json"}
            answer = await send(
                world.client(cell.client), entry, made, json=None, content=content, headers=headers
            )
            tried("A15", "amounts that are none", wrong=answer.status_code != 422)
            if answer.status_code != 422:
                wrong.append(f"{path} {name}: {answer.status_code} {answer.text[:200]}")
    assert wrong == []
    assert await state_of(world, entry) == before


async def state_of(world: World, entry: Entry) -> list[int]:
    """Count what a service has stored and said."""
    runtime = world.platform.service(str(service_of(entry.path)))
    async with runtime.engine.connect() as connection:
        tables = await connection.scalars(text(TABLES))
        counts = [await connection.scalar(text(f"SELECT count(*) FROM {t}")) for t in tables]  # noqa: S608
    return [int(count or 0) for count in counts]


# Refusals are recorded and sealed, timers recur: these tables grow whatever is refused.
TABLES = """
SELECT tablename FROM pg_tables WHERE schemaname = current_schema()
AND tablename NOT IN ('audit_entry', 'audit_seal', 'timer', 'alembic_version') ORDER BY 1
"""
