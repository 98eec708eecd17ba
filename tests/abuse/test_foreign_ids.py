"""A09: the id of another's object opens nothing, and does not even tell that it is one."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from gateway.paths import service_of
from services.kernel.ids import new_id
from services.launch.city.uscc import make_uscc
from tests.abuse.calling import call_of, send
from tests.abuse.report import tried
from tests.contracts.matrix import PUBLIC, Entry, Side, entries
from tests.contracts.world import AUTHORITY, World

NEVER_REGISTERED = 900_001
# These say which part of a thing is meant, not whose thing it is.
NO_IDS = {"year", "number"}
DENIED = {Side.FOREIGN, Side.NOT_AWARDED, Side.NOT_PUBLISHED}


# Staff may read every firm: to a registrar it is no secret that there is one.
MAY_KNOW = {("registrar", "enterprise")}
# Everybody may read these: that there is one is public.
PUBLIC_THINGS = tuple(f"/v1/policy/{noun}/" for noun in ("calls", "notices", "tasks"))
# Whoever may read a case knows its steps, also those of other desks.
KNOWN = (*PUBLIC_THINGS, "/v1/policy/cases/{case_id}/steps/")
NOTHING = {"items": [], "next_cursor": None}


def has_foreign(entry: Entry) -> bool:
    return "{" in entry.path and any(
        cell.side in DENIED and not cell.is_allowed for cell in entry.cells()
    )


ENTRIES = [entry for entry in entries() if has_foreign(entry)]


def without(entry: Entry, path: str) -> list[tuple[str, str]]:
    """Give the path with each id in turn replaced by one that belongs to nothing."""
    made: list[tuple[str, str]] = []
    for place, name in enumerate(entry.path.split("/")):
        if not name.startswith("{") or name.strip("{}") in NO_IDS:
            continue
        parts = path.split("/")
        by_name = {"{uscc}": make_uscc(AUTHORITY, NEVER_REGISTERED), "{list}": "no-such-list"}
        parts[place] = by_name.get(name, str(new_id()))
        made.append((name, "/".join(parts)))
    return made


def told(answer: httpx.Response) -> tuple[int, dict[str, Any]]:
    body: dict[str, Any] = answer.json()
    return answer.status_code, {n: v for n, v in body.items() if n != "trace_id"}


def test_every_way_to_name_a_thing_is_tried() -> None:
    names = {part for each in ENTRIES for part in each.path.split("/") if part.startswith("{")}
    assert names >= {"{uscc}", "{case_id}", "{award_id}", "{aid_id}", "{id}", "{operation_id}"}
    assert len(ENTRIES) >= 30


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
async def test_a_foreign_id_is_answered_as_one_that_does_not_exist(
    world: World, entry: Entry
) -> None:
    wrong: list[str] = []
    service = str(service_of(entry.path))
    runtime = world.platform.service(service)
    for cell in entry.cells():
        if cell.side not in DENIED or cell.is_allowed:
            continue
        made = await call_of(world, entry, cell)
        client = world.client(cell.client)
        foreign = await send(client, entry, made)
        if foreign.status_code == httpx.codes.OK:
            assert foreign.json() == NOTHING, foreign.text
            continue
        assert foreign.status_code in (401, 403, 404), foreign.text
        for name, path in without(entry, made.path):
            absent = await send(client, entry, made, path=path)
            is_same = told(foreign) == told(absent)
            is_known = (cell.role, service) in MAY_KNOW or entry.path.startswith(KNOWN)
            is_right = is_same or is_known
            tried("A09", "foreign ids against absent ones", wrong=not is_right)
            if not is_right:
                wrong.append(f"{cell.client} {name}: {foreign.text} / {absent.text}")
        if cell.role != PUBLIC:
            asked = {"path": made.path, "who": world.subject(cell.client)}
            async with runtime.engine.connect() as connection:
                assert await connection.scalar(RECORDED, asked), f"{cell.client}: not on record"
    assert wrong == []


RECORDED = text(
    "SELECT count(*) FROM audit_entry"
    " WHERE outcome = 'refused' AND thing_id = :path AND actor = :who"
)
