"""The frozen facts that one answer rests on, in a form that can be replayed byte for byte."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, TypeAlias, cast

from services.rulebook.errors import FactError, Issue
from services.rulebook.vocabulary import INTEGER_MAX

Scalar: TypeAlias = bool | int | str | date
FactValue: TypeAlias = Scalar | Mapping[int, int | None] | None
JsonObject: TypeAlias = dict[str, Any]

TEXT_CHARS_MAX: Final = 500
YEAR_BEFORE_DAY: Final = 0
YEAR_MIN: Final = 1900
YEAR_MAX: Final = 2200


@dataclass(frozen=True)
class Holdings:
    """Recognitions or lists of a day: held with a grade, known not to be held, or unknown.

    Where the statement is complete, what is not held is known not to be held.
    """

    held: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    not_held: frozenset[str] = frozenset()
    complete: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "held", dict(sorted(self.held.items())))
        object.__setattr__(self, "not_held", frozenset(self.not_held))
        if both := self.not_held & self.held.keys():
            raise FactError([Issue("bad-value", pointer="/not_held", found=min(both))])

    def state(self, name: str) -> bool | None:
        if name in self.held:
            return True
        return False if self.complete or name in self.not_held else None

    def grade(self, name: str) -> str | None:
        """Answer the grade held; what is known not to be held has the empty grade."""
        if name in self.held:
            return self.held[name]
        return "" if self.complete or name in self.not_held else None

    def to_json(self) -> JsonObject:
        return {
            "complete": self.complete,
            "held": dict(self.held),
            "not_held": sorted(self.not_held),
        }

    @classmethod
    def from_json(cls, value: JsonObject) -> "Holdings":
        _require_keys(value, {"complete", "held", "not_held"})
        return cls(value["held"], frozenset(value["not_held"]), value["complete"])


@dataclass(frozen=True)
class Situation:
    """What was known of an applicant on a day; the reference year is the year before it.

    Unknown facts are left out, and a text that is a calendar date is a date, so that one
    situation has one canonical form.
    """

    on: date
    facts: Mapping[str, FactValue] = field(default_factory=dict[str, FactValue])
    year: int = YEAR_BEFORE_DAY
    recognitions: Holdings | None = None
    lists: Holdings | None = None
    history: frozenset[str] | None = None

    def __post_init__(self) -> None:
        known: dict[str, FactValue] = {}
        for name in sorted(self.facts):
            value = _frozen(name, self.facts[name])
            if value is not None:
                known[name] = value
        object.__setattr__(self, "facts", known)
        if self.year == YEAR_BEFORE_DAY:
            object.__setattr__(self, "year", self.on.year - 1)
        if self.history is not None:
            object.__setattr__(self, "history", frozenset(self.history))

    def to_json(self) -> JsonObject:
        return {
            "facts": {name: _plain(value) for name, value in self.facts.items()},
            "history": None if self.history is None else sorted(self.history),
            "lists": None if self.lists is None else self.lists.to_json(),
            "on": self.on.isoformat(),
            "recognitions": None if self.recognitions is None else self.recognitions.to_json(),
            "year": self.year,
        }

    @classmethod
    def from_json(cls, value: JsonObject | str) -> "Situation":
        """Read what `to_json` or `canonical` wrote."""
        data = parse_canonical(value) if isinstance(value, str) else value
        _require_keys(data, {"facts", "history", "lists", "on", "recognitions", "year"})
        return cls(
            on=date.fromisoformat(data["on"]),
            facts={name: _read(value) for name, value in data["facts"].items()},
            year=data["year"],
            recognitions=_read_holdings(data["recognitions"]),
            lists=_read_holdings(data["lists"]),
            history=None if data["history"] is None else frozenset(data["history"]),
        )

    def canonical(self) -> str:
        return canonical_json(self.to_json())

    def digest(self) -> str:
        """Hash the canonical form, SHA-256 in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()


def canonical_json(value: JsonObject) -> str:
    """Write JSON with sorted keys and no spaces; the values hold no floats."""
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )


def parse_canonical(text: str) -> JsonObject:
    """Read JSON that holds neither floats nor a key twice."""
    data = json.loads(
        text,
        parse_float=_refuse_number,
        parse_constant=_refuse_number,
        object_pairs_hook=_unique_keys,
    )
    if not isinstance(data, dict):
        raise FactError([Issue("bad-value", found=type(data).__name__, allowed="an object")])
    return cast("JsonObject", data)


def read_day(text: str) -> date | None:
    """Read YYYY-MM-DD and no other spelling of a day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def _frozen(name: str, value: FactValue) -> FactValue:
    if not isinstance(value, Mapping):
        return None if value is None else _scalar(f"/{name}", value)
    years: dict[int, int | None] = {}
    for year in sorted(value):
        known = value[year]
        if type(year) is not int or not YEAR_MIN <= year <= YEAR_MAX:
            raise FactError([Issue("bad-value", pointer=f"/{name}", found=repr(year))])
        if known is None:
            continue
        if type(known) is not int:
            raise FactError([Issue("wrong-type", f"/{name}/{year}", allowed="an integer")])
        _scalar(f"/{name}/{year}", known)
        years[year] = known
    return years or None


def _scalar(pointer: str, value: object) -> Scalar:
    match value:
        case bool():
            return value
        case int() if abs(value) <= INTEGER_MAX:
            return value
        case str() if len(value) <= TEXT_CHARS_MAX and _is_storable(value):
            return read_day(value) or value
        case date() if not isinstance(value, datetime):
            return value
        case _:
            allowed = "true, false, an integer of 64 bits, a text or a date"
            raise FactError([Issue("wrong-type", pointer, type(value).__name__, allowed)])


def _is_storable(text: str) -> bool:
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


def _plain(value: FactValue) -> Any:
    if isinstance(value, Mapping):
        return {str(year): known for year, known in value.items()}
    return value.isoformat() if isinstance(value, date) else value


def _read(value: Any) -> FactValue:
    if isinstance(value, dict):
        years = cast("dict[str, int | None]", value)
        return {int(year): known for year, known in years.items()}
    return value


def _read_holdings(value: JsonObject | None) -> Holdings | None:
    return None if value is None else Holdings.from_json(value)


def _require_keys(value: JsonObject, keys: set[str]) -> None:
    if wrong := value.keys() ^ keys:
        raise FactError([Issue("unknown-key", found=min(wrong), allowed=" ".join(sorted(keys)))])


def _refuse_number(_: str) -> object:
    raise FactError([Issue("wrong-type", found="a number that is no integer", allowed="integers")])


def _unique_keys(pairs: list[tuple[str, Any]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise FactError([Issue("duplicate", found="a key that stands twice")])
    return value
