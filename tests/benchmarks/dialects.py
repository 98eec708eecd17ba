"""The same rules for the peers: SQL for DuckDB, and formulas for OpenFisca."""

from fractions import Fraction
from typing import Any

from services.rulebook import RuleSet
from services.rulebook.columns.plan import read_rules
from services.rulebook.columns.spark import Spark, Sql
from services.rulebook.nodes import (
    AllOf,
    AnyOf,
    Arithmetic,
    Case,
    Compare,
    Const,
    Extreme,
    FactAt,
    Floor,
    Kind,
    Node,
    Not,
    OneOf,
    Value,
    kind_of,
)
from tests.benchmarks.named_set import YEAR

NUMPY = {"=": "==", "<>": "!=", "LEAST": "minimum", "GREATEST": "maximum"}


class Duck(Spark):
    """DuckDB's SQL: names in double quotes, `//` for whole division, HUGEINT beyond 64 bits."""

    def _stored(self, name: str, kind: Kind) -> Sql:
        if name not in self.columns:
            return super()._stored(name, kind)
        return Sql(f'"{name}"', is_bare=True)

    def literal(self, value: Value, *, wide: bool = False) -> Sql:
        written = super().literal(value, wide=wide)
        return Sql(str(value), wide, is_bare=True) if type(value) is int else written

    def resized(self, value: Sql, *, wide: bool) -> Sql:
        kind = "HUGEINT" if wide else "BIGINT"
        return Sql(f"CAST({value.text} AS {kind})", wide, value.stage)

    def calculate(self, op: str, left: Sql, right: Sql) -> Sql:
        """Nothing in the named set is divided below zero, where `//` would round up."""
        return self._joined(f"({left.text} {op} {right.text})", [left, right], wide=left.wide)


def duck_totals(rules: RuleSet, columns: list[str], table: str) -> str:
    """Count and sum in one query; what several rules ask is computed once, in a subquery."""
    duck = Duck(frozenset(columns), YEAR)
    programmes = read_rules(rules, duck, rules.numbers)
    source = table
    for stage in duck.stages:
        query = f"(SELECT *, {', '.join(stage)} FROM {source})"  # noqa: S608 (all of it is ours)
        source = query.replace("`", '"')
    asked: list[str] = []
    for each in programmes:
        outcome, fen = (part.text.replace("`", '"') for part in (each.outcome, each.granted_fen))
        asked += [
            f"count(*) FILTER ({outcome})",
            f"count(*) - count({outcome})",
            f"coalesce(sum({fen}) FILTER ({outcome}), 0)",
        ]
    return f"SELECT {', '.join(asked)} FROM {source}"  # noqa: S608


def openfisca_formulas(rules: RuleSet) -> dict[str, Any]:
    """Write each distinct condition, outcome and amount as an expression over numpy arrays.

    OpenFisca knows no unknown: it is zero or false there. Money is a 32-bit float.
    """
    names: dict[Node, str] = {}
    formulas: dict[str, str] = {}
    for each in rules.programmes:
        for _, node in each.checks:
            if node not in names:
                names[node] = f"c{len(names)}"
                formulas[names[node]] = _numpy(node)
        checks = " * ".join(_asked(names[node]) for _, node in each.checks)
        name = each.programme.id
        formulas[name] = checks
        if each.amount is not None:
            formulas[f"{name}_fen"] = f"where({_asked(name)}, floor({_numpy(each.amount)}), 0)"
    facts = sorted({name for each in rules.programmes for name in each.facts})
    kinds = {
        name: {"bool": "bool", "text": "int"}.get(each.vocabulary[name].type, "float")
        for each in rules.programmes
        for name in each.facts
    }
    return {
        "facts": {name: kinds[name] for name in facts},
        "formulas": formulas,
        "programmes": [each.programme.id for each in rules.programmes],
    }


def _asked(name: str, back: int = 0) -> str:
    return f"person('{name}', period{'.last_year' * back})"


def _numpy(node: Node) -> str:  # noqa: C901, PLR0911, PLR0912 (one case for each form)
    match node:
        case Const(Fraction() as value):
            return f"{value.numerator}/{value.denominator}"
        case Const(value):
            return str(int(str(value))) if kind_of(node) is Kind.TEXT else str(value)
        case FactAt(name, _, back):
            return _asked(name, back or 0)
        case Not(operand):
            return f"~({_numpy(operand)})"
        case AllOf(items):
            return " & ".join(f"({_numpy(item)})" for item in items)
        case AnyOf(items):
            return " | ".join(f"({_numpy(item)})" for item in items)
        case Compare(op, left, right) | Arithmetic(op, left, right):
            return f"({_numpy(left)}) {NUMPY.get(op, op)} ({_numpy(right)})"
        case OneOf(operand, options):
            return f"isin({_numpy(operand)}, [{', '.join(_numpy(each) for each in options)}])"
        case Extreme(word, (first, second)):
            return f"{NUMPY[word]}({_numpy(first)}, {_numpy(second)})"
        case Floor(operand):
            return f"floor({_numpy(operand)})"
        case Case(((condition, value),), otherwise):
            return f"where({_numpy(condition)}, {_numpy(value)}, {_numpy(otherwise)})"
        case _:
            raise TypeError(f"{type(node).__name__} is not in the named set")
