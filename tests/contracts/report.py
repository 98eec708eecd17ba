"""The verified matrix, printed when the tests are over, also where workers ran them."""

from typing import Any

import pytest

from tests.contracts.matrix import ROLES, Cell, Entry, Scope, entries

SIGNS = {
    Scope.ANY: "any",
    Scope.OWN: "own",
    Scope.DEPARTMENT: "dep",
    Scope.ANOTHERS: "oth",
    Scope.AWARDED: "awd",
    Scope.PUBLISHED: "pub",
    Scope.OFFICE: "ofc",
    Scope.CONSENT: "–",
    Scope.NONE: "–",
}
HEADINGS = {"registrar": "registr", "institution": "institut", "treasurer": "treasur"}
WIDTH = 9
LEGEND = (
    "any: every object; own: one's own, no foreign one; dep: one's own department's;",
    "oth: another person's, not one's own; awd: what is awarded; pub: what is published;",
    "ofc: of the office that directs the task board; –: nothing",
    "each ✓ is a call that was made: let in, or, after / and –, refused; ✗ is a deviation",
)
OUTPUT = "authorisation_matrix"

# One row a verified entry: its name, and role -> [(is_allowed, is_right)].
_rows: dict[str, dict[str, list[tuple[bool, bool]]]] = {}


def note(entry: Entry, cell: Cell, *, is_right: bool) -> None:
    """Keep what came of a cell."""
    _rows.setdefault(entry.name, {}).setdefault(cell.role, []).append((cell.is_allowed, is_right))


def table(rows: dict[str, dict[str, list[tuple[bool, bool]]]]) -> list[str]:
    """Write the table: for each role its scope, a tick for each cell let in and a tick refused."""
    wide = max(len(name) for name in rows)
    head = "".join(HEADINGS.get(role, role).ljust(WIDTH) for role in ROLES)
    lines = [f"{'route':{wide}}  {head}"]
    for entry in entries():
        if entry.name in rows:
            cells = "".join(_shown(entry, role, rows[entry.name]).ljust(WIDTH) for role in ROLES)
            lines.append(f"{entry.name:{wide}}  {cells}")
    marks = [mark for row in rows.values() for cells in row.values() for mark in cells]
    wrong = sum(not is_right for _, is_right in marks)
    lines += [
        *LEGEND,
        f"{len(rows)} routes × {len(ROLES)} roles, {len(marks)} cells, {wrong} deviations",
    ]
    return lines


def _shown(entry: Entry, role: str, row: dict[str, list[tuple[bool, bool]]]) -> str:
    cells = row.get(role, [])
    ins = "".join("✓" if right else "✗" for allowed, right in cells if allowed)
    outs = "".join("✓" if right else "✗" for allowed, right in cells if not allowed)
    sign = SIGNS[entry.scopes[role]]
    return f"{sign}{ins}/{outs}" if ins and outs else f"{sign}{ins}{outs}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what a worker verified to whoever prints."""
    handed: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if handed is not None:
        handed[OUTPUT] = _rows


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # noqa: ARG001  the hook's own names
    """Take over what a worker verified."""
    _rows.update(getattr(node, "workeroutput", {}).get(OUTPUT, {}))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the matrix, if it was verified in this run."""
    if _rows:
        terminalreporter.section("authorisation matrix: routes × roles")
        for line in table(_rows):
            terminalreporter.write_line(line)
        # Whoever loads this twice, by name and by conftest, prints it once.
        _rows.clear()
