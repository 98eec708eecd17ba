"""Spark in local mode answers as the compiled function does, row by row.

Run by `make test-integrations`; needs a Java of version 17 or later.
"""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from services.launch.commands.evaluating import evaluate_table
from services.rulebook import RuleSet, Situation, rule_set
from services.rulebook.columns.spark import spark_query
from tests.launch.test_evaluating import write
from tests.rulebook.columns_of import Numbers, rows_of, table_of
from tests.rulebook.random_facts import situations
from tests.rulebook.random_rules import conditions
from tests.rulebook.random_rules import numbers as numbers_in
from tests.rulebook.test_columns import AMOUNTS, CONDITIONS, NUMBERS, SCORE, SITUATIONS, compiled
from tests.rulebook.test_plan_in_columns import FACT_SETS, SETS, numbers_of
from tests.rulebook.test_random_columns import numbers_of as random_numbers
from tests.rulebook.test_random_columns import random_rule


@pytest.fixture
def spark() -> Any:
    """Give a session: the command under test ends the one that was there."""
    return (
        import_module("pyspark.sql")
        .SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.ansi.enabled", "true")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )


def spark_answers(
    spark: Any, folder: Path, rules: RuleSet, situations: Sequence[Situation], numbers: Numbers
) -> list[tuple[Any, ...]]:
    table = table_of(rules, situations).with_row_index("~row")
    file = folder / "facts.parquet"
    table.write_parquet(file)
    spark.read.parquet(str(file)).createOrReplaceTempView("facts")
    query = spark_query(
        rules, frozenset(table.columns), table="facts", keep=("~row",),
        year=situations[0].year, numbers=numbers,
    )  # fmt: skip
    rows = sorted((row.asDict() for row in spark.sql(query).collect()), key=lambda r: r["~row"])
    return rows_of(rules, {name: [_plain(row[name]) for row in rows] for name in rows[0]})


@pytest.mark.parametrize("name", SETS)
def test_spark_agrees_on_every_programme(spark: Any, tmp_path: Path, name: str) -> None:
    make, is_set = SETS[name]
    rules = make()
    numbers = numbers_of(rules, is_set=is_set)
    drawn = situations(rules, FACT_SETS, seed=2026)
    decided = [rules.decide(each, numbers) for each in drawn]
    assert spark_answers(spark, tmp_path, rules, drawn, numbers) == decided


@settings(
    max_examples=3, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.large_base_example, HealthCheck.data_too_large],
)  # fmt: skip
@given(
    pairs=st.lists(st.tuples(conditions(2), numbers_in(2)), min_size=25, max_size=40),
    seed=st.integers(0, 2**32),
)
def test_spark_agrees_on_random_rules(spark: Any, tmp_path: Path, pairs: Any, seed: int) -> None:
    made = [random_rule(f"r{index}", *pair) for index, pair in enumerate(pairs)]
    rules = rule_set(each for each in made if each is not None)
    values = random_numbers(rules, (7, -3))
    drawn = situations(rules, 500, seed)
    decided = [rules.decide(each, values) for each in drawn]
    assert spark_answers(spark, tmp_path, rules, drawn, values) == decided


def test_the_command_gives_the_same_table_on_either_engine(tmp_path: Path) -> None:
    facts = write(tmp_path / "facts.parquet")
    console = Console(record=True, width=200)
    results: list[pl.DataFrame] = []
    for name, master in (("polars", ""), ("spark", "local[2]")):
        out = tmp_path / f"{name}.parquet"
        done = evaluate_table(console, str(facts), str(out), on="2026-11-23", master=master)
        assert done == 0, console.export_text()
        results.append(pl.read_parquet(out).sort("uscc"))
    assert results[0].equals(results[1])


def _plain(value: Any) -> Any:
    return int(value) if type(value).__name__ == "Decimal" else value


def test_conditions_and_amounts_are_the_same_in_spark(spark: Any, tmp_path: Path) -> None:
    granted = "is_on OR is_off IS NULL OR NOT is_off"
    rules = rule_set(
        [
            *(compiled(text, id=f"c{index}") for index, text in enumerate(CONDITIONS)),
            *(compiled(granted, id=f"a{i}", amount=amount) for i, amount in enumerate(AMOUNTS)),
            compiled("is_on OR NOT is_on", id="score", score=SCORE),
        ]
    )
    numbers = rules.in_force({f"{e.programme.id}.rate": 5_000 for e in rules.programmes})
    expected = [rules.decide(each, numbers) for each in SITUATIONS]
    found = spark_answers(spark, tmp_path, rules, SITUATIONS, numbers)
    names = [each.programme.id for each in rules.programmes]
    for row, other in zip(found, expected, strict=True):
        assert dict(zip(names, row, strict=True)) == dict(zip(names, other, strict=True))
    assert NUMBERS["draft.rate"] == 5_000
