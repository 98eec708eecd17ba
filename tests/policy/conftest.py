from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.policy.changed_plans import Changed, load_changed
from tests.policy.review_steps import end_calls
from tests.policy.steps import GROWTH, budget


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    return partial(load_changed, tmp_path)


@pytest.fixture
async def today(platform: Any) -> date:
    """Give the business day."""
    answer = await platform.client("admin").get("/v1/demo/clock")
    return date.fromisoformat(answer.json()["today"])


@pytest.fixture
async def calls_end(platform: Any) -> AsyncIterator[None]:
    """Have money for a programme, and end its calls: one that is open takes other tests' cases."""
    await budget(platform)
    yield
    await end_calls(platform, GROWTH)
