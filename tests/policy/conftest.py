from functools import partial
from pathlib import Path

import pytest

from tests.policy.changed_plans import Changed, load_changed


@pytest.fixture
def changed(tmp_path: Path) -> Changed:
    return partial(load_changed, tmp_path)
