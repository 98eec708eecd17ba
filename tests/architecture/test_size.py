"""Files and functions stay short enough to be read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Source, findings, planted, sources

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70


def oversized(source: Source) -> Iterator[str]:
    if (lines := len(source.text.splitlines())) > FILE_LINES_MAX:
        yield f"{source.path}: {lines} lines"
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                yield source.at(node, f"{node.name} has {lines} lines")


def test_files_and_functions_are_short() -> None:
    written = [
        source
        for source in sources("services/**/*.py", "gateway/**/*.py", "tests/**/*.py")
        if "/migrations/" not in source.path
    ]
    assert findings(oversized, written) == []


def test_a_long_file_and_a_long_function_are_found(tmp_path: Path) -> None:
    function = "async def long() -> None:\n" + "    pass\n" * FUNCTION_LINES_MAX
    text = function + "\n" * (FILE_LINES_MAX - FUNCTION_LINES_MAX)

    assert findings(oversized, planted(tmp_path, "services/long.py", text)) == [
        f"services/long.py: {FILE_LINES_MAX + 1} lines",
        f"services/long.py:1: long has {FUNCTION_LINES_MAX + 1} lines",
    ]
