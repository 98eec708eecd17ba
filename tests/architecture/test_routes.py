"""Every route stands in the API document."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Source, findings, planted, sources


def hidden_routes(source: Source) -> Iterator[str]:
    for node in source.nodes:
        if isinstance(node, ast.keyword) and node.arg == "include_in_schema":
            yield source.at(node.value, "include_in_schema")


def test_no_route_is_hidden() -> None:
    assert findings(hidden_routes, sources("services/**/*.py", "gateway/**/*.py")) == []


def test_a_hidden_route_is_found(tmp_path: Path) -> None:
    text = "router = APIRouter(\n    include_in_schema=False,\n)\n"

    assert findings(hidden_routes, planted(tmp_path, "services/policy/cases/routes.py", text)) == [
        "services/policy/cases/routes.py:2: include_in_schema",
    ]
