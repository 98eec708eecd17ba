"""The log of these tests, kept where they can read it."""

import io
from collections.abc import Iterator

import pytest
import structlog

from services.kernel.logs import configure_logs


@pytest.fixture(autouse=True)
def logbook() -> Iterator[io.StringIO]:
    """Keep what a test logs where it can read it, and off the screen."""
    before = structlog.get_config()
    book = io.StringIO()
    configure_logs("INFO", book)
    yield book
    structlog.configure(**before)
