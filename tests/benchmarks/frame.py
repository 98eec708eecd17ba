"""Interleaved rounds, medians, one table, one JSON file: what every benchmark here shares."""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson
from rich.console import Console
from rich.table import Table

Better = Literal["more", "less"]
Contender = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Sizes:
    """How long a run takes: rounds of each contender, and how much one round does."""

    rounds: int
    scale: float

    def of(self, full: int, least: int = 1) -> int:
        return max(least, int(full * self.scale))


FULL = Sizes(rounds=5, scale=1.0)
QUICK = Sizes(rounds=3, scale=0.2)


@dataclass(frozen=True)
class Goal:
    """What was promised, and whether it is kept; a ratio is ours to the peer's."""

    words: str
    is_met: bool


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    unit: str
    ours: float
    peer_name: str = ""
    peer: float | None = None
    goal: Goal | None = None
    note: str = ""
    rounds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None


async def interleaved(rounds: int, contenders: Mapping[str, Contender]) -> dict[str, list[float]]:
    """Let the contenders take turns, the first one changing, so that noise meets all of them."""
    names = list(contenders)
    measured: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            measured[name].append(await contenders[name]())
    return measured


def compare(
    what: str,
    unit: str,
    measured: Mapping[str, list[float]],
    *,
    ours: str,
    peer: str,
    ratio_at_least: float | None = None,
    ratio_at_most: float | None = None,
    note: str = "",
) -> Figure:
    """Compare two contenders of one run by the medians of their rounds."""
    own, other = statistics.median(measured[ours]), statistics.median(measured[peer])
    goal = None
    if ratio_at_least is not None:
        goal = Goal(f"ratio ≥ {ratio_at_least:g}", own / other >= ratio_at_least)
    elif ratio_at_most is not None:
        goal = Goal(f"ratio ≤ {ratio_at_most:g}", own / other <= ratio_at_most)
    rounds = {name: list(measured[name]) for name in (ours, peer)}
    return Figure(what, unit, own, peer, other, goal, note, rounds)


def at_most(limit: float, unit: str, value: float) -> Goal:
    return Goal(f"≤ {limit:g} {unit}", value <= limit)


async def per_second(units: int, work: Callable[[], Awaitable[Any]]) -> float:
    """Give how many units a second a piece of work of so many units did."""
    began = time.perf_counter()
    await work()
    return units / (time.perf_counter() - began)


def percentile(values: list[float], share: float) -> float:
    """Give the value that this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def print_table(console: Console, figures: list[Figure]) -> None:
    table = Table(title="Benchmarks: medians of interleaved rounds", title_justify="left")
    for name in ("What", "Unit"):
        table.add_column(name)
    table.add_column("Ours", justify="right")
    table.add_column("Peer", justify="right")
    table.add_column("Ratio", justify="right")
    for name in ("Peer is", "Goal", "Met"):
        table.add_column(name)
    for f in figures:
        table.add_row(
            f.what, f.unit, _number(f.ours), _number(f.peer),
            "" if f.ratio is None else f"{f.ratio:.2f}", f.peer_name,
            f.goal.words if f.goal else "", _met(f.goal),
        )  # fmt: skip
    console.print(table)
    for f in figures:
        if f.note:
            console.print(f"  {f.what}: {f.note}", soft_wrap=True, highlight=False)


def write_json(path: Path, figures: list[Figure], about: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {**about, "figures": [{**asdict(f), "ratio": f.ratio} for f in figures]}
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))


def _met(goal: Goal | None) -> str:
    if goal is None:
        return ""
    return "[green]met[/]" if goal.is_met else "[red]missed[/]"


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
