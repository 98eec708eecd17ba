"""Whatever fits the API document, or just does not, is answered as the document says."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import requests

from gateway.paths import service_of
from services.launch.registry import SERVICES
from services.policy.documents.actions.convert import CONVERTER
from tests.abuse.fuzzing import BASE, Fuzz, Wire, operations_of
from tests.abuse.grounds import running_ground
from tests.abuse.objects import Known, known_objects
from tests.abuse.report import tried
from tests.abuse.scenes import scenes
from tests.contracts.matrix import entries
from tests.contracts.world import World
from tests.faults.report import IS_FULL, SEED, tries
from tests.policy.test_ofd import WRITES, converter

CASES, CASES_FULL = 200, 5_000
# Those who reach most of each service.
ROLES = {
    "identity": ("admin", "auditor", "firm"),
    "enterprise": ("registrar", "firm", "auditor"),
    "policy": ("reviewer", "approver", "firm"),
    "finance": ("treasurer", "approver", "registrar"),
}


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Give a world of its own: what the fuzz leaves behind weighs on no other test."""
    folder = tmp_path_factory.mktemp("fuzz")
    async with running_ground(folder) as ground:
        # What no city has unless it says so; documents are to be reached in this form, too.
        ground.service("policy").sessions.kw["info"][CONVERTER] = converter(folder, WRITES)
        made = World(ground)
        await made.begin()
        yield made
        await made.end()


@pytest.fixture(scope="module")
async def known(world: World) -> Known:
    return await known_objects(world)


def operations(document: dict[str, Any], service: str) -> list[Any]:
    """List a service's operations; what the gateway answers itself goes with identity's."""
    found = operations_of(document)
    return [each for each in found if (service_of(each.path) or "identity") == service]


def admitted() -> dict[str, frozenset[str]]:
    """Say who may call each route, as the matrix has it."""
    roles: dict[str, frozenset[str]] = {}
    for entry in entries():
        roles[entry.route] = roles.get(entry.route, frozenset()) | entry.admitted()
    return roles


@pytest.mark.parametrize("service", SERVICES)
async def test_every_answer_is_as_the_document_says(
    world: World, known: Known, service: str
) -> None:
    document = (await world.client("public").get("/openapi.json")).json()
    chosen = operations(document, service)
    session = requests.Session()
    session.mount(BASE, Wire(world.platform.gateway, asyncio.get_running_loop()))
    fuzz = Fuzz(session, {}, known, admitted())
    share, more = divmod(tries(CASES_FULL, CASES), len(chosen))
    for number, operation in enumerate(chosen):
        set_ = await scenes(world, operation.label) if IS_FULL else []
        # Anew each time: a token lives for ten minutes.
        fuzz.tokens = {
            name: await world.platform.token(world.subject(name))
            for name in sorted({*ROLES[service], *(scene.client for scene in set_)})
        }
        cases = share + (number < more)
        await asyncio.to_thread(fuzz.run, operation, set_, cases, SEED + number)
    report = fuzz.report
    times, wrong = report.cases.total(), len(report.failures)
    tried("fuzz", f"{service}: {report.told()}", times=times, wrong=wrong)
    # That the fuzz gets behind the refusals is part of what it must do.
    assert sum(report.reached.values()) >= times / 5
    if IS_FULL:
        assert sorted(fuzz.never_reached()) == []
    told = "\n\n".join(f"{what}\n{how}" for what, how in report.failures.items())
    assert not report.failures, f"seed {SEED}\n{told}"
