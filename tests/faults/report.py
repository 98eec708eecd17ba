"""The table of faults: what was tried how often, what was lost or doubled, printed at the end."""

import os
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import pytest

IS_FULL = os.environ.get("LIANGXIN_FAULTS", "") == "full"
SEED = int(os.environ.get("LIANGXIN_FAULTS_SEED") or "20251123")
OUTPUT = "faults"
LONGEST = {
    name: place
    for place, name in enumerate(
        (
            "test_case_machine.py",
            "test_kill.py",
            "test_plan_in_columns.py",
            "test_processes.py",
            "test_broker_away.py",
            "test_schema_fuzz.py",
            "test_broker.py",
            "test_database.py",
            "test_split.py",
        )
    )
}
wholly = pytest.mark.skipif(not IS_FULL, reason="takes minutes; tried by `make faults`")


@dataclass
class Line:
    """One fault: how often it was tried, and what came of it."""

    case: str
    fault: str
    tries: int
    lost: int
    double: int
    note: str


_lines: list[dict[str, Any]] = []
_hits: Counter[str] = Counter()


def tries(full: int, brief: int) -> int:
    """Give how often to try: wholly in `make faults`, briefly in `make test`."""
    return full if IS_FULL else brief


def met(is_met: bool) -> str:  # noqa: FBT001  one word for one fact
    """Say of a goal in seconds, which a busy machine may miss, what came of it."""
    return "met" if is_met else "missed"


def held(case: str, fault: str, *, tries: int, lost: int, double: int, note: str = "") -> None:
    """Keep a line of the table; the figures are those that were counted, right or wrong."""
    _lines.append(asdict(Line(case, fault, tries, lost, double, note)))


def hit(point: str) -> None:
    """Count that a process died at a crash point."""
    _hits[point] += 1


def table() -> list[str]:
    """Write the table, with its seed and the hits of each crash point."""
    lines = [Line(**line) for line in _lines]
    lines.sort(key=lambda line: (line.case, line.fault))
    wide = max(len(line.fault) for line in lines)
    shown = [f"{'case':5} {'fault':{wide}} {'tried':>7} {'lost':>5} {'double':>6}  note"]
    shown += [
        f"{line.case:5} {line.fault:{wide}} {line.tries:>7} {line.lost:>5} {line.double:>6}"
        f"  {line.note}"
        for line in lines
    ]
    if _hits:
        shown += ["", "kill -9 at each point: " + _counted(_hits)]
    lost, double = sum(line.lost for line in lines), sum(line.double for line in lines)
    extent = "all of them" if IS_FULL else "a subset; all by `make faults`"
    shown.append(f"{lost} lost, {double} double; seed {SEED}; {extent}")
    return shown


def _counted(hits: Counter[str]) -> str:
    return ", ".join(f"{point} {count}" for point, count in sorted(hits.items()))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: the other workers fill the time beside it."""
    items.sort(key=lambda item: LONGEST.get(item.path.name, len(LONGEST)))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker tried to whoever prints."""
    handed: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed[OUTPUT] = {"lines": _lines, "hits": dict(_hits)}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001  the hook's own names
    """Take over what a worker tried."""
    handed = getattr(node, "workeroutput", {}).get(OUTPUT, {"lines": [], "hits": {}})
    _lines.extend(handed["lines"])
    _hits.update(handed["hits"])


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the table, if faults were tried in this run."""
    if _lines:
        terminalreporter.section("faults: what was tried and held")
        for line in table():
            terminalreporter.write_line(line)
        # Whoever loads this twice, by name and by conftest, prints it once.
        _lines.clear()
