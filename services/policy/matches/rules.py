"""Matching on plain values: what firms are matched on, where they stand, and what has changed."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import Any, Literal

import orjson

from services.enterprise.contract.events import FirmChanged
from services.policy.contract.events import FirmMatched, MatchChange, MatchedProgramme
from services.policy.firms.rules import ABOVE_SCALE
from services.policy.parameters.rules import Number
from services.policy.plan.rules import FactEntry, PlanProgramme
from services.rulebook import Situation, Verdict, canonical_json
from services.rulebook.nodes import Grade, Holds, OnList, walk
from services.rulebook.ruleset import RuleSet
from services.rulebook.standing import Standing, standing_of

FIRM = "firm"
DIGEST_CHARS = 16
# What derives from a list, where nobody states it: see `firms`.
DERIVED = {"is_above_scale": ABOVE_SCALE}


class Kind(StrEnum):
    """Where a firm stands under a programme."""

    ENTITLED = "entitled"
    NEAR = "near"
    UNKNOWN = "unknown"


# The word of an assessment for each: who is near is not eligible.
OUTCOMES: Mapping[Kind, Literal["eligible", "ineligible", "unknown"]] = {
    Kind.ENTITLED: "eligible",
    Kind.NEAR: "ineligible",
    Kind.UNKNOWN: "unknown",
}


class Change(StrEnum):
    """What became of a firm's standing under a programme."""

    NEWLY_ENTITLED = "newly-entitled"
    NO_LONGER_ENTITLED = "no-longer-entitled"
    NEAR_MISS = "near-miss"
    UNKNOWN = "unknown"
    RULED_OUT = "ruled-out"
    CHANGED = "changed"


@dataclass(frozen=True)
class Basis:
    """What all firms are matched on under a programme; `digest` says when it is another one."""

    programme: PlanProgramme
    numbers: Mapping[str, Number]
    until_day: date | None
    digest: str
    # What is to be said of every answer: that the plan is not in force.
    flags: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, int | None]:
        return {name: number.value for name, number in self.numbers.items()}


@dataclass(frozen=True, eq=False)
class Ground:
    """What firms are matched on, and the one function that asks all of it of a firm.

    Two are equal that no firm could tell apart, so that what was made for one serves the other.
    """

    bases: tuple[Basis, ...]
    rules: RuleSet

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ground) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[tuple[str, str], ...]:
        return tuple((basis.programme.id, basis.digest) for basis in self.bases)

    @cached_property
    def numbers(self) -> dict[str, int | None]:
        return {number.id: number.value for b in self.bases for number in b.numbers.values()}


@dataclass(frozen=True)
class Found:
    """A firm's standing under a programme, on a basis."""

    basis: Basis
    standing: Standing
    _told: dict[date, MatchedProgramme] = field(
        default_factory=dict[date, MatchedProgramme], compare=False, repr=False
    )

    @cached_property
    def texts(self) -> tuple[str, str]:
        """Write what is near and what is missing as the rows keep it."""
        near, missing = self.standing.near, self.standing.missing
        return orjson.dumps(near).decode(), orjson.dumps(missing).decode()

    def told(self, since: date) -> MatchedProgramme:
        """Word it as it is announced; whoever stands so since one day is told by one object."""
        if since not in self._told:
            programme, standing = self.basis.programme, self.standing
            self._told[since] = MatchedProgramme.model_validate(
                {
                    "programme": programme.id,
                    "measure": programme.measure.number,
                    "confidential": programme.compiled.programme.confidential,
                    "kind": standing.kind,
                    "amount_fen": standing.amount_fen,
                    "amount_status": standing.amount_status,
                    "near": standing.near,
                    "missing": standing.missing,
                    "flags": self.basis.flags,
                    "until_day": self.basis.until_day,
                    "rule_version": programme.version,
                    "since": since,
                }
            )
        return self._told[since]

    @cached_property
    def digest(self) -> str:
        """Hash what is told of it."""
        until = self.basis.until_day
        said = asdict(self.standing) | {
            "flags": self.basis.flags,
            "until": until and until.isoformat(),
        }
        return _digest(said)


@dataclass(frozen=True, slots=True)
class Told:
    """What a firm was told last of a programme."""

    kind: Kind
    basis: str
    digest: str
    since: date


def is_matched(programme: PlanProgramme, facts: Mapping[str, FactEntry]) -> bool:
    """Tell whether firms are matched with a programme: it is for firms, and asks of firms only.

    Of a project or a person nobody has stated anything yet, so that every firm would be told of
    the same facts that it does not have.
    """
    asked = programme.compiled.facts
    return programme.is_for_firms and all(facts[name].subject == FIRM for name in asked)


def lists_of(programme: PlanProgramme) -> frozenset[str]:
    """Name the lists that a programme's answer may rest on, recognitions among them."""
    compiled = programme.compiled
    named = {DERIVED[name] for name in compiled.facts if name in DERIVED}
    for part in chain.from_iterable(walk(node) for node in compiled.nodes):
        match part:
            case OnList(name) | Holds(name) | Grade(name):
                named.add(name)
            case _:
                pass
    return frozenset(named)


def basis_of(
    programme: PlanProgramme,
    numbers: Mapping[str, Number],
    lists: Iterable[str],
    on: date,
    call_closes: date | None,
) -> Basis:
    """Write down what a programme's answers rest on beside the firm; `lists` are versions by id."""
    until = until_day(programme, on, call_closes)
    flags = tuple(programme.flags(on))
    said = {
        "flags": flags,
        "lists": sorted(lists),
        "numbers": {name: number.value for name, number in numbers.items()},
        "until": until and until.isoformat(),
        "version": programme.version,
        "year": on.year - 1,
    }
    return Basis(programme, numbers, until, _digest(said), flags)


def until_day(programme: PlanProgramme, on: date, call_closes: date | None) -> date | None:
    """Give the last day on which it may be had: of call, window or force; None if unset."""
    closing = _closing_day(programme.compiled.programme.window.closes, on)
    ends = [programme.last_day, closing, call_closes]
    known = [day for day in ends if day is not None]
    return min(known) if known else None


def standings(ground: Ground, situation: Situation) -> dict[str, Found]:
    """Ask every programme about one firm; what it plainly is not entitled to is left out."""
    found: dict[str, Found] = {}
    answers = ground.rules.decide(situation, ground.numbers)
    for basis, answer in zip(ground.bases, answers, strict=True):
        verdict = Verdict._make(answer)
        standing = standing_of(basis.programme.compiled, situation, verdict, basis.values)
        if standing is not None:
            found[basis.programme.id] = Found(basis, standing)
    return found


def kinds_of(outcome: str | None, *, near: bool | None) -> tuple[Kind, ...]:
    """Give the standings that a question is about; of the ineligible only the near are kept."""
    kinds = [kind for kind in Kind if outcome in (None, OUTCOMES[kind])]
    return tuple(kind for kind in kinds if near is None or (kind is Kind.NEAR) is near)


def change_of(was: Kind | None, now: Kind | None) -> Change:
    """Name what became of a standing that is not as it was."""
    if was is now:
        return Change.CHANGED
    if was is Kind.ENTITLED:
        return Change.NO_LONGER_ENTITLED
    match now:
        case Kind.ENTITLED:
            return Change.NEWLY_ENTITLED
        case Kind.NEAR:
            return Change.NEAR_MISS
        case Kind.UNKNOWN:
            return Change.UNKNOWN
        case None:
            return Change.RULED_OUT


def event_of(
    uscc: str,
    version: int,
    on: date,
    programmes: Iterable[MatchedProgramme],
    changes: Iterable[MatchChange],
) -> FirmMatched:
    """Tell a firm's whole standing, with what is new of it; all of its parts were checked."""
    return FirmMatched.model_construct(
        version=version, uscc=uscc, on=on,
        programmes=sorted(programmes, key=lambda each: each.programme),
        changes=list(changes),
    )  # fmt: skip


def days_of(state: FirmChanged, on: date) -> tuple[date, date]:
    """Give the days for which a firm's facts are those of a day: from one until before another."""
    changes = set(_changing_days(state))
    before = [day for day in changes if day <= on]
    after = [day for day in changes if day > on]
    return max(before, default=date.min), min(after, default=date.max)


def _digest(said: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(said).encode()).hexdigest()[:DIGEST_CHARS]


def _closing_day(closes: str | None, on: date) -> date | None:
    """Find the next closing day of a window that comes every year."""
    if closes is None:
        return None
    month, day = map(int, closes.split("-"))
    this_year = _day_of(on.year, month, day)
    return this_year if this_year >= on else _day_of(on.year + 1, month, day)


def _day_of(year: int, month: int, day: int) -> date:
    """Give a day of the year; 29 February ends with the month in others."""
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, month, day - 1)


def _changing_days(state: FirmChanged) -> Iterator[date]:
    for each in chain(state.fiscal_jurisdictions, *state.daily.values()):
        yield each.valid_from
    for title in state.recognitions:
        yield title.valid_from
        if title.valid_to is not None and title.valid_to < date.max:
            yield title.valid_to + timedelta(days=1)
        if title.revoked_on is not None:
            yield title.revoked_on
