"""The world that the contract tests look at, and the matrix that they print."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import TestPlatform
from tests.contracts.report import (
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)
from tests.contracts.world import World

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary", "pytest_testnodedown"]


@pytest.fixture(scope="session")
async def world(platform: TestPlatform) -> AsyncIterator[World]:
    made = World(platform)
    await made.begin()
    yield made
    await made.end()
