"""The table of abuse: which case was tried how often, and how often what must hold did not."""

from collections import Counter
from typing import Any

import pytest

OUTPUT = "abuse"
Key = tuple[str, str]
_tried: Counter[Key] = Counter()
_wrong: Counter[Key] = Counter()


def tried(case: str, what: str, *, times: int = 1, wrong: int = 0) -> None:
    """Keep that a case was tried so often, and how often it did not hold."""
    _tried[case, what] += times
    _wrong[case, what] += wrong


def table() -> list[str]:
    """Write the table: the case, what was tried, how often, and what did not hold."""
    wide = max(len(what) for _, what in _tried)
    lines = [f"{'case':5} {'what was tried':{wide}} {'times':>7} {'not held':>8}"]
    lines += [
        f"{case:5} {what:{wide}} {times:>7} {_wrong[case, what]:>8}"
        for (case, what), times in sorted(_tried.items())
    ]
    total = f"{_tried.total()} tries in {len({case for case, _ in _tried})} cases"
    return [*lines, f"{total}, {_wrong.total()} did not hold"]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker tried to whoever prints."""
    handed: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed[OUTPUT] = [(key, times, _wrong[key]) for key, times in _tried.items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001  the hook's own names
    """Take over what a worker tried."""
    for (case, what), times, wrong in getattr(node, "workeroutput", {}).get(OUTPUT, []):
        tried(case, what, times=times, wrong=wrong)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, if abuse was tried in this run."""
    if _tried:
        terminalreporter.section("abuse: what was tried and held")
        for line in table():
            terminalreporter.write_line(line)
        # Whoever loads this twice, by name and by conftest, prints it once.
        _tried.clear()
        _wrong.clear()
