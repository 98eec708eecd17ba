"""Asking the rules about many firms: a few one by one, more of them in a block of columns.

Both ways give the same; the block costs about as much for a thousand firms as for fifty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from services.policy.firms.rules import KeptFirms, KnownFirm, situation_of
from services.policy.matches import rules
from services.policy.matches.actions.read_rows import Rows, Unusual
from services.policy.matches.rules import Found, Ground
from services.policy.plan.actions.load_library import library
from services.rulebook import Situation

if TYPE_CHECKING:
    from services.rulebook.columns.standings import Board

log = structlog.get_logger()

History = Mapping[str, frozenset[str]]
BLOCK_LEAST = 50
BOARDS_KEPT = 4
NEVER: frozenset[str] = frozenset()
# What a state that is not as expected makes of the reading that expects it so.
NOT_AS_EXPECTED = (Unusual, KeyError, TypeError, AttributeError, ValueError)


@dataclass(frozen=True)
class Asked:
    """A firm's standings of today, and the days for which its facts stay what they are."""

    uscc: str
    days: tuple[date, date]
    found: Mapping[str, Found]


def ask_firms(firms: KeptFirms, history: History, ground: Ground, on: date) -> list[Asked]:
    """Ask the rules about each firm; one that they stumble over is left out."""
    everybody = range(len(firms.states))
    if len(everybody) < BLOCK_LEAST:
        return ask_each(firms, everybody, history, ground, on)
    try:
        return _ask_block(firms, history, ground, on)
    except Exception:
        # Whoever it was: one by one, the others are not held up.
        log.exception("a block of firms could not be matched")
        return ask_each(firms, everybody, history, ground, on)


def ask_each(
    firms: KeptFirms, places: Iterable[int], history: History, ground: Ground, on: date
) -> list[Asked]:
    """Ask about some of the firms, one by one."""
    asked: list[Asked] = []
    for place in places:
        try:
            firm = firms.stored(place).known()
            situation = _situation(firm, history, ground, on)
            found = rules.standings(ground, situation)
            asked.append(Asked(firm.uscc, rules.days_of(firm.state, on), found))
        except Exception:
            log.exception("a firm could not be matched")
    return asked


def _ask_block(firms: KeptFirms, history: History, ground: Ground, on: date) -> list[Asked]:
    board = _board(ground, on.year - 1)
    reader = Rows(board.columns, library().vocabulary, firms.versions, on)
    plain: list[tuple[int, tuple[date, date]]] = []
    rows: list[list[Any]] = []
    left: list[int] = []
    for place, (uscc, text) in enumerate(firms.states):
        try:
            state = orjson.loads(text)
            row = reader.row(state, firms.members.get(uscc, ()), history.get(uscc, NEVER))
            plain.append((place, reader.days(state)))
            rows.append(row)
        except NOT_AS_EXPECTED:
            left.append(place)

    def looked_at(row: int) -> Situation:
        return _situation(firms.stored(plain[row][0]).known(), history, ground, on)

    found = board.standings(rows, looked_at)
    asked = [
        Asked(firms.states[place][0], days, each)
        for (place, days), each in zip(plain, found, strict=True)
    ]
    return asked + ask_each(firms, left, history, ground, on)


@lru_cache(maxsize=BOARDS_KEPT)
def _board(ground: Ground, year: int) -> "Board[Found]":
    """Read a ground into columns once, for all blocks that are asked on it."""
    # Whoever never matches many, and every start, goes without Polars.
    from services.rulebook.columns.standings import Board  # noqa: PLC0415

    return Board(
        ground.rules,
        [basis.programme.compiled for basis in ground.bases],
        year=year,
        numbers=ground.numbers,
        wrap=lambda place, standing: Found(ground.bases[place], standing),
    )


def _situation(firm: KnownFirm, history: History, ground: Ground, on: date) -> Situation:
    return situation_of(
        firm,
        library().vocabulary,
        on=on,
        year=None,
        history=history.get(firm.uscc, NEVER),
        only=ground.rules.facts,
    )
