"""The engine beyond a city: the same nodes as Spark SQL, whole numbers as bigint or decimal(38,0).

The text runs in ANSI mode, where an overflow is an error and never a wrong number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from services.rulebook.columns.naming import column_name
from services.rulebook.columns.plan import read_rules
from services.rulebook.columns.whole import Asked
from services.rulebook.nodes import Grade, Holds, Kind, Value, kind_of
from services.rulebook.ruleset import RuleSet

WIDE: Final = "DECIMAL(38,0)"
TYPES: Final[Mapping[Kind, str]] = {
    Kind.BOOL: "BOOLEAN",
    Kind.NUMBER: "BIGINT",
    Kind.TEXT: "STRING",
    Kind.DATE: "DATE",
}


@dataclass(frozen=True)
class Sql:
    """SQL text of a value, and after which inner query it can be read."""

    text: str
    wide: bool = False
    stage: int = 0
    is_bare: bool = False


class Spark:
    """Spark SQL as an algebra; `stages` collects what inner queries compute once."""

    def __init__(self, columns: frozenset[str], year: int) -> None:
        self.columns = columns
        self.year = year
        self.stages: list[list[str]] = []

    def column(self, node: Asked) -> Sql:
        stored = self._stored(column_name(node, self.year), kind_of(node))
        if not isinstance(node, Grade):
            return stored
        # What is known not to be held has the empty grade.
        held = self.column(Holds(node.scheme))
        text = f"CASE WHEN {stored.text} IS NULL AND NOT {held.text} THEN '' ELSE {stored.text} END"
        return self.shared(Sql(text))

    def _stored(self, name: str, kind: Kind) -> Sql:
        if name not in self.columns:
            return self.unknown(kind)
        # A narrower integer would overflow where one of 64 bits does not.
        text = f"CAST(`{name}` AS BIGINT)" if kind is Kind.NUMBER else f"`{name}`"
        return Sql(text, is_bare=True)

    def literal(self, value: Value, *, wide: bool = False) -> Sql:
        match value:
            case bool():
                text = "TRUE" if value else "FALSE"
            case int():
                text = f"CAST('{value}' AS {WIDE})" if wide else f"{value}L"
            case date():
                text = f"DATE '{value.isoformat()}'"
            case _:
                escaped = str(value).replace("\\", "\\\\").replace("'", "\\'")
                text = f"'{escaped}'"
        return Sql(text, wide, is_bare=True)

    def unknown(self, kind: Kind) -> Sql:
        return Sql(f"CAST(NULL AS {TYPES[kind]})", is_bare=True)

    def resized(self, value: Sql, *, wide: bool) -> Sql:
        kind = WIDE if wide else TYPES[Kind.NUMBER]
        return Sql(f"CAST({value.text} AS {kind})", wide, value.stage)

    def calculate(self, op: str, left: Sql, right: Sql) -> Sql:
        a, b, wide = left.text, right.text, left.wide or right.wide
        if op != "//":
            text = f"({a} {op} {b})"
            return self._joined(
                f"CAST({text} AS {WIDE})" if wide else text, [left, right], wide=wide
            )
        # Spark divides towards zero; below it, the next whole number is one less.
        whole = f"CAST(({a} - {a} % {b}) / {b} AS {WIDE})" if wide else f"{a} DIV {b}"
        text = f"({whole} - CASE WHEN {a} % {b} < 0 THEN 1 ELSE 0 END)"
        return self._joined(text, [left, right], wide=wide)

    def compare(self, op: str, left: Sql, right: Sql) -> Sql:
        return self._joined(f"({left.text} {op} {right.text})", [left, right])

    def limited(self, word: str, value: Sql, limit: int, *, wide: bool) -> Sql:
        """Pick by comparison: LEAST and GREATEST would leave out what is unknown."""
        bound, sign = self.literal(limit, wide=wide).text, ">" if word == "LEAST" else "<"
        text = f"CASE WHEN {value.text} {sign} {bound} THEN {bound} ELSE {value.text} END"
        return self._joined(text, [value], wide=wide)

    def one_of(self, value: Sql, options: list[Value]) -> Sql:
        written = ", ".join(self.literal(option).text for option in options)
        return self._joined(f"({value.text} IN ({written}))", [value])

    def every(self, items: list[Sql]) -> Sql:
        return self._joined(f"({' AND '.join(item.text for item in items)})", items)

    def some(self, items: list[Sql]) -> Sql:
        return self._joined(f"({' OR '.join(item.text for item in items)})", items)

    def negated(self, value: Sql) -> Sql:
        return self._joined(f"(NOT {value.text})", [value])

    def is_unknown(self, value: Sql) -> Sql:
        return self._joined(f"({value.text} IS NULL)", [value])

    def known(self, value: Sql, otherwise: Sql) -> Sql:
        text = f"COALESCE({value.text}, {otherwise.text})"
        return self._joined(text, [value, otherwise], wide=value.wide or otherwise.wide)

    def choose(self, branches: list[tuple[Sql, Sql]]) -> Sql:
        ways = " ".join(f"WHEN {when.text} THEN {then.text}" for when, then in branches)
        wide = any(then.wide for _, then in branches)
        parts = [part for branch in branches for part in branch]
        return self._joined(f"CASE {ways} END", parts, wide=wide)

    def shared(self, value: Sql) -> Sql:
        if value.is_bare:
            return value
        while len(self.stages) <= value.stage:
            self.stages.append([])
        name = f"`~{value.stage}.{len(self.stages[value.stage])}`"
        self.stages[value.stage].append(f"{value.text} AS {name}")
        return replace(value, text=name, stage=value.stage + 1, is_bare=True)

    def _joined(self, text: str, parts: list[Sql], *, wide: bool = False) -> Sql:
        return Sql(text, wide, max(part.stage for part in parts))


def spark_query(
    rules: RuleSet,
    columns: frozenset[str],
    *,
    table: str,
    keep: tuple[str, ...],
    year: int,
    numbers: Mapping[str, int | None],
) -> str:
    """Write one query over a table with these columns: every answer of each programme a column."""
    spark = Spark(columns, year)
    programmes = read_rules(rules, spark, numbers)
    source = table
    for stage in spark.stages:
        source = f"(SELECT *, {', '.join(stage)} FROM {source})"  # noqa: S608 (all of it is ours)
    kept = [f"`{name}`" for name in keep]
    named = [
        f"{value.text} AS `{name}`" for each in programmes for name, value in each.columns.items()
    ]
    return f"SELECT {', '.join([*kept, *named])} FROM {source}"  # noqa: S608
