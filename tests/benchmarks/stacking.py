"""The best lawful set of 40 candidates in 8 groups, beside a choice of the highest by hand."""

import statistics
import time
from random import Random

from services.rulebook.combine import Candidate, best_combination
from services.rulebook.stacking import Aid, OneClause, StackingMode, StackingTerms
from tests.benchmarks.frame import Figure, Sizes, at_most, percentile
from tests.benchmarks.ground import Ground
from tests.rulebook.granting import CLAUSE, aid, asks, ceiling

GROUPS, OF_GROUP, INSTANCES = 8, 5, 200
LIMIT_MS = 2.0


async def measure(_: Ground, sizes: Sizes) -> list[Figure]:
    """Time instances drawn with fixed seeds: by contests alone, and with all kinds of rules."""
    count = sizes.of(INSTANCES, 40)
    return [
        _figure("contests and aid of other levels", [_instance(seed, 0) for seed in range(count)]),
        _figure(
            "with 3 one-clause rules, actual cost of 2 matters, a year's ceiling",
            [_instance(seed, 3) for seed in range(count)],
        ),
    ]


def _figure(words: str, drawn: list[tuple[list[Candidate], list[Aid], StackingTerms]]) -> Figure:
    taken: list[float] = []
    for candidates, standing, terms in drawn:
        began = time.perf_counter()
        found = best_combination(candidates, standing, terms)
        taken.append((time.perf_counter() - began) * 1e3)
        assert found.is_complete
        assert found.total_fen > 0
    median = statistics.median(taken)
    note = f"{len(drawn)} instances; p90 {percentile(taken, 0.9):.2f} ms, max {max(taken):.2f} ms"
    return Figure(
        f"40 candidates in 8 groups, {words}", "ms", median,
        goal=at_most(LIMIT_MS, "ms", median), note=note, rounds={"ours": taken},
    )  # fmt: skip


def _instance(seed: int, rules: int) -> tuple[list[Candidate], list[Aid], StackingTerms]:
    chance = Random(seed)  # noqa: S311  no secret is made of it
    matters = ("project:a", "project:b")
    costs = {matter: ceiling("matter", chance.randint(400, 1_600)) for matter in matters}
    year = ceiling("beneficiary-year", chance.randint(800, 3_200), id="year")
    candidates: list[Candidate] = []
    for number in range(GROUPS * OF_GROUP):
        group = number // OF_GROUP
        matter = matters[group % 2]
        limits = (costs[matter],) if rules and chance.random() < 0.5 else ()
        limits += (year,) if rules and chance.random() < 0.1 else ()
        relation = chance.choice(("competes", "competes", "competes", "competes", "matches"))
        candidates.append(
            asks(f"p{number}", chance.randint(1, 500), matter=matter, group=f"g{group}",
                 relation=relation, limits=limits)
        )  # fmt: skip
    names = [each.programme for each in candidates]
    one_clause = tuple(
        OneClause(f"r{number}", "只享受一条", chance.choice(("matter", "beneficiary-year")),
                  chance.randint(1, 2), tuple(chance.sample(names, 10)))
        for number in range(rules)
    )  # fmt: skip
    standing = [
        aid(f"q{number}", chance.randint(1, 100), matter=chance.choice(matters),
            group=f"g{chance.randrange(GROUPS)}")
        for number in range(3)
    ]  # fmt: skip
    return candidates, standing, StackingTerms(StackingMode.TOP_UP, CLAUSE, one_clause)
