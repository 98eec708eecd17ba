"""No float enters a decision or an amount: money is integer fen, shares are basis points."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import Source, findings, planted, sources


def floats(source: Source) -> Iterator[str]:
    tested = {id(name) for node in source.nodes for name in refused_types(node)}
    for node in source.nodes:
        if isinstance(node, ast.Name) and node.id == "float" and id(node) not in tested:
            yield source.at(node, "float")
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield source.at(node, f"{node.value!r}")
        elif is_true_division(node) and source.path.endswith("/rules.py"):
            yield source.at(node, "a quotient of integers is a float: // or Fraction")


def refused_types(node: ast.AST) -> Iterator[ast.AST]:
    """Return what an `isinstance` tests for: that is how a float is refused."""
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "isinstance":
        for argument in node.args[1:]:
            yield from ast.walk(argument)


def is_true_division(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div)


def test_decisions_and_money_know_no_float() -> None:
    counted = sources("services/rulebook/**/*.py", "services/policy/**/*.py")
    counted += sources("services/finance/**/*.py")

    assert findings(floats, counted) == []


def test_every_kind_of_float_is_found(tmp_path: Path) -> None:
    text = """\
def share(amount_fen: float) -> int:
    if isinstance(amount_fen, bool | float):
        raise TypeError
    return int(float(amount_fen) * 0.5 + amount_fen / 2)
"""
    found = findings(floats, planted(tmp_path, "services/finance/aid/rules.py", text))

    assert sorted(found) == [
        "services/finance/aid/rules.py:1: float",
        "services/finance/aid/rules.py:4: 0.5",
        "services/finance/aid/rules.py:4: a quotient of integers is a float: // or Fraction",
        "services/finance/aid/rules.py:4: float",
    ]
