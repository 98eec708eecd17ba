"""Run the benchmarks: `python -m tests.benchmarks [--quick] [--json PATH] [NAME ...]`."""

import argparse
import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from rich.console import Console

from services.kernel.clock import system_now
from services.kernel.logs import configure_logs
from services.launch.modules import keep_loaded
from tests.benchmarks import (
    cities,
    evaluation,
    fronting,
    hearing,
    matching,
    queue,
    relaying,
    reservations,
    stacking,
    starting,
    writes,
)
from tests.benchmarks.frame import FULL, QUICK, Figure, Sizes, print_table, write_json
from tests.benchmarks.ground import Ground, ground

Measure = Callable[[Ground, Sizes], Awaitable[list[Figure]]]
# First what carries a token, which lives ten minutes.
BENCHMARKS: dict[str, Measure] = {
    "writes": writes.measure,
    "fronting": fronting.measure,
    "queue": queue.measure,
    "reservations": reservations.measure,
    "evaluation": evaluation.measure,
    "stacking": stacking.measure,
    "cities": cities.measure,
    "relaying": relaying.measure,
    "hearing": hearing.measure,
    "matching": matching.measure,
    "starting": starting.measure,
}
TABLE_COLUMNS = 190


def main() -> None:
    """Run what was named, or everything; a goal that is missed is shown, not an error."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", type=Path, default=Path(".data/bench.json"), metavar="PATH")
    options = parser.parse_args()
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    configure_logs("ERROR")
    sizes = QUICK if options.quick else FULL
    sys.exit(uvloop.run(_run(options.names or list(BENCHMARKS), sizes, options)))


async def _run(names: list[str], sizes: Sizes, options: argparse.Namespace) -> int:
    """Run the benchmarks; one that fails leaves the others their figures."""
    console = Console()
    figures: list[Figure] = []
    about = _about(sizes)
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="liangxin-bench-") as folder:
        async with ground(Path(folder)) as made:
            # As every process does that serves.
            keep_loaded()
            for name in names:
                console.print(f"{name} …", highlight=False)
                try:
                    figures += await BENCHMARKS[name](made, sizes)
                except Exception:  # noqa: BLE001  whatever it is, the other figures are kept
                    console.print_exception()
                    failed.append(name)
                about |= {"failed": failed, "load_after": os.getloadavg()}
                await asyncio.to_thread(write_json, options.json, figures, about)
    wide = console if console.width >= TABLE_COLUMNS else Console(width=TABLE_COLUMNS)
    print_table(wide, figures)
    load = about["load_before"][0]
    console.print(f"{about['machine']}, load {load:.1f} before: {options.json}", highlight=False)
    return 1 if failed else 0


def _about(sizes: Sizes) -> dict[str, Any]:
    return {
        "at": system_now().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs",
        "load_before": os.getloadavg(),
        "rounds": sizes.rounds,
        "scale": sizes.scale,
    }


if __name__ == "__main__":
    main()
