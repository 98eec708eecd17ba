"""Platforms of their own for abuse that leaves traces: other tests of the worker never meet it.

They end with the last of these tests, so that they keep no processor busy beside the others.
"""

from collections.abc import AsyncIterator

import pytest

from tests.abuse.grounds import running_ground
from tests.conftest import TestPlatform
from tests.contracts.world import World


@pytest.fixture(scope="package")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TestPlatform]:
    async with running_ground(tmp_path_factory.mktemp("abuse")) as ground:
        yield ground


@pytest.fixture(scope="package")
async def world(ground: TestPlatform) -> AsyncIterator[World]:
    made = World(ground)
    await made.begin()
    yield made
    await made.end()
