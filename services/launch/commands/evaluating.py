"""Asking all programmes about a table of firms, partition by partition, in constant memory."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl
import polars.selectors as cs
from rich.console import Console

from services.kernel.clock import city_day, system_now
from services.launch.progress import shown_progress
from services.policy.parameters.rules import numbers_of
from services.policy.plan.actions.load_library import library
from services.policy.wording import in_chinese
from services.rulebook import Refusal, RuleSet, rule_set
from services.rulebook.columns.checking import (
    bounded,
    check_bounds,
    check_columns,
    years_spelled_out,
)
from services.rulebook.columns.city import city
from services.rulebook.columns.naming import Column, columns_of
from services.rulebook.situation import read_day

ROWS: Final = 131_072
Advance = Callable[[int], None]


class Unusable(Exception):
    """What was asked cannot be done, and why."""


@dataclass(frozen=True)
class Question:
    """The programmes that a table can say anything about, on one day."""

    rules: RuleSet
    numbers: Mapping[str, int | None]
    columns: Mapping[str, Column]
    keys: tuple[str, ...]
    year: int


def evaluate_table(console: Console, facts: str, out: str, *, on: str, master: str) -> int:
    """Write the answers for a file or a folder of files; 2 where that cannot be done."""
    try:
        day = _day(on)
        if master:
            from services.launch.commands.evaluating_on_spark import evaluate_on_spark  # noqa: PLC0415

            asked = evaluate_on_spark(console, facts, out, day, master)
        else:
            asked = _evaluate(console, Path(facts), Path(out), day)
    except Unusable as refusal:
        console.print(f"[red]{refusal}[/]", highlight=False, soft_wrap=True)
        return 2
    except Refusal as refusal:
        for issue in refusal.issues:
            hint = f"：{in_chinese(issue.allowed)}" if issue.allowed else ""
            where = f"{issue.where} {issue.pointer.removeprefix('/')}".strip()
            console.print(
                f"[red]{where}[/] {issue.detail}{hint} · {issue}", highlight=False, soft_wrap=True
            )
        return 2
    everyone = len(library().programmes)
    console.print(
        f"{asked}个项目已逐户判定；{everyone - asked}个项目所需的列均不在表中 · {asked} programmes"
        f" answered; {everyone - asked} others look at no column of this table: {out}",
        highlight=False,
        soft_wrap=True,
    )
    return 0


def in_full(names: Iterable[str], day: date) -> dict[str, str]:
    """Give the columns without a year that are those of the reference year, with their names."""
    return years_spelled_out(names, library().vocabulary, day.year - 1)


def as_written(refusal: Refusal, names: Iterable[str], day: date) -> Refusal:
    """Say the same of the columns as the table calls them, those without a year by that name."""
    written = {f"/{full}": f"/{name}" for name, full in in_full(names, day).items()}
    return type(refusal)(
        replace(issue, pointer=written.get(issue.pointer, issue.pointer))
        for issue in refusal.issues
    )


def question(schema: Mapping[str, Any], day: date) -> Question:
    """Find the programmes for which a table states at least one fact, and their numbers."""
    plan = library()
    keys = check_columns(schema, plan.vocabulary)
    year = day.year - 1
    asked = [
        each
        for each in plan.programmes_on(day).values()
        if columns_of(rule_set([each.compiled]), year).keys() & schema.keys()
    ]
    if not asked:
        raise Unusable("表中没有任何项目用到的事实 · No programme looks at any column of the table")
    rules = rule_set(each.compiled for each in asked)
    numbers = {
        number.id: number.value
        for each in asked
        for number in numbers_of(each, plan, {}, day, samples=False).values()
    }
    return Question(rules, rules.in_force(numbers), columns_of(rules, year), keys, year)


def _evaluate(console: Console, facts: Path, out: Path, day: date) -> int:
    sources = sorted(facts.glob("*.parquet")) if facts.is_dir() else [facts]
    if not sources or not all(source.is_file() for source in sources):
        raise Unusable(f"没有Parquet文件 · There is no Parquet file: {facts}")
    if out.resolve() == facts.resolve():
        raise Unusable("结果不能写在事实之上 · The results cannot replace the facts")
    tables = {source: _table(source, day) for source in sources}
    asked = {source: _asked(source, table, day) for source, table in tables.items()}
    total = sum(table.select(pl.len()).collect().item() for table in tables.values())
    if facts.is_dir():
        out.mkdir(parents=True, exist_ok=True)
    with shown_progress(console) as show:
        done = 0

        def advance(rows: int) -> None:
            nonlocal done
            done += rows
            show("evaluate", done, total)

        for source, table in tables.items():
            target = out / source.name if facts.is_dir() else out
            _answer(table, asked[source], source, target, day, advance)
    return max(len(each.rules.programmes) for each in asked.values())


def _table(source: Path, day: date) -> pl.LazyFrame:
    table = pl.scan_parquet(source)
    try:
        return table.rename(in_full(table.collect_schema().names(), day))
    except pl.exceptions.PolarsError:
        raise Unusable(f"不是Parquet文件 · Not a Parquet file: {source}") from None


def _asked(source: Path, table: pl.LazyFrame, day: date) -> Question:
    try:
        return question(table.collect_schema(), day)
    except Refusal as refusal:
        raise _told_of(source, refusal, day) from None


def _told_of(source: Path, refusal: Refusal, day: date) -> Refusal:
    names = pl.scan_parquet(source).collect_schema().names()
    return as_written(refusal, names, day).within(where=source.name)


def _answer(
    table: pl.LazyFrame, asked: Question, source: Path, target: Path, day: date, advance: Advance
) -> None:
    """Answer a file by slices; the results appear under their name only when they are whole."""
    schema = table.collect_schema()
    read = city(asked.rules, schema, year=asked.year, numbers=asked.numbers)
    watched = bounded(asked.columns, schema.names())
    rows = table.select(pl.len()).collect().item()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        parts: list[Path] = []
        for offset in range(0, max(rows, 1), ROWS):
            part = table.slice(offset, ROWS).collect()
            try:
                check_bounds(
                    (each, part[each.name].min(), part[each.name].max())  # type: ignore[misc]
                    for each in watched
                )
            except Refusal as refusal:
                raise _told_of(source, refusal, day) from None
            parts.append(Path(folder) / f"{offset:012}.parquet")
            answers = read.answers(part.lazy(), asked.keys)
            whole = answers.with_columns(cs.by_dtype(pl.Int128).cast(pl.Decimal(38, 0)))
            whole.collect(engine="streaming").write_parquet(parts[-1])
            advance(part.height)
        joined = Path(folder) / "whole.parquet"
        pl.scan_parquet(parts).sink_parquet(joined)
        joined.replace(target)


def _day(text: str) -> date:
    if not text:
        return city_day(system_now())
    day = read_day(text)
    if day is None:
        raise Unusable("日期写作YYYY-MM-DD · A day is YYYY-MM-DD")
    return day
