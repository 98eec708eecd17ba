"""The committed documents that the code writes, and the matrix of routes and roles."""

from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute
from rich.console import Console
from rich.table import Table

import gateway
from gateway.documents import merge_openapi, render
from gateway.own_document import own_document
from services.kernel.actors import ALL_ROLES, Guard, guards_of
from services.kernel.app import API_VERSION, build_app, describe
from services.kernel.asyncapi import asyncapi_document
from services.launch.registry import SERVICES
from services.policy.transitions import rules as transitions

FOLDER = Path(gateway.__file__).parent
REPOSITORY = FOLDER.parent


def write_contracts(console: Console, *, check_only: bool) -> int:
    """Write the documents, or say which committed one is not what the code says."""
    stale = 0
    for name, body in written_documents().items():
        path = REPOSITORY / name
        if path.exists() and path.read_bytes() == body:
            continue
        stale += 1
        if check_only:
            console.print(
                f"{name} is not what the code says: run `make contracts` and review the change"
            )
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(body)
            console.print(f"wrote {name}")
    return 1 if check_only and stale else 0


def written_documents() -> dict[str, bytes]:
    """Give every committed document that is made from the code, by its path."""
    contracts = {f"gateway/{name}": render(each) for name, each in contract_documents().items()}
    return contracts | {"docs/cases.md": transitions.page().encode()}


def contract_documents() -> dict[str, dict[str, Any]]:
    """Build both documents from the code."""
    announced = {name: service.announces for name, service in SERVICES.items()}
    return {
        "openapi.json": merge_openapi(
            {name: describe(s) for name, s in SERVICES.items()}, own_document(API_VERSION)
        ),
        "asyncapi.json": asyncapi_document(announced, API_VERSION),
    }


def guarded_routes() -> list[tuple[str, str, str, Guard]]:
    """List every route as (service, method, path, guard)."""
    rows: list[tuple[str, str, str, Guard]] = []
    for name, service in SERVICES.items():
        for route in build_app(service).routes:
            if isinstance(route, APIRoute):
                (guard,) = guards_of(route.dependant)
                rows += [
                    (name, method, route.path, guard) for method in sorted(route.methods or ())
                ]
    return rows


def print_matrix(console: Console) -> None:
    """Print which roles each route admits; what is own and what is foreign, the tests prove."""
    table = Table(title="routes × roles", show_lines=False)
    for heading in ("route", *ALL_ROLES, "public"):
        table.add_column(heading, no_wrap=heading == "route")
    rows = guarded_routes()
    for _, method, path, guard in sorted(rows, key=lambda r: (r[2], r[1])):
        marks = ["●" if role in guard.roles or guard.public else "·" for role in ALL_ROLES]
        table.add_row(f"{method} {path}", *marks, "●" if guard.public else "·")
    console.print(table)
    console.print(f"{len(rows)} routes, none without a guard")
