"""What the whole plan takes beyond its input: `python -m tests.benchmarks.city_memory ROWS`."""

import json
import re
import sys
import time
from pathlib import Path

import polars as pl

from services.policy.plan.actions.load_library import PLANS, load_library
from services.rulebook import RuleSet, rule_set
from services.rulebook.columns.city import City, city
from tests.benchmarks.named_set import YEAR
from tests.benchmarks.tables import firms

CHUNK_ROWS = 131_072
KIB = 1024


def whole_plan() -> RuleSet:
    """Read the plan from its files."""
    return rule_set(each.compiled for each in load_library(PLANS).programmes.values())


def in_chunks(read: City, table: pl.DataFrame) -> int:
    """Answer every row, chunk by chunk, keeping nothing but a count."""
    columns = 0
    for offset in range(0, table.height, CHUNK_ROWS):
        columns += read.answers(table.slice(offset, CHUNK_ROWS).lazy()).collect().width
    return columns


def main() -> None:
    """Print how long loading took, and how far memory rose above what the table needs."""
    began = time.perf_counter()
    rules = whole_plan()
    loading_s = time.perf_counter() - began
    table = firms(rules, int(sys.argv[1]))
    read = city(rules, table.schema, year=YEAR, numbers=rules.numbers)
    # From here on the kernel counts the highest mark anew: making the table took some, too.
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    in_chunks(read, table)
    told = {"loading_s": loading_s, "beyond_input_bytes": _status("VmHWM") - before}
    print(json.dumps(told))  # noqa: T201


def _status(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * KIB


if __name__ == "__main__":
    main()
