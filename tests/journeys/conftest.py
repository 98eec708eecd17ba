"""The city that journeys go through."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import TestPlatform
from tests.journeys.steps import City


@pytest.fixture
async def city(platform: TestPlatform) -> AsyncIterator[City]:
    made = City(platform)
    await made.begin()
    yield made
    await made.end()
