"""Reading many firms into rows of the columns that rules look at, without a model of each.

It reads what is usual: values of their fact's type, within its bounds. What else a firm's state may
hold is not judged here; such a firm is left to the reading of one at a time.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import chain, groupby
from typing import Any
from uuid import UUID

from services.policy.firms.rules import ABOVE_SCALE, CITY_DIVISION, PROFILE, ListDays
from services.rulebook import Vocabulary
from services.rulebook.columns.naming import Column
from services.rulebook.nodes import FactAt, Grade, Holds, OnceEver, OnList
from services.rulebook.situation import TEXT_CHARS_MAX, YEAR_MAX, YEAR_MIN, read_day
from services.rulebook.vocabulary import INTEGER_MAX, Fact

Stated = Mapping[str, Any]
Pick = Callable[[tuple[Any, ...]], Any]
ALL_YEARS = frozenset(str(year) for year in range(YEAR_MIN, YEAR_MAX + 1))
NO_YEARS: Stated = {}


class Unusual(Exception):
    """A state with something in it that only the whole reading can judge."""


class Rows:
    """Makes a row of each firm, on a day, for the columns of a rule set."""

    def __init__(
        self,
        columns: Mapping[str, Column],
        vocabulary: Vocabulary,
        versions: Iterable[ListDays],
        on: date,
    ) -> None:
        self._day = on.isoformat()
        self._nowhere, self._counted = _counted(versions)
        self._picks = [_pick(column, on.year - 1) for column in columns.values()]
        nodes = (column.node for column in columns.values())
        facts = [vocabulary[n] for n in {n.name for n in nodes if isinstance(n, FactAt)}]
        self._yearly = {fact.name: _span(fact) for fact in facts if fact.period == "year"}
        self._daily = {fact.name: fact for fact in facts if fact.period == "day"}

    def row(self, state: Stated, on_lists: Collection[UUID], history: Collection[str]) -> list[Any]:
        """Fill in what is known of a firm; raise `Unusual` where that is not plain to see."""
        named = {self._counted[each] for each in on_lists if each in self._counted}
        lists = {**self._nowhere, **dict.fromkeys(named, True)} if named else self._nowhere
        held, holds = self._titles(state["recognitions"], lists)
        known = (self._days(state, holds, lists), self._years(state), holds, held, lists, history)
        return [pick(known) for pick in self._picks]

    def days(self, state: Stated) -> tuple[date, date]:
        """Give the days for which the firm's facts are those of the day, as `days_of` does."""
        before, after, day = "", "", self._day
        for each in _changing_days(state):
            if each <= day:
                before = max(before, each)
            elif not after or each < after:
                after = each
        return (
            date.fromisoformat(before) if before else date.min,
            date.fromisoformat(after) if after else date.max,
        )

    def _titles(
        self, titles: Iterable[Stated], lists: Mapping[str, bool | None]
    ) -> tuple[dict[str, Any], dict[str, bool]]:
        """Take the grades of the day's titles, and of each title whether it is held."""
        grades: dict[str, Any] = {}
        revoked: set[str] = set()
        day = self._day
        for title in sorted(titles, key=lambda each: each["valid_from"]):
            valid_to, revoked_on = title["valid_to"], title["revoked_on"]
            if revoked_on is not None and revoked_on <= day:
                revoked.add(title["recognition"])
            elif title["valid_from"] <= day and (valid_to is None or day <= valid_to):
                grades[title["recognition"]] = title["grade"]
        holds = {name: is_on for name, is_on in lists.items() if is_on is not None}
        for name in revoked:
            if holds.get(name):
                del holds[name]
        return grades, {**holds, **dict.fromkeys(grades, True)}

    def _days(
        self, state: Stated, holds: Mapping[str, bool], lists: Mapping[str, bool | None]
    ) -> dict[str, Any]:
        values: dict[str, Any] = {name: state[name] for name in PROFILE}
        for name, stated in state["daily"].items():
            latest = _latest(stated, self._day)
            if latest is not None:
                values[name] = latest["value"]
        if not values.keys().isdisjoint(self._yearly):
            raise Unusual
        if values.get("is_above_scale") is None:
            said = (holds.get(ABOVE_SCALE), lists.get(ABOVE_SCALE))
            values["is_above_scale"] = True if True in said else False if False in said else None
        if values.get("is_city_level") is None:
            code = _latest(state["fiscal_jurisdictions"], self._day)
            values["is_city_level"] = None if code is None else code["code"] == CITY_DIVISION
        return {
            name: _read(self._daily[name], values[name])
            for name in self._daily.keys() & values.keys()
        }

    def _years(self, state: Stated) -> Stated:
        yearly = state["yearly"]
        for name, (low, high) in self._yearly.items():
            for year, value in yearly.get(name, NO_YEARS).items():
                if type(value) is not int or not low <= value <= high or year not in ALL_YEARS:
                    raise Unusual
        return yearly


def _read(fact: Fact, value: Any) -> Any:
    """Take a value as it is stored, if it is one of the fact's type within its bounds."""
    match fact.type:
        case "bool" if type(value) is bool:
            return value
        case "int" if type(value) is int:
            low, high = _span(fact)
            if low <= value <= high:
                return value
        case "text" if type(value) is str and len(value) <= TEXT_CHARS_MAX:
            if (value.isascii() and value.isalnum()) or (
                value.isprintable() and read_day(value) is None
            ):
                return value
        case "date" if type(value) is str and (day := read_day(value)):
            return day
        case _ if value is None:
            return None
        case _:
            pass
    raise Unusual


def _span(fact: Fact) -> tuple[int, int]:
    low = -INTEGER_MAX if fact.low is None else max(fact.low, -INTEGER_MAX)
    high = INTEGER_MAX if fact.high is None else min(fact.high, INTEGER_MAX)
    return low, high


def _latest(stated: Iterable[Stated], day: str) -> Stated | None:
    latest = None
    for each in stated:
        begins = each["valid_from"]
        if begins <= day and (latest is None or begins > latest["valid_from"]):
            latest = each
    return latest


def _counted(
    versions: Iterable[ListDays],
) -> tuple[dict[str, bool | None], dict[UUID, str]]:
    """Give what is known of who stands on no version, and the list of each version that counts."""
    nowhere: dict[str, bool | None] = {}
    counted: dict[UUID, str] = {}
    ordered = sorted(versions, key=lambda e: (e.list, e.valid_from, e.recorded_at, e.id))
    for name, group in groupby(ordered, key=lambda each: each.list):
        found: Sequence[ListDays] = list(group)
        complete = [index for index, each in enumerate(found) if each.complete]
        nowhere[name] = False if complete else None
        counted |= {each.id: name for each in found[complete[-1] if complete else 0 :]}
    return nowhere, counted


def _changing_days(state: Stated) -> Iterator[str]:
    for each in chain(state["fiscal_jurisdictions"], *state["daily"].values()):
        yield each["valid_from"]
    for title in state["recognitions"]:
        yield title["valid_from"]
        valid_to = title["valid_to"]
        if valid_to is not None and (last := date.fromisoformat(valid_to)) < date.max:
            yield (last + timedelta(days=1)).isoformat()
        if title["revoked_on"] is not None:
            yield title["revoked_on"]


def _pick(column: Column, year: int) -> Pick:
    """Say where a column's cell is found: by day, by year, among titles, lists or awards."""
    match column.node:
        case FactAt(name, _, None):
            return lambda known: known[0].get(name)
        case FactAt(name, _, back):
            key = str(year - (back or 0))
            return lambda known: known[1].get(name, NO_YEARS).get(key)
        case Holds(name):
            return lambda known: known[2].get(name)
        case Grade(name):
            return lambda known: known[3].get(name)
        case OnList(name):
            return lambda known: known[4].get(name)
        case OnceEver(name):
            return lambda known: name in known[5]
