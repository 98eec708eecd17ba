"""Where many stand at once is where each stands alone: kind, amount, near misses, what lacks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from services.rulebook import CompiledProgramme, RuleSet, Situation, Verdict, rule_set
from services.rulebook.columns import standings as in_columns
from services.rulebook.columns.standings import Board
from services.rulebook.standing import Standing, standing_of
from tests.rulebook.builders import YEAR
from tests.rulebook.columns_of import table_of
from tests.rulebook.random_facts import situations
from tests.rulebook.random_rules import conditions, numbers
from tests.rulebook.test_plan_in_columns import SETS, numbers_of
from tests.rulebook.test_random_columns import maybe, random_rule, settings_here
from tests.rulebook.test_random_columns import numbers_of as numbers_given

FACT_SETS = 300
FACT_SETS_OF_A_RULE = 60
# Small blocks, so that most of what is said was said of somebody in an earlier one.
BLOCK = 100

Numbers = Mapping[str, int | None]


def board_of(rules: RuleSet, given_numbers: Numbers) -> Board[Standing]:
    return Board(
        rules,
        cast("Sequence[CompiledProgramme]", rules.programmes),
        year=YEAR,
        numbers=given_numbers,
        wrap=lambda _, standing: standing,
    )


def alone(rules: RuleSet, numbers_: Numbers, situation: Situation) -> dict[str, Standing]:
    """Ask the slow way, programme by programme."""
    found: dict[str, Standing] = {}
    for each, answer in zip(rules.programmes, rules.decide(situation, numbers_), strict=True):
        values = {
            name: numbers_[f"{each.programme.id}.{name}"] for name in each.programme.parameters
        }
        compiled: Any = each
        standing = standing_of(compiled, situation, Verdict._make(answer), values)
        if standing is not None:
            found[each.programme.id] = standing
    return found


def together(
    board: Board[Standing], rules: RuleSet, drawn: Sequence[Situation]
) -> list[dict[str, Standing]]:
    """Ask in blocks, as whoever matches a city does."""
    found: list[dict[str, Standing]] = []
    for start in range(0, len(drawn), BLOCK):
        part = drawn[start : start + BLOCK]
        rows = table_of(rules, part).select(list(board.columns)).rows() or [()] * len(part)
        found += board.standings(rows, part.__getitem__)
    return found


@pytest.mark.parametrize("name", SETS)
def test_many_stand_where_each_stands(name: str) -> None:
    make, is_set = SETS[name]
    rules = make()
    given_numbers = numbers_of(rules, is_set=is_set)
    drawn = situations(rules, FACT_SETS, seed=20261129 + is_set)
    board = board_of(rules, given_numbers)
    seen: Counter[str] = Counter()
    for situation, found in zip(drawn, together(board, rules, drawn), strict=True):
        assert found == alone(rules, given_numbers, situation), situation.canonical()
        seen.update(each.kind for each in found.values())
    assert seen.keys() == {"entitled", "near", "unknown"}


@settings_here
@given(
    condition=conditions(2), amount=numbers(2), values=st.tuples(maybe, maybe),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_so_they_do_under_random_rules(
    condition: Any, amount: Any, values: tuple[int | None, int | None], seed: int
) -> None:
    compiled = random_rule("draft", condition, amount)
    if compiled is None:
        reject()
    rules = rule_set([compiled])
    given_numbers = numbers_given(rules, values)
    drawn = situations(rules, FACT_SETS_OF_A_RULE, seed)
    found = together(board_of(rules, given_numbers), rules, drawn)
    assert found == [alone(rules, given_numbers, each) for each in drawn]


def test_what_was_said_is_forgotten_before_it_grows_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, is_set = SETS["the named set"]
    rules = make()
    given_numbers = numbers_of(rules, is_set=is_set)
    drawn = situations(rules, 60, seed=1)
    expected = together(board_of(rules, given_numbers), rules, drawn)
    monkeypatch.setattr(in_columns, "KEPT_MAX", 1)
    assert together(board_of(rules, given_numbers), rules, drawn) == expected


def test_few_are_looked_at_in_person() -> None:
    """Reasons are asked once for all who are alike, not of everybody."""
    make, is_set = SETS["the named set"]
    rules = make()
    given_numbers = numbers_of(rules, is_set=is_set)
    drawn = situations(rules, 20, seed=2) * 20
    board = board_of(rules, given_numbers)
    rows = table_of(rules, drawn).select(list(board.columns)).rows()
    looked: Counter[int] = Counter()

    def look(row: int) -> Situation:
        looked[row] += 1
        return drawn[row]

    found = board.standings(rows, look)
    is_near = {row for row, each in enumerate(found) for s in each.values() if s.kind == "near"}
    others = looked.keys() - is_near
    assert 0 < len(others) < len(drawn) / 2
