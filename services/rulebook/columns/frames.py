"""The engine for a city: the same nodes as Polars expressions over columns.

What several expressions need is a column of its own, computed in an earlier stage; so choices
within choices stay as long as they are written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, Final

import polars as pl

from services.rulebook.columns.naming import column_name
from services.rulebook.columns.whole import Asked
from services.rulebook.nodes import Grade, Holds, Kind, Value, kind_of

TYPES: Final[Mapping[Kind, Any]] = {
    Kind.BOOL: pl.Boolean,
    Kind.NUMBER: pl.Int64,
    Kind.TEXT: pl.Categorical,
    Kind.DATE: pl.Date,
}
# Few options are compared one by one, more are looked up.
COMPARED_MAX: Final = 6


@dataclass(frozen=True)
class Staged:
    """An expression, and the stage before which its columns have been computed."""

    expr: pl.Expr
    stage: int = 0
    is_bare: bool = False


class Frames:
    """Polars as an algebra; `stages` collects the columns to add, one stage after the other."""

    def __init__(self, schema: Mapping[str, Any], year: int) -> None:
        self.schema = schema
        self.year = year
        self.stages: list[dict[str, pl.Expr]] = []

    def column(self, node: Asked) -> Staged:
        name, kind = column_name(node, self.year), kind_of(node)
        if isinstance(node, Grade):
            return self._grade(name, Holds(node.scheme))
        return self._stored(name, kind)

    def _grade(self, name: str, holds: Holds) -> Staged:
        """Read a grade; what is known not to be held has the empty one."""
        held, grade = self.column(holds), self._stored(name, Kind.TEXT)
        has_none = pl.when(held.expr.not_() & grade.expr.is_null()).then(pl.lit(""))
        return self.shared(Staged(has_none.otherwise(grade.expr).cast(pl.Categorical)))

    def _stored(self, name: str, kind: Kind) -> Staged:
        if name not in self.schema:
            return self.unknown(kind)
        column = Staged(pl.col(name), is_bare=True)
        if self.schema[name] == TYPES[kind]:
            return column
        return self.shared(Staged(column.expr.cast(TYPES[kind])))

    def literal(self, value: Value, *, wide: bool = False) -> Staged:
        if type(value) is int:
            return Staged(pl.lit(value, dtype=pl.Int128 if wide else pl.Int64), is_bare=True)
        return Staged(pl.lit(value), is_bare=True)

    def unknown(self, kind: Kind) -> Staged:
        return Staged(pl.lit(None, dtype=TYPES[kind]), is_bare=True)

    def resized(self, value: Staged, *, wide: bool) -> Staged:
        return Staged(value.expr.cast(pl.Int128 if wide else pl.Int64), value.stage)

    def calculate(self, op: str, left: Staged, right: Staged) -> Staged:
        return self._joined(op, left, right)

    def compare(self, op: str, left: Staged, right: Staged) -> Staged:
        return self._joined(op, left, right)

    def _joined(self, op: str, left: Staged, right: Staged) -> Staged:
        return Staged(OPERATORS[op](left.expr, right.expr), max(left.stage, right.stage))

    def limited(self, word: str, value: Staged, limit: int, *, wide: bool) -> Staged:
        """Pick by comparison: it keeps null, and takes half of the time that `clip` does."""
        once = self.shared(value)
        bound = pl.lit(limit, dtype=pl.Int128 if wide else pl.Int64)
        beyond = once.expr > bound if word == "LEAST" else once.expr < bound
        return Staged(pl.when(beyond).then(bound).otherwise(once.expr), once.stage)

    def one_of(self, value: Staged, options: list[Value]) -> Staged:
        if len(options) > COMPARED_MAX:
            return Staged(value.expr.is_in(options), value.stage)
        found = [value.expr == pl.lit(option) for option in options]
        return Staged(reduce(or_, found), value.stage)

    def every(self, items: list[Staged]) -> Staged:
        return Staged(reduce(and_, (item.expr for item in items)), _latest(items))

    def some(self, items: list[Staged]) -> Staged:
        return Staged(reduce(or_, (item.expr for item in items)), _latest(items))

    def negated(self, value: Staged) -> Staged:
        return Staged(value.expr.not_(), value.stage)

    def is_unknown(self, value: Staged) -> Staged:
        return Staged(value.expr.is_null(), value.stage)

    def known(self, value: Staged, otherwise: Staged) -> Staged:
        stage = max(value.stage, otherwise.stage)
        return Staged(pl.coalesce(value.expr, otherwise.expr), stage)

    def choose(self, branches: list[tuple[Staged, Staged]]) -> Staged:
        (when, then), *others = branches
        chain: Any = pl.when(when.expr).then(then.expr)
        for when, then in others:
            chain = chain.when(when.expr).then(then.expr)
        return Staged(chain.otherwise(None), _latest([part for pair in branches for part in pair]))

    def shared(self, value: Staged) -> Staged:
        if value.is_bare:
            return value
        while len(self.stages) <= value.stage:
            self.stages.append({})
        name = f"~{value.stage}.{len(self.stages[value.stage])}"
        self.stages[value.stage][name] = value.expr
        return Staged(pl.col(name), value.stage + 1, is_bare=True)


def _latest(parts: list[Staged]) -> int:
    return max(part.stage for part in parts)


OPERATORS: Final[Mapping[str, Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
