"""Exact search for the set of options that pays most: depth first, cut off by what is possible.

A unit is a list of options of which one is taken or none. Taking one uses places of the rules that
name it, and binds all to the ceilings it brings along; ceilings nest: a group's within its
matter's, a matter's within the year's. What the ceilings of matters and of the year shall be is
settled first, the most promising way before the others: then only options that allow it remain.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, product
from typing import Final, Generic, TypeAlias, TypeVar

ItemT = TypeVar("ItemT")
# Of the year (), of a matter (matter,), of a group for a matter (matter, group).
ScopeKey: TypeAlias = tuple[str, ...]
Caps: TypeAlias = dict[ScopeKey, int]
YEAR: Final[ScopeKey] = ()
WIDE: Final = 1  # so long, at most, are the keys of a year and of a matter
NO_RULE: Final = -1
# For each rule, from each unit on, and for each number of places: what the units can pay at most.
Bounds: TypeAlias = dict[int, list[list[int]]]


@dataclass(frozen=True, slots=True)
class Option(Generic[ItemT]):
    """What may be taken: what it pays at most, where it stands, what it brings and uses."""

    item: ItemT
    fen: int
    group: ScopeKey
    caps: Mapping[ScopeKey, int] = field(default_factory=dict[ScopeKey, int])
    uses: frozenset[int] = frozenset()

    def covers(self, other: "Option[ItemT]") -> bool:
        """Tell whether it may always stand for another one of its unit, and pays no less."""
        return (
            self.fen >= other.fen
            and self.uses <= other.uses
            and all(key in other.caps and fen >= other.caps[key] for key, fen in self.caps.items())
        )


Units: TypeAlias = list[list[Option[ItemT]]]


def best_options(
    units: Sequence[Sequence[Option[ItemT]]], places: Sequence[int], caps: Mapping[ScopeKey, int]
) -> list[Option[ItemT]]:
    """Take of each unit one option or none so that the sum is greatest, within places and caps."""
    ordered = [sorted(unit, key=lambda each: -each.fen) for unit in units]
    binding = _binding(ordered)
    best: list[Option[ItemT]] = []
    best_fen = -1
    for most_fen, wide in _ways(binding, caps):
        if most_fen <= best_fen:
            break
        way = [_undominated(kept) for unit in binding if (kept := _allowing(unit, wide))]
        search = _Search(way, places, _lowered(caps, wide), best_fen)
        search.descend(0, 0)
        if search.best_fen > best_fen:
            best, best_fen = search.best, search.best_fen
    return best


def _binding(units: Units[ItemT]) -> Units[ItemT]:
    """Leave out the ceilings that all units together cannot reach."""
    most: Caps = {}
    for unit in units:
        for key in (YEAR, unit[0].group[:WIDE], unit[0].group):
            most[key] = most.get(key, 0) + unit[0].fen
    return [
        [
            replace(option, caps={k: fen for k, fen in option.caps.items() if fen < most[k]})
            if option.caps
            else option
            for option in unit
        ]
        for unit in units
    ]


def _ways(units: Units[ItemT], caps: Mapping[ScopeKey, int]) -> list[tuple[int, Caps]]:
    """Fix the ceilings of matters and of the year in every way, with the most that each can pay."""
    levels: dict[ScopeKey, set[int]] = {}
    for option in (option for unit in units for option in unit):
        for key, fen in option.caps.items():
            if len(key) <= WIDE:
                levels.setdefault(key, set()).add(fen)
    ways: list[tuple[int, Caps]] = []
    for chosen in product(*([None, *sorted(fens)] for fens in levels.values())):
        wide = {key: fen for key, fen in zip(levels, chosen, strict=True) if fen is not None}
        matters: Caps = {}
        for unit in units:
            matter = unit[0].group[:WIDE]
            fen = next((option.fen for option in unit if _allows(option, wide)), 0)
            matters[matter] = matters.get(matter, 0) + fen
        ways.append((_nested(matters, _lowered(caps, wide)), wide))
    return sorted(ways, key=lambda way: -way[0])


def _allows(option: Option[ItemT], wide: Caps) -> bool:
    """Tell whether an option binds no matter and no year further than is settled."""
    return all(
        key in wide and fen >= wide[key] for key, fen in option.caps.items() if len(key) <= WIDE
    )


def _allowing(unit: Iterable[Option[ItemT]], wide: Caps) -> list[Option[ItemT]]:
    """Keep the options that a way allows, with what is left to settle: their group's ceilings."""
    return [
        replace(option, caps={key: fen for key, fen in option.caps.items() if len(key) > WIDE})
        if option.caps
        else option
        for option in unit
        if _allows(option, wide)
    ]


def _lowered(caps: Mapping[ScopeKey, int], wide: Caps) -> Caps:
    return {**caps, **{key: min(fen, caps.get(key, fen)) for key, fen in wide.items()}}


def _undominated(unit: list[Option[ItemT]]) -> list[Option[ItemT]]:
    """Leave out what another option of the unit replaces at no loss; the first of equals stays."""
    kept: list[Option[ItemT]] = []
    for option in unit:
        if not any(other.covers(option) for other in kept):
            kept.append(option)
    return kept


def _nested(matters: Mapping[ScopeKey, int], caps: Mapping[ScopeKey, int]) -> int:
    """Add matters up, each within its cap, and all within the year's."""
    total = sum(min(fen, caps.get(key, fen)) for key, fen in matters.items())
    return min(total, caps.get(YEAR, total))


class _Search(Generic[ItemT]):
    """The state of the search: what is taken, and the best that was found."""

    def __init__(
        self, units: Units[ItemT], places: Sequence[int], caps: Caps, best_fen: int
    ) -> None:
        self.units = sorted(units, key=lambda unit: -unit[0].fen)
        self.places = list(places)
        self.caps = caps
        self.has_caps = bool(caps) or any(o.caps for unit in units for o in unit)
        self.taken: list[Option[ItemT]] = []
        self.best: list[Option[ItemT]] = []
        self.best_fen = best_fen
        self.bounds = _bounds(list(enumerate(self.units)), len(units), places)
        self.by_matter: dict[ScopeKey, Bounds] = {}
        if self.has_caps:
            of_matter: dict[ScopeKey, list[tuple[int, list[Option[ItemT]]]]] = {}
            for depth, unit in enumerate(self.units):
                of_matter.setdefault(unit[0].group[:WIDE], []).append((depth, unit))
            for matter, entries in of_matter.items():
                self.by_matter[matter] = _bounds(entries, len(units), places)

    def descend(self, depth: int, reached: int) -> None:
        """Try every option of a unit, and then none, unless no more can come of it."""
        if depth == len(self.units):
            if reached > self.best_fen:
                self.best, self.best_fen = list(self.taken), reached
            return
        if not self._may_exceed(depth, reached):
            return
        for option in self.units[depth]:
            if all(self.places[rule] for rule in option.uses):
                before = self._take(option)
                fen = self._value({}) if self.has_caps else reached + option.fen
                self.descend(depth + 1, fen)
                self._leave(option, before)
        self.descend(depth + 1, reached)

    def _take(self, option: Option[ItemT]) -> Caps:
        before = self.caps
        self.taken.append(option)
        for rule in option.uses:
            self.places[rule] -= 1
        if option.caps:
            brought = {key: min(fen, before.get(key, fen)) for key, fen in option.caps.items()}
            self.caps = {**before, **brought}
        return before

    def _leave(self, option: Option[ItemT], before: Caps) -> None:
        self.taken.pop()
        for rule in option.uses:
            self.places[rule] += 1
        self.caps = before

    def _may_exceed(self, depth: int, reached: int) -> bool:
        """Tell whether the units left can lead beyond the best, by their places and the caps."""
        if reached + self._rest(self.bounds, depth) <= self.best_fen:
            return False
        if not self.has_caps:
            return True
        rests = {key: self._rest(bounds, depth) for key, bounds in self.by_matter.items()}
        return self._value(rests) > self.best_fen

    def _rest(self, bounds: Bounds, depth: int) -> int:
        rest = 0
        for rule, table in bounds.items():
            row = table[depth]
            places = 0 if rule == NO_RULE else self.places[rule]
            rest += row[min(places, len(row) - 1)]
        return rest

    def _value(self, rests: Mapping[ScopeKey, int]) -> int:
        """Add up what is taken, and what may come by matter, within every cap, inside out."""
        groups: Caps = {}
        for option in self.taken:
            groups[option.group] = groups.get(option.group, 0) + option.fen
        matters = dict(rests)
        for key, fen in groups.items():
            matter = key[:WIDE]
            matters[matter] = matters.get(matter, 0) + min(fen, self.caps.get(key, fen))
        return _nested(matters, self.caps)


def _bounds(
    entries: Iterable[tuple[int, list[Option[ItemT]]]], depths: int, places: Sequence[int]
) -> Bounds:
    """Tabulate what units can pay; each is counted under one rule, that of the fewest places."""
    of_rule: dict[int, dict[int, tuple[int, int]]] = {}
    for depth, unit in entries:
        used = [rule for option in unit for rule in option.uses]
        rule = min(used, key=lambda each: (places[each], each), default=NO_RULE)
        within = max((option.fen for option in unit if rule in option.uses), default=0)
        beside = max((option.fen for option in unit if rule not in option.uses), default=0)
        of_rule.setdefault(rule, {})[depth] = (beside, max(0, within - beside))
    return {rule: _table(of_depth, depths) for rule, of_depth in of_rule.items()}


def _table(of_depth: Mapping[int, tuple[int, int]], depths: int) -> list[list[int]]:
    """Sum up, from the last unit on, what needs no place and the highest gains of each place."""
    rows: list[list[int]] = [[0]]
    beside_all = 0
    gains: list[int] = []
    for depth in reversed(range(depths)):
        if depth not in of_depth:
            rows.append(rows[-1])
            continue
        beside, gain = of_depth[depth]
        beside_all += beside
        gains = sorted([*gains, gain], reverse=True)
        rows.append(list(accumulate(gains, initial=beside_all)))
    return rows[::-1]
