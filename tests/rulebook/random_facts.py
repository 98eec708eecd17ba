"""Random facts that lie where rules decide: at their thresholds, at the bounds, and unknown."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from services.rulebook import Holdings, RuleSet, Situation
from services.rulebook.columns.naming import Column, columns_of
from services.rulebook.nodes import (
    Const,
    FactAt,
    Grade,
    Holds,
    Kind,
    OnceEver,
    OneOf,
    OnList,
    kind_of,
    walk,
)
from tests.rulebook.builders import DAY, YEAR

MONEY_MAX = 10**13
DAY_ONE = timedelta(days=1)


@dataclass
class Pool:
    """The values that the rules mention, by kind."""

    numbers: list[int]
    ratios: list[Fraction]
    texts: list[str]
    days: list[date]


def situations(rules: RuleSet, count: int, seed: int) -> list[Situation]:
    """Draw situations; one in eight facts is unknown."""
    chance = Random(seed)  # noqa: S311 (repeatable, and nothing to guess)
    columns = list(columns_of(rules, YEAR).values())
    pool = _pool(rules)
    return [_situation(chance, columns, pool) for _ in range(count)]


def _pool(rules: RuleSet) -> Pool:
    nodes = [part for each in rules.programmes for root in each.nodes for part in walk(root)]
    constants = [node for node in nodes if isinstance(node, Const)]
    constants += [option for node in nodes if isinstance(node, OneOf) for option in node.options]
    numbers = {Fraction(c.value) for c in constants if c.kind is Kind.NUMBER}  # type: ignore[arg-type]
    texts = {str(c.value) for c in constants if c.kind is Kind.TEXT} | {"other"}
    days = {c.value for c in constants if isinstance(c.value, date)} | {DAY}
    around = {int(n) + step for n in numbers for step in (-1, 0, 1)} | {0, 1}
    ratios = {n / m for n in numbers for m in (1, 100, 10_000) if n > 0}
    return Pool(
        sorted(around), sorted(ratios) or [Fraction(1)], sorted(texts),
        sorted(day + step * DAY_ONE for day in days for step in (-1, 0, 1)),
    )  # fmt: skip


def _situation(chance: Random, columns: Iterable[Column], pool: Pool) -> Situation:
    facts: dict[str, Any] = {}
    held: dict[str, dict[str, str | None]] = {"recognitions": {}, "lists": {}}
    not_held: dict[str, set[str]] = {"recognitions": set(), "lists": set()}
    drawn: list[int] = [1]
    won: set[str] = set()
    for column in columns:
        match column.node:
            case FactAt(name, _, back):
                value = _fact(chance, column, pool, drawn)
                if back is None:
                    facts[name] = value
                else:
                    facts.setdefault(name, {})[YEAR - back] = value
            case Holds(key) | Grade(key):
                _hold(chance, key, held["recognitions"], not_held["recognitions"], pool)
            case OnList(key):
                _hold(chance, key, held["lists"], not_held["lists"], pool)
            case OnceEver(programme):
                won |= {programme} if chance.random() < 0.5 else set()
    kept = [
        Holdings(held[kind], frozenset(not_held[kind]), complete=chance.random() < 0.3)
        if chance.random() < 0.9
        else None
        for kind in ("recognitions", "lists")
    ]
    history = None if chance.random() < 0.2 else frozenset(won)
    return Situation(on=DAY, facts=facts, history=history, recognitions=kept[0], lists=kept[1])


def _fact(chance: Random, column: Column, pool: Pool, drawn: list[int]) -> Any:
    if chance.random() < 1 / 8:
        return None
    match kind_of(column.node):
        case Kind.BOOL:
            return chance.random() < 0.6
        case Kind.TEXT:
            return chance.choice(pool.texts)
        case Kind.DATE:
            return chance.choice(pool.days)
        case Kind.NUMBER:
            low, high = max(column.low, -MONEY_MAX), min(column.high, MONEY_MAX)
            value = min(high, max(low, _number(chance, low, high, pool, drawn[-1])))
            drawn.append(value)
            return value


def _number(chance: Random, low: int, high: int, pool: Pool, last: int) -> int:
    """Draw a bound, a threshold or its neighbour, a share of the last number, or any size."""
    match chance.randrange(6):
        case 0:
            return chance.choice((low, high))
        case 1:
            return chance.choice(pool.numbers)
        case 2 | 3:
            share = chance.choice(pool.ratios)
            share = share if chance.random() < 0.5 else 1 / share
            return int(last * share) + chance.choice((-1, 0, 0, 1))
        case 4:
            return chance.randrange(10 ** chance.randrange(1, 14))
        case _:
            return chance.randint(low, high)


def _hold(
    chance: Random, key: str, held: dict[str, str | None], not_held: set[str], pool: Pool
) -> None:
    if key in held or key in not_held:
        return
    match chance.randrange(4):
        case 0:
            not_held.add(key)
        case 1:
            held[key] = None
        case 2:
            held[key] = chance.choice(pool.texts)
        case _:
            pass
