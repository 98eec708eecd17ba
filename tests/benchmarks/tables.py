"""Tables of many firms for the benchmarks: the same rows on every machine, a twentieth unknown."""

from typing import Any

import polars as pl

from services.rulebook import RuleSet
from services.rulebook.columns.naming import Column, columns_of
from services.rulebook.nodes import Const, Kind, OneOf, walk
from tests.benchmarks.named_set import YEAR

UNKNOWN_ONE_IN = 20
MONEY = 10**10


def firms(rules: RuleSet, rows: int) -> pl.DataFrame:
    """Draw a value for each column that the rules look at."""
    row = pl.int_range(rows, dtype=pl.UInt64)
    texts = _texts(rules)
    cells: dict[str, pl.Expr] = {}
    for place, (name, column) in enumerate(columns_of(rules, YEAR).items()):
        drawn = row.hash(2 * place)
        known = row.hash(2 * place + 1) % UNKNOWN_ONE_IN != 0
        cells[name] = pl.when(known).then(_drawn(column, drawn, texts)).alias(name)
    return pl.select(list(cells.values()))


def _drawn(column: Column, drawn: pl.Expr, texts: pl.Series) -> pl.Expr:
    match column.kind:
        case Kind.BOOL:
            return drawn % 2 == 0
        case Kind.TEXT:
            return pl.lit(texts).gather(drawn % len(texts)).cast(pl.Categorical)
        case Kind.DATE:
            days = (drawn % 9_000).cast(pl.Int32)
            return (pl.lit(11_000, dtype=pl.Int32) + days).cast(pl.Date)
        case Kind.NUMBER:
            size = min(column.high - max(0, column.low) + 1, _size(column.high))
            return (drawn % size).cast(pl.Int64) + max(0, column.low)


def _size(high: int) -> int:
    """Draw money up to a hundred million yuan, people up to two thousand, other counts to ten."""
    return MONEY if high >= MONEY else 2_000 if high >= 10**6 else 10


def _texts(rules: RuleSet) -> pl.Series:
    found: set[str] = {"other"}
    for root in (node for each in rules.programmes for node in each.nodes):
        for node in walk(root):
            options: tuple[Any, ...] = node.options if isinstance(node, OneOf) else (node,)
            found |= {
                str(each.value)
                for each in options
                if isinstance(each, Const) and each.kind is Kind.TEXT
            }
    return pl.Series(sorted(found))
