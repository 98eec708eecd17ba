"""A ground for each file of faults: what one file breaks does not weigh on the next."""

import random
from collections.abc import AsyncIterator

import pytest
import structlog

from services.kernel.logs import configure_logs
from tests.faults.ground import Ground, running_ground
from tests.faults.report import SEED


@pytest.fixture(scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    before = structlog.get_config()
    configure_logs("WARNING")
    async with running_ground(tmp_path_factory.mktemp("faults")) as ground:
        yield ground
    structlog.configure(**before)


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Give the seeded chance of one test: the same whatever else is run."""
    return random.Random(f"{SEED}:{request.node.name}")  # noqa: S311  a chance to repeat
