"""10,000 random fact sets: the compiled function, the slow reading and columns do not differ."""

from collections.abc import Callable, Sequence

import pytest

from services.policy.plan.actions.load_library import library
from services.rulebook import RuleSet, rule_set
from services.rulebook.compile import Answer
from services.rulebook.evaluate import World, value_of
from tests.benchmarks.named_set import named_set
from tests.rulebook.columns_of import polars_answers
from tests.rulebook.random_facts import situations

# All of them run with the third engine beside, under `make test-integrations`.
FACT_SETS = 10_000
FACT_SETS_HERE = 2_500
READ_SLOWLY = 500


def plan() -> RuleSet:
    """Take every programme of the plan."""
    return rule_set(each.compiled for each in library().programmes.values())


SETS: dict[str, tuple[Callable[[], RuleSet], bool]] = {
    "the plan, its numbers set": (plan, True),
    "the plan, its numbers unset": (plan, False),
    "the named set": (lambda: rule_set(named_set()), True),
}


def numbers_of(rules: RuleSet, *, is_set: bool) -> dict[str, int | None]:
    """Give each number its middle, or none."""
    return {
        name: (low + high) // 2 if is_set else None for name, (low, high) in rules.bounds.items()
    }


@pytest.mark.parametrize("name", SETS)
def test_the_engines_agree_on_every_programme(name: str) -> None:
    make, is_set = SETS[name]
    rules = make()
    numbers = numbers_of(rules, is_set=is_set)
    drawn = situations(rules, FACT_SETS_HERE, seed=20261128 + is_set)
    decided = [rules.decide(each, numbers) for each in drawn]
    _require_variety(rules, decided, is_set=is_set)
    for situation, one, other in zip(
        drawn, decided, polars_answers(rules, drawn, numbers), strict=True
    ):
        assert one == other, situation.canonical()
    for situation, answers in zip(drawn[:READ_SLOWLY], decided, strict=False):
        for each, (_, checks, _) in zip(rules.programmes, answers, strict=True):
            values = {
                name: numbers[f"{each.programme.id}.{name}"] for name in each.programme.parameters
            }
            world = World(situation, values)
            assert tuple(value_of(node, world) for _, node in each.checks) == checks


def _require_variety(
    rules: RuleSet, decided: Sequence[tuple[Answer, ...]], *, is_set: bool
) -> None:
    """Check that the facts drawn are not all on one side of each condition.

    What hangs on a number that is not set may well be unknown for all.
    """
    for place, each in enumerate(rules.programmes):
        if each.programme.parameters and not is_set:
            continue
        for number, (condition, _) in enumerate(each.checks):
            seen = {answers[place][1][number] for answers in decided}
            assert len(seen) > 1, f"{each.programme.id}.{condition.id} is always {seen}"
