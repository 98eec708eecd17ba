"""The search for the best lawful set against trying every set, on random instances."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import combinations, product
from random import Random
from typing import Any

import pytest

from services.rulebook.combine import Candidate, Combination, best_combination
from services.rulebook.stacking import (
    Aid,
    Limit,
    OneClause,
    Position,
    StackingMode,
    StackingTerms,
    room,
)
from tests.rulebook.granting import CLAUSE, aid, asks, ceiling

INSTANCES, SEEDS = 500, 10
PROGRAMMES = ("a", "b", "c", "d", "e", "f", "g")
GROUPS, MATTERS = ("g1", "g2", "g3"), ("m1", "m2")
RELATIONS = ("competes", "competes", "competes", "matches", "tops-up")
CEILINGS = ("matter", "group", "beneficiary-year")
SCOPES = ("matter", "beneficiary-year", "beneficiary")


def where(chance: Random) -> dict[str, Any]:
    limits: tuple[Limit, ...] = ()
    if chance.random() < 0.3:
        limits = (ceiling(chance.choice(CEILINGS), chance.randint(0, 25)),)
    return {
        "matter": chance.choice(MATTERS), "group": chance.choice(GROUPS),
        "relation": chance.choice(RELATIONS), "limits": limits,
    }  # fmt: skip


def some(chance: Random, names: Sequence[str], most: int) -> tuple[str, ...]:
    return tuple(sorted(chance.sample(names, chance.randint(0, most))))


def instance(chance: Random) -> tuple[list[Candidate], list[Aid], StackingTerms]:
    """Draw candidates, aid and rules, small enough to try every set of them."""
    candidates = {
        each.name: each
        for each in (
            asks(chance.choice(PROGRAMMES), chance.randint(0, 12), **where(chance))
            for _ in range(chance.randint(0, 8))
        )
    }
    standing = [
        aid(
            chance.choice(PROGRAMMES), chance.randint(1, 8), **where(chance),
            level=chance.choice(("cixi", "ningbo")), year=chance.choice((2025, 2026)),
        )
        for _ in range(chance.randint(0, 2))
    ]  # fmt: skip
    rules = tuple(
        OneClause(
            f"rule-{number}", "只享受一条", chance.choice(SCOPES), chance.randint(1, 2),
            some(chance, PROGRAMMES, 4), some(chance, GROUPS, 1), some(chance, PROGRAMMES, 1),
        )
        for number in range(chance.randint(0, 3))
    )  # fmt: skip
    return (
        list(candidates.values()),
        standing,
        StackingTerms(chance.choice(list(StackingMode)), CLAUSE, rules),
    )


def worth(subset: Sequence[Candidate], standing: Sequence[Aid], terms: StackingTerms) -> int | None:
    """Pay a subset by the rules as they are written, all at once; None is not lawful."""
    if not _is_lawful(subset, standing, terms.rules):
        return None
    everything: list[Position] = [*subset, *standing]
    limits = [(at, limit) for at in everything for limit in at.limits]
    asked = {each.name: _beside(each, standing, terms) for each in subset}

    def capped(of: str, members: Iterable[Candidate], fen: int) -> int:
        for at, limit in limits:
            if limit.of == of and any(_near(of, at, member) for member in members):
                reached = sum(each.amount_fen for each in standing if _near(of, at, each))
                fen = min(fen, max(0, (limit.limit_fen or 0) - reached))
        return fen

    total = 0
    for matter in MATTERS:
        of_matter = 0
        for group in GROUPS:
            members = [each for each in subset if (each.matter, each.group) == (matter, group)]
            of_matter += capped("group", members, sum(asked[each.name] for each in members))
        members = [each for each in subset if each.matter == matter]
        total += capped("matter", members, of_matter)
    return capped("beneficiary-year", subset, total)


def _is_lawful(
    subset: Sequence[Candidate], standing: Sequence[Aid], rules: Iterable[OneClause]
) -> bool:
    contests = [(each.matter, each.group) for each in subset if each.relation == "competes"]
    if len(contests) > len(set(contests)):
        return False
    for rule, at in product(rules, subset):
        near = [each for each in (*subset, *standing) if _near(rule.per, at, each)]
        named = {(each.level, *_name(each)) for each in near if rule.names(each)}
        if rule.names(at) and len(named - {(at.level, *_name(at))}) >= rule.at_most:
            return False
    return True


def _name(at: Position) -> tuple[str, str]:
    return at.programme, at.matter


def _near(of: str, one: Position, other: Position) -> bool:
    return {
        "matter": one.matter == other.matter,
        "group": (one.matter, one.group) == (other.matter, other.group),
        "beneficiary-year": one.year == other.year,
        "beneficiary": True,
    }[of]


def _beside(asked: Candidate, standing: Sequence[Aid], terms: StackingTerms) -> int:
    counted = [
        each.amount_fen for each in standing
        if each.matter == asked.matter and (
            (each.group == asked.group and each.relation == asked.relation == "competes")
            or (each.programme == asked.programme and each.level == asked.level)
        )
    ]  # fmt: skip
    fen = asked.amount_fen or 0
    if terms.mode is StackingMode.HIGHEST_ONLY:
        return 0 if counted else fen
    return max(0, fen - sum(counted))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_best_set_equals_what_trying_every_set_finds(seed: int) -> None:
    chance = Random(seed)  # noqa: S311  no secret is made of it
    bound = 0
    for _ in range(INSTANCES):
        candidates, standing, terms = instance(chance)
        subsets = (s for n in range(len(candidates) + 1) for s in combinations(candidates, n))
        best = max(filter(None, (worth(each, standing, terms) for each in subsets)), default=0)
        found = best_combination(candidates, standing, terms)

        assert (found.total_fen, found.is_complete) == (best, True)
        assert len(found.chosen) + len(found.dropped) == len(candidates)
        chance.shuffle(candidates)
        assert best_combination(candidates, standing, terms) == found
        _pay_one_after_the_other(found, standing, terms, chance)
        bound += best < sum(each.amount_fen or 0 for each in candidates)
    assert bound > INSTANCES // 2, "rules must bind where they are to be tested"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_whatever_an_open_amount_turns_out_to_be_nothing_dropped_would_be_chosen(seed: int) -> None:
    chance = Random(seed)  # noqa: S311  no secret is made of it
    undecided = 0
    for _ in range(INSTANCES // 5):
        candidates, standing, terms = instance(chance)
        asked = [
            replace(each, amount_fen=None) if chance.random() < 0.3 else each for each in candidates
        ]
        found = best_combination(asked, standing, terms)
        split = [each.candidate for each in (*found.chosen, *found.dropped, *found.undecided)]
        assert sorted(each.name for each in split) == sorted(each.name for each in candidates)
        assert found.is_complete == (not found.undecided and all(a.is_known for a in asked))
        undecided += len(found.undecided)
        dropped = {each.candidate.name for each in found.dropped}
        for fen in (0, 1, 7, 100):
            filled = [each if each.is_known else replace(each, amount_fen=fen) for each in asked]
            chosen = best_combination(filled, standing, terms).chosen
            assert dropped.isdisjoint(each.candidate.name for each in chosen if each.amount_fen)
    assert undecided


def _pay_one_after_the_other(
    found: Combination, standing: Sequence[Aid], terms: StackingTerms, chance: Random
) -> None:
    """Reserve case by case, in any order: the promised sum is granted, the dropped are refused."""
    ledger = list(standing)
    for each in chance.sample(found.chosen, len(found.chosen)):
        fen = room(each.candidate, each.candidate.amount_fen or 0, ledger, terms).amount_fen
        where = {name: getattr(each.candidate, name) for name in Position.__slots__}
        ledger.append(Aid(id="", amount_fen=fen, **where))
    assert sum(each.amount_fen for each in ledger[len(standing) :]) == found.total_fen
    for each in found.dropped:
        fen = each.candidate.amount_fen or 0
        assert room(each.candidate, fen, ledger, terms).amount_fen == 0
