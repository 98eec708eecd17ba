"""The log of these tests, kept where they can read it."""

import io

import pytest

from services.kernel.logs import configure_logs


@pytest.fixture(scope="session", autouse=True)
def logbook() -> io.StringIO:
    """Keep the log readable for the tests, and off the screen."""
    book = io.StringIO()
    configure_logs("INFO", book)
    return book
