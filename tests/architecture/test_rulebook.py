"""The rulebook is pure: it reaches neither files nor network, neither database nor clock."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Source, findings, imported, planted, sources
from tests.architecture.test_time import clock_readings

# What computes and nothing else. A module that is added here must not be able to look anything up.
PURE = {
    "collections",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    # The package loads its own modules when their names are asked for.
    "importlib",
    "itertools",
    "json",
    "math",
    "numbers",
    "operator",
    "orjson",
    "polars",
    "pydantic",
    "pydantic_core",
    "re",
    "services.rulebook",
    "sqlglot",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
}
REACHING = {"open", "input", "print", "breakpoint", "__import__"}


def reaches_out(source: Source) -> Iterator[str]:
    for node, name in imported(source):
        if not any(name == pure or name.startswith(f"{pure}.") for pure in PURE):
            yield source.at(node, f"imports {name}")
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id in REACHING:
            yield source.at(node, node.id)
    yield from clock_readings(source)


def test_the_rulebook_looks_nothing_up() -> None:
    assert findings(reaches_out, sources("services/rulebook/**/*.py")) == []


def test_every_way_out_of_the_rulebook_is_found(tmp_path: Path) -> None:
    text = """\
import os
from pathlib import Path
import sqlalchemy as sa
from services.kernel import clock
from datetime import datetime

facts = open("facts.json")
now = datetime.now()
"""
    assert findings(reaches_out, planted(tmp_path, "services/rulebook/amounts.py", text)) == [
        "services/rulebook/amounts.py:1: imports os",
        "services/rulebook/amounts.py:2: imports pathlib.Path",
        "services/rulebook/amounts.py:3: imports sqlalchemy",
        "services/rulebook/amounts.py:4: imports services.kernel.clock",
        "services/rulebook/amounts.py:7: open",
        "services/rulebook/amounts.py:8: datetime.now",
    ]
