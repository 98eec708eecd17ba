"""From what was heard of a firm to the situation a rule is asked about: unknown stays unknown."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

from services.enterprise.contract.events import DatedCode, DatedValue, FirmChanged, Ground
from services.kernel.clock import city_day
from services.rulebook import (
    Assessment,
    CompiledProgramme,
    FactError,
    Holdings,
    Situation,
    Vocabulary,
    read_situation,
)
from services.rulebook.nodes import FactAt, Node, YearsTotal, walk
from services.rulebook.situation import FactValue

# The division whose fiscal level counts as 市本级.
CITY_DIVISION = "330282"
ABOVE_SCALE = "above-scale"
SELF_DECLARED = "self-declared"
STALE_REGISTER = "stale-register"
# What follows from a field of the profile, where nobody states it.
DERIVED_FROM: Mapping[str, str] = {"is_city_level": "fiscal_jurisdiction"}
PROFILE = ("industry_code", "town_code", "registration_authority_code", "established_on")


@dataclass(frozen=True)
class ListEntry:
    """A version of a list that covers the day, and whether the firm stands on it."""

    list: str
    version_id: UUID
    valid_from: date
    recorded_at: datetime
    complete: bool
    is_member: bool
    valid_to: date | None = None
    document: str | None = None
    department: str | None = None


@dataclass(frozen=True)
class KnownFirm:
    """A firm as heard, with the lists of the day."""

    state: FirmChanged
    lists: tuple[ListEntry, ...]
    grounds: tuple[Ground, ...] = ()

    @property
    def uscc(self) -> str:
        return self.state.uscc

    @property
    def facts_known_until(self) -> datetime:
        return self.state.recorded_at


@dataclass(frozen=True)
class StoredFirm:
    """A firm as it is kept, for whoever reads many of them beside the loop."""

    uscc: str
    state: str
    lists: tuple[ListEntry, ...]

    def known(self) -> KnownFirm:
        return KnownFirm(FirmChanged.model_validate_json(self.state), self.lists)


class ListDays(Protocol):
    """A version of a list that covers the day, whoever stands on it."""

    @property
    def id(self) -> Any: ...
    @property
    def list(self) -> Any: ...
    @property
    def valid_from(self) -> Any: ...
    @property
    def recorded_at(self) -> Any: ...
    @property
    def complete(self) -> Any: ...


@dataclass(frozen=True)
class KeptFirms:
    """Many firms as they are kept, and who of them stands on which version of a list."""

    states: Sequence[tuple[str, str]]
    versions: Sequence[ListDays]
    members: Mapping[str, Collection[UUID]]

    def stored(self, place: int) -> StoredFirm:
        """Give one of them with its lists."""
        uscc, state = self.states[place]
        on = self.members.get(uscc, ())
        lists = (
            ListEntry(v.list, v.id, v.valid_from, v.recorded_at, v.complete, v.id in on)
            for v in self.versions
        )
        return StoredFirm(uscc, state, tuple(lists))


def situation_of(
    firm: KnownFirm,
    vocabulary: Vocabulary,
    *,
    on: date,
    year: int | None,
    history: Iterable[str] | None,
    only: Iterable[str] | None = None,
) -> Situation:
    """Freeze what is known of a firm on a day; `only` names the facts that the rule looks at."""
    lists = list_states(firm.lists)
    holdings = _recognitions(firm.state, lists, on)
    known = {**_yearly(firm.state), **_daily(firm.state, lists, holdings, on)}
    wanted = known.keys() if only is None else known.keys() & set(only)
    return Situation(
        on=on,
        facts=_read({name: known[name] for name in wanted}, vocabulary, on=on, year=year),
        year=on.year - 1 if year is None else year,
        recognitions=holdings,
        lists=Holdings(
            held={name: None for name, state in lists.items() if state},
            not_held=frozenset(name for name, state in lists.items() if state is False),
        ),
        history=None if history is None else frozenset(history),
    )


def fold_uscc(text: str) -> str:
    """Write a code as enterprise does: half width, nothing blank or invisible, upper case."""
    folded = unicodedata.normalize("NFKC", text)
    seen = (c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")
    return "".join(seen).upper()


def declared_of(
    compiled: CompiledProgramme, situation: Situation, declared: Iterable[str]
) -> list[str]:
    """Name the used values that rest only on the firm's own statement, as `fact` or `fact:year`."""
    known = set(known_values(situation))
    nodes = [node for _, node in compiled.checks] + ([compiled.amount] if compiled.amount else [])
    return sorted(known & set(declared) & set(values_in(nodes, situation.year)))


def asked_of(compiled: CompiledProgramme, year: int) -> list[str]:
    """Name the values that a rule looks at for a reference year, as `fact` or `fact:year`."""
    return sorted(set(values_in(compiled.nodes, year)))


def ground_of(name: str, grounds: Iterable[Ground]) -> Ground | None:
    """Find the statement that a value rests on; a derived one rests on what it derives from."""
    stated = DERIVED_FROM.get(name, name)
    found = (each for each in grounds if name in each.facts or stated in each.facts)
    return max(found, key=lambda each: name in each.facts, default=None)


def stale_of(
    used: Iterable[str], grounds: Iterable[Ground], renewals: Mapping[str, int], on: date
) -> dict[str, date]:
    """Name the used facts that their owners should have stated anew, with the day since when.

    What a register promises counts from its latest statement. A year's fact is of a year that is
    over, and what is the firm's own word has no register that owes anything.
    """
    known, found = tuple(grounds), dict[str, date]()
    for name in sorted(renewals.keys() & set(used)):
        ground = ground_of(name, known)
        if ground is None or ground.department is None:
            continue
        since = city_day(ground.recorded_at) + timedelta(days=renewals[name] + 1)
        if since <= on:
            found[name] = since
    return found


def mark_provisional(
    assessment: Assessment, declared: Iterable[str], stale: Iterable[str] = ()
) -> Assessment:
    """Flag an answer that rests on such values; its outcome is the same."""
    flags = {*assessment.flags}
    flags |= {SELF_DECLARED} if list(declared) else set()
    flags |= {STALE_REGISTER} if list(stale) else set()
    return replace(assessment, flags=tuple(sorted(flags)))


def list_states(entries: Iterable[ListEntry]) -> dict[str, bool | None]:
    """Tell of each list whether the firm is on it.

    Versions count from the latest complete one onward: a member of any is on the list, a member of
    none is off it only if one of them was declared complete.
    """
    ordered = sorted(entries, key=lambda e: (e.list, e.valid_from, e.recorded_at, e.version_id))
    states: dict[str, bool | None] = {}
    for name, group in groupby(ordered, key=lambda each: each.list):
        versions = list(group)
        complete = [index for index, each in enumerate(versions) if each.complete]
        counted = versions[complete[-1] :] if complete else versions
        is_member = any(each.is_member for each in counted)
        states[name] = True if is_member else False if complete else None
    return states


def is_city_level_on(state: FirmChanged, on: date) -> bool | None:
    """Tell 市本级 by the fiscal jurisdiction of the day, never by the town."""
    code = _latest(state.fiscal_jurisdictions, on)
    return None if code is None else code.code == CITY_DIVISION


def known_values(situation: Situation) -> Iterator[str]:
    for name, value in situation.facts.items():
        if isinstance(value, Mapping):
            yield from (f"{name}:{year}" for year in value)
        else:
            yield name


def values_in(nodes: Iterable[Node], year: int) -> Iterator[str]:
    """Name the values that expressions look at, once for each place."""
    for part in (part for node in nodes for part in walk(node)):
        match part:
            case FactAt(name, _, None):
                yield name
            case FactAt(name, _, int() as back):
                yield f"{name}:{year - back}"
            case YearsTotal(name, count):
                yield from (f"{name}:{year - back}" for back in range(count))
            case _:
                pass


def _yearly(state: FirmChanged) -> dict[str, Any]:
    return {name: dict(years) for name, years in state.yearly.items()}


def _daily(
    state: FirmChanged, lists: Mapping[str, bool | None], holdings: Holdings, on: date
) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(state, name) for name in PROFILE}
    for name, values in state.daily.items():
        stated = _latest(values, on)
        if stated is not None:
            facts[name] = stated.value
    if facts.get("is_above_scale") is None:
        facts["is_above_scale"] = _either(holdings.state(ABOVE_SCALE), lists.get(ABOVE_SCALE))
    if facts.get("is_city_level") is None:
        facts["is_city_level"] = is_city_level_on(state, on)
    return facts


def _recognitions(state: FirmChanged, lists: Mapping[str, bool | None], on: date) -> Holdings:
    """Take titles valid on the day; only a complete list of a title says who does not hold it."""
    held: dict[str, str | None] = {}
    revoked: set[str] = set()
    for each in sorted(state.recognitions, key=lambda each: each.valid_from):
        covers = each.valid_from <= on and (each.valid_to is None or on <= each.valid_to)
        if each.revoked_on is not None and each.revoked_on <= on:
            revoked.add(each.recognition)
        elif covers:
            held[each.recognition] = each.grade
    listed = {name: None for name, member in lists.items() if member and name not in revoked}
    not_held = {name for name, member in lists.items() if member is False}
    return Holdings({**listed, **held}, frozenset(not_held - held.keys()))


def _latest(values: Iterable[DatedValue] | Iterable[DatedCode], on: date) -> Any:
    begun = [each for each in values if each.valid_from <= on]
    return max(begun, key=lambda each: each.valid_from) if begun else None


def _either(first: bool | None, second: bool | None) -> bool | None:  # noqa: FBT001  three values
    if first or second:
        return True
    return False if False in (first, second) else None


def _read(
    known: Mapping[str, Any], vocabulary: Vocabulary, *, on: date, year: int | None
) -> Mapping[str, FactValue]:
    """Read facts; what the vocabulary does not know or reads otherwise is unknown here."""
    try:
        return read_situation(on=on, year=year, facts=known, vocabulary=vocabulary).facts
    except FactError:
        if len(known) == 1:
            return {}
    facts: dict[str, FactValue] = {}
    for name, value in known.items():
        facts.update(_read({name: value}, vocabulary, on=on, year=year))
    return facts
