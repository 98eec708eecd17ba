"""Situations as a table, and the answers of a table as those of the compiled function."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from services.rulebook import RuleSet, Situation
from services.rulebook.columns.city import city
from services.rulebook.columns.frames import TYPES
from services.rulebook.columns.naming import columns_of
from services.rulebook.evaluate import World, value_of
from services.rulebook.nodes import FactAt, OnceEver

Numbers = Mapping[str, int | None]


def table_of(rules: RuleSet, situations: Sequence[Situation]) -> pl.DataFrame:
    """Write each situation as a row of the columns that the rules look at."""
    series: list[pl.Series] = []
    worlds = [World(situation, {}) for situation in situations]
    for column in columns_of(rules, situations[0].year).values():
        cells: list[Any]
        match column.node:
            case OnceEver(programme):
                cells = [world.has_won(programme) for world in worlds]
            case FactAt(name, _, back):
                cells = [world.fact(name, back) for world in worlds]
            case node:
                cells = [value_of(node, world) for world in worlds]
        series.append(pl.Series(column.name, cells, dtype=TYPES[column.kind]))
    return pl.DataFrame(series) if series else pl.DataFrame({"~": [0] * len(situations)})


def polars_answers(
    rules: RuleSet, situations: Sequence[Situation], numbers: Numbers
) -> list[tuple[Any, ...]]:
    """Answer all rows at once, each in the shape of the compiled function."""
    table = table_of(rules, situations)
    read = city(rules, table.schema, year=situations[0].year, numbers=numbers)
    answers = read.answers(table.lazy()).collect()
    return rows_of(rules, {name: answers[name].to_list() for name in answers.columns})


def rows_of(rules: RuleSet, columns: Mapping[str, list[Any]]) -> list[tuple[Any, ...]]:
    """Gather the columns of an engine into one answer of every programme for each row."""
    whole: list[list[Any]] = []
    for each in rules.programmes:
        name = each.programme.id
        checks = [columns[f"{name}.condition.{condition.id}"] for condition, _ in each.checks]
        outcome, amount = columns[f"{name}.outcome"], columns[f"{name}.amount_fen"]
        rows = zip(*checks, strict=True) if checks else [()] * len(outcome)
        whole.append([(o, c, a) for o, c, a in zip(outcome, rows, amount, strict=True)])
    return list(zip(*whole, strict=True))
