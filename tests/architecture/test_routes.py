"""Every route stands in the API document."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from services.launch.registry import SERVICES
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


def test_no_dependency_is_run_in_a_thread() -> None:
    """A plain function as a dependency costs every request two changes of thread."""
    waited = [
        f"{service.name}: {call.__module__}.{call.__name__}"
        for service in SERVICES.values()
        for router in service.routers
        for route in router.routes
        if isinstance(route, APIRoute)
        for call in called(route.dependant)
        if not is_coroutine(call)
    ]
    assert waited == []


def called(dependant: Dependant) -> Iterator[Any]:
    for inner in dependant.dependencies:
        yield inner.call
        yield from called(inner)


def is_coroutine(call: Any) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(type(call).__call__)
