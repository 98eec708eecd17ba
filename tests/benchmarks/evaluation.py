"""A compiled programme for one firm, beside the same rule written by hand."""

import itertools
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from services.rulebook import Situation
from tests.benchmarks.frame import Figure, Sizes, compare, interleaved
from tests.benchmarks.ground import Ground
from tests.rulebook.builders import programme, situation

CALLS = 20_000
YEAR = 2025
FOUNDED_BEFORE = date(2015, 1, 1)
COMPILED = programme(
    "is_above_scale",
    "revenue_fen >= 2000000000 AND revenue_fen > prior(revenue_fen, 1)",
    "rd_internal_fen * 100 >= revenue_fen * 3",
    "established_on < DATE '2015-01-01' OR staff_count <= 500",
    amount="least(rd_internal_fen * 5 / 100, 100000000)",
)
FIRMS = [
    situation(
        is_above_scale=True,
        revenue_fen={"2025": 2_500_000_000 + number, "2024": 2_400_000_000},
        rd_internal_fen={"2025": 90_000_000 + number},
        established_on="2012-05-01",
        staff_count={"2025": 320},
    )
    for number in range(100)
]


async def measure(_: Ground, sizes: Sizes) -> list[Figure]:
    """Time deciding and assessing, which gives every reason, beside the bare function."""
    calls = sizes.of(CALLS, 1_000)
    for firm in FIRMS:
        verdict = COMPILED.decide(firm)
        assert (verdict.outcome, verdict.amount_fen) == by_hand(firm.facts), verdict
    ways: dict[str, Callable[[Situation], Any]] = {
        "decide": COMPILED.decide,
        "assess": COMPILED.assess,
        "by hand": lambda firm: by_hand(firm.facts),
    }

    def timed(way: Callable[[Situation], Any], times: int):  # noqa: ANN202
        async def run() -> float:
            began = time.perf_counter()
            for firm in itertools.islice(itertools.cycle(FIRMS), times):
                way(firm)
            return (time.perf_counter() - began) / times * 1e6

        return run

    measured = await interleaved(
        sizes.rounds,
        {name: timed(way, calls // (20 if name == "assess" else 1)) for name, way in ways.items()},
    )
    words = "4 conditions and an amount"
    note = "no peer of another project: none is installed here, and none is added for a benchmark"
    return [
        compare(f"programme decided: {words}", "µs", measured, ours="decide", peer="by hand",
                note=note),
        compare(f"programme assessed with reasons: {words}", "µs", measured, ours="assess",
                peer="by hand"),
    ]  # fmt: skip


def by_hand(facts: Any) -> tuple[bool, int]:
    """Write the rule as one would who knows that every fact is known: the lower bound."""
    revenue, spent = facts["revenue_fen"], facts["rd_internal_fen"][YEAR]
    is_eligible = (
        facts["is_above_scale"]
        and revenue[YEAR] >= 2_000_000_000
        and revenue[YEAR] > revenue[YEAR - 1]
        and spent * 100 >= revenue[YEAR] * 3
        and (facts["established_on"] < FOUNDED_BEFORE or facts["staff_count"][YEAR] <= 500)
    )
    return is_eligible, min(spent * 5 // 100, 100_000_000) if is_eligible else 0
