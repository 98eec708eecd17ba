"""The named set for one firm and for a million, beside DuckDB and OpenFisca with the same rules."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import polars as pl

from services.rulebook import RuleSet, Situation, rule_set
from services.rulebook.columns.city import City, city
from tests.benchmarks import city_memory
from tests.benchmarks.dialects import duck_totals, openfisca_formulas
from tests.benchmarks.frame import Contender, Figure, Goal, Sizes, at_most, compare, interleaved
from tests.benchmarks.ground import Ground
from tests.benchmarks.named_set import CONDITIONS, PROGRAMMES, YEAR, named_set
from tests.benchmarks.tables import firms
from tests.rulebook.random_facts import situations

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = ROOT / ".bench" / "bin" / "python"
ROWS: Final = 1_000_000
FIRMS: Final = 1_000
GIB: Final = 2**30
LINE_BYTES: Final = 2**24
WORDS: Final = f"{PROGRAMMES} programmes × {CONDITIONS} conditions × 16 facts"


async def measure(_: Ground, sizes: Sizes) -> list[Figure]:
    """Measure what one firm, a city and the whole plan cost; the totals must be the peers'."""
    rules = rule_set(named_set())
    table = firms(rules, sizes.of(ROWS))
    read = city(rules, table.schema, year=YEAR, numbers=rules.numbers)
    async with _peers(rules, table) as ask:
        _require_equal(read, table, (await ask("duckdb"))["found"])
        return [
            *await _one_firm(rules, ask, sizes),
            *await _whole_city(read, table, ask, sizes),
            *await _whole_plan(read, table, sizes),
        ]


async def _one_firm(rules: RuleSet, ask: Any, sizes: Sizes) -> list[Figure]:
    drawn = situations(rules, FIRMS, seed=1)

    async def ours() -> float:
        times = [_timed(rules, each) for each in drawn]
        return statistics.median(times) / 1e3

    async def openfisca() -> float:
        return (await ask("openfisca_one"))["seconds"] * 1e6

    ways: dict[str, Contender] = {"ours": ours, "openfisca": openfisca}
    measured = await interleaved(sizes.rounds, ways)
    own = statistics.median(measured["ours"])
    what = f"one firm, {WORDS}"
    return [
        Figure(what, "µs", own, goal=at_most(25, "µs", own), rounds={"ours": measured["ours"]}),
        compare(what, "µs", measured, ours="ours", peer="openfisca", ratio_at_most=1 / 200),
    ]


def _timed(rules: RuleSet, situation: Situation) -> int:
    began = time.perf_counter_ns()
    rules.decide(situation)
    return time.perf_counter_ns() - began


async def _whole_city(read: City, table: pl.DataFrame, ask: Any, sizes: Sizes) -> list[Figure]:
    def asking(peer: str) -> Contender:
        async def run() -> float:
            return (await ask(peer))["seconds"]

        return run

    ways = {"ours": _seconds(lambda: read.totals(table.lazy())),
            "duckdb": asking("duckdb"), "openfisca": asking("openfisca")}  # fmt: skip
    measured = await interleaved(sizes.rounds, ways)
    own, rows = statistics.median(measured["ours"]), table.height
    what = f"{rows:,} firms, {WORDS}"
    limit = 0.5 * rows / ROWS
    note = "OpenFisca knows no unknown and has 32-bit floats: its counts and sums are others"
    return [
        Figure(what, "s", own, goal=at_most(limit, "s", own), rounds={"ours": measured["ours"]}),
        compare(what, "s", measured, ours="ours", peer="duckdb", ratio_at_most=1 / 4),
        compare(what, "s", measured, ours="ours", peer="openfisca", ratio_at_most=1, note=note),
    ]


async def _whole_plan(read: City, table: pl.DataFrame, sizes: Sizes) -> list[Figure]:
    plan = city_memory.whole_plan()
    other = firms(plan, table.height)
    asked = city(plan, other.schema, year=YEAR, numbers=plan.numbers)
    ways = {
        "plan": _seconds(lambda: city_memory.in_chunks(asked, other)),
        "named set": _seconds(lambda: city_memory.in_chunks(read, table)),
    }
    measured = await interleaved(sizes.rounds, ways)
    conditions = sum(len(each.checks) for each in plan.programmes)
    costs = {
        "plan": [1e9 * each / conditions / other.height for each in measured["plan"]],
        "named set": [
            1e9 * each / (PROGRAMMES * CONDITIONS) / table.height for each in measured["named set"]
        ],
    }
    told = await _memory(table.height)
    beyond, loading = told["beyond_input_bytes"] / GIB, told["loading_s"]
    words = f"{len(plan.programmes)} programmes, {conditions} conditions, in chunks"
    return [
        compare(f"whole plan, every answer of every row: {words}", "ns a condition and row", costs,
                ours="plan", peer="named set", ratio_at_most=2),
        Figure("whole plan: peak beyond its input", "GiB", beyond, goal=at_most(1, "GiB", beyond)),
        Figure("whole plan: loading, examples worked", "s", loading,
               goal=Goal("≤ 2 s", loading <= 2)),
    ]  # fmt: skip


async def _memory(rows: int) -> dict[str, float]:
    """Ask a process of its own, whose memory has not yet risen for anything else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", city_memory.__name__, str(rows), cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    return json.loads(told)


def _seconds(work: Callable[[], object]) -> Contender:
    async def run() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return run


def _require_equal(read: City, table: pl.DataFrame, peer: dict[str, list[int]]) -> None:
    own = {name: list(total) for name, total in read.totals(table.lazy()).items()}
    if own != peer:
        raise AssertionError(f"DuckDB counts otherwise: {own} and {peer}")


@asynccontextmanager
async def _peers(rules: RuleSet, table: pl.DataFrame) -> AsyncGenerator[Any]:
    """Keep the peers' process, with the same facts in its memory."""
    if not PEERS.is_file():
        raise RuntimeError("The peers are not installed: make bench")
    with tempfile.TemporaryDirectory(prefix="liangxin-peers-") as folder:
        facts, stated = Path(folder) / "facts.parquet", Path(folder) / "rules.json"
        table.write_parquet(facts)
        about = {"duckdb": duck_totals(rules, table.columns, "firms"),
                 "openfisca": openfisca_formulas(rules), "threads": os.cpu_count()}  # fmt: skip
        stated.write_text(json.dumps(about))
        process = await asyncio.create_subprocess_exec(
            str(PEERS), str(ROOT / "tests/benchmarks/peers.py"), str(facts), str(stated),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES,
        )  # fmt: skip
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        async def ask(word: str) -> dict[str, Any]:
            stdin.write(f"{word}\n".encode())
            await stdin.drain()
            return json.loads(await stdout.readline())

        try:
            await stdout.readline()
            yield ask
        finally:
            process.kill()
            await process.wait()
