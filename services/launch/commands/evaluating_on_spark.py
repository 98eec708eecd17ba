"""The same question, asked by Spark where its master is: a file here, a lake there."""

import os
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import polars as pl
from rich.console import Console

from services.launch.commands.evaluating import Question, Unusable, as_written, in_full, question
from services.launch.progress import shown_progress
from services.rulebook import Refusal
from services.rulebook.columns.checking import bounded, check_bounds
from services.rulebook.columns.spark import spark_query

VIEW: Final = "facts"
POLL_S: Final = 0.2
TYPES: Final[Mapping[str, Any]] = {
    "tinyint": pl.Int8,
    "smallint": pl.Int16,
    "int": pl.Int32,
    "bigint": pl.Int64,
    "boolean": pl.Boolean,
    "string": pl.String,
    "date": pl.Date,
}


def evaluate_on_spark(console: Console, facts: str, out: str, day: date, master: str) -> int:
    """Write the answers with Spark, and say how many programmes were asked."""
    spark = _session(master)
    try:
        table = _read(spark, facts)
        names = table.columns
        table = table.withColumnsRenamed(in_full(names, day))
        schema = {name: TYPES.get(kind, pl.Unknown) for name, kind in table.dtypes}
        try:
            asked = question(schema, day)
            _check(table, asked)
        except Refusal as refusal:
            raise as_written(refusal, names, day) from None
        table.createOrReplaceTempView(VIEW)
        query = spark_query(
            asked.rules, frozenset(schema), table=VIEW, keep=asked.keys, year=asked.year,
            numbers=asked.numbers,
        )  # fmt: skip
        _write(console, spark, spark.sql(query), facts, out)
        return len(asked.rules.programmes)
    finally:
        spark.stop()


def _session(master: str) -> Any:
    try:
        sql: Any = import_module("pyspark.sql")
    except ImportError:
        raise Unusable(
            "Spark未安装，请运行 make .venv/integrations · Spark is not installed: run"
            " make .venv/integrations"
        ) from None
    builder = sql.SparkSession.builder.master(master).appName("liangxin-evaluate")
    try:
        return (
            builder.config("spark.sql.ansi.enabled", "true")
            .config("spark.ui.enabled", "false")
            .config("spark.log.level", "ERROR")
            .getOrCreate()
        )
    except (RuntimeError, import_module("py4j.protocol").Py4JError) as error:
        raise Unusable(
            "Spark未能启动：需要Java 17或更高版本，以及可达的master · Spark did not start: it needs"
            f" Java 17 or later, and a master within reach ({type(error).__name__})"
        ) from None


def _read(spark: Any, facts: str) -> Any:
    errors: Any = import_module("pyspark.errors")
    try:
        return spark.read.parquet(facts)
    except errors.PySparkException:
        raise Unusable(f"没有Parquet文件 · There is no Parquet file: {facts}") from None


def _check(table: Any, asked: Question) -> None:
    watched = bounded(asked.columns, table.columns)
    if not watched:
        return
    ends = [f"{word}(`{each.name}`)" for each in watched for word in ("min", "max")]
    row = table.selectExpr(*ends).first()
    check_bounds((each, row[2 * n], row[2 * n + 1]) for n, each in enumerate(watched))


def _write(console: Console, spark: Any, answers: Any, facts: str, out: str) -> None:
    """Write a folder of parts; where the facts were one file here, one file of results."""
    if not Path(facts).is_file():
        _shown(console, spark, lambda: answers.write.mode("overwrite").parquet(out))
        return
    target = Path(out)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        parts = os.path.join(folder, "parts")  # noqa: PTH118 (Spark takes text)
        _shown(console, spark, lambda: answers.coalesce(1).write.parquet(parts))
        (part,) = Path(parts).glob("*.parquet")
        part.replace(target)


def _shown(console: Console, spark: Any, work: Any) -> None:
    """Do the work beside a bar that counts Spark's tasks."""
    tracker = spark.sparkContext.statusTracker()
    with shown_progress(console) as show, ThreadPoolExecutor(1) as pool:
        doing: Future[Any] = pool.submit(work)
        while not doing.done():
            stages = [tracker.getStageInfo(each) for each in tracker.getActiveStageIds()]
            known = [stage for stage in stages if stage is not None]
            if known:
                done = sum(stage.numCompletedTasks for stage in known)
                show("evaluate", done, sum(stage.numTasks for stage in known))
            time.sleep(POLL_S)
        doing.result()
        show("evaluate", 1, 1)
