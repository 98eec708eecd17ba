"""A rule set over a table of applicants: every answer as a column, or only the totals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import polars as pl

from services.rulebook.columns.frames import Frames, Staged
from services.rulebook.columns.plan import Answers, read_rules
from services.rulebook.columns.whole import is_narrow
from services.rulebook.ruleset import RuleSet

ROWS_MAX: Final = 2**32
Numbers = Mapping[str, int | None]


class Total(NamedTuple):
    """How many a programme grants, of how many nobody can say, and what it costs in fen."""

    eligible: int
    unknown: int
    amount_fen: int


@dataclass(frozen=True)
class City:
    """Rules read for tables of one schema, with the numbers of one day."""

    stages: tuple[Mapping[str, pl.Expr], ...]
    programmes: tuple[Answers[Staged], ...]

    def answers(self, table: pl.LazyFrame, keep: tuple[str, ...] = ()) -> pl.LazyFrame:
        """Answer every row: outcome, amount, conditions, points and classes of each programme."""
        named = {n: c.expr for each in self.programmes for n, c in each.columns.items()}
        return self._staged(table).select(*keep, **named)

    def totals(self, table: pl.LazyFrame) -> dict[str, Total]:
        """Count and sum without keeping an answer of any row."""
        counted = [part for each in self.programmes for part in _counted(each)]
        row = self._staged(table).select(counted).collect(engine="streaming").row(0)
        return {
            each.programme: Total(*(part or 0 for part in row[index * 3 : index * 3 + 3]))
            for index, each in enumerate(self.programmes)
        }

    def _staged(self, table: pl.LazyFrame) -> pl.LazyFrame:
        for columns in self.stages:
            table = table.with_columns(**columns)
        return table


def city(rules: RuleSet, schema: Mapping[str, Any], *, year: int, numbers: Numbers) -> City:
    """Read a rule set for tables with these columns; a column that is absent is unknown."""
    frames = Frames(schema, year)
    programmes = read_rules(rules, frames, numbers)
    return City(tuple(frames.stages), tuple(programmes))


def _counted(each: Answers[Staged]) -> list[pl.Expr]:
    outcome, fen = each.outcome.expr, each.granted_fen.expr
    # Nobody has more rows than Polars can count: within these bounds no sum of them overflows.
    low, high = each.granted_span
    is_safe = is_narrow((low * ROWS_MAX, high * ROWS_MAX))
    paid = pl.when(outcome).then(fen if is_safe else fen.cast(pl.Int128)).sum()
    return [
        outcome.sum().alias(f"{each.programme}.eligible"),
        outcome.null_count().alias(f"{each.programme}.unknown"),
        paid.alias(f"{each.programme}.amount_fen"),
    ]
