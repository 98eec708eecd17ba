"""What facts and recognitions there are, and which values each takes."""

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, cast

from services.kernel.days import parse_day
from services.kernel.errors import FieldFault
from services.kernel.yaml_text import parse_yaml

FactValue = bool | int | str

INTEGER_MAX = 10**15
HERE = Path(__file__).parent


class Period(StrEnum):
    YEARLY = "yearly"
    DAY = "day"


class FactType(StrEnum):
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "text"
    IDS = "ids"


class Keeper(StrEnum):
    """Where a fact lives that is not stated by itself."""

    PROFILE = "profile"
    RECOGNITIONS = "recognitions"
    LISTS = "lists"


PERIODS: dict[str, tuple[str, str]] = {
    Period.YEARLY: ("按年度", "Yearly"),
    Period.DAY: ("以某日为准", "As of a day"),
}


@dataclass(frozen=True)
class Fact:
    name: str
    period: Period
    type: FactType
    zh: str
    en: str
    owners: tuple[str, ...]
    source: str
    unit: str | None = None
    low: int | None = None
    high: int | None = None
    codes: tuple[str, ...] = ()
    kept_in: Keeper | None = None


@dataclass(frozen=True)
class Recognition:
    id: str
    zh: str
    en: str
    owners: tuple[str, ...]


def fact(name: str) -> Fact | None:
    return _facts().get(name)


def facts() -> tuple[Fact, ...]:
    """List every fact, the yearly ones first."""
    return tuple(_facts().values())


def recognition(id_: str) -> Recognition | None:
    return _recognitions().get(id_)


def recognitions() -> tuple[Recognition, ...]:
    return tuple(_recognitions().values())


def lawful_sources() -> dict[str, tuple[str, str]]:
    """Give the lawful paths to a fact, with their Chinese and English names."""
    raw = cast("dict[str, dict[str, str]]", _raw_facts()["sources"])
    return {code: (each["zh"], each["en"]) for code, each in raw.items()}


def nearest(name: str, known: Collection[str]) -> str | None:
    """Find the known name that was probably meant."""
    found = difflib.get_close_matches(name[:100], known, n=1, cutoff=0.5)
    return found[0] if found else None


def checked_value(fact: Fact, value: object) -> FactValue:
    """Give the value back if the fact may take it."""
    if fact.type is FactType.INTEGER:
        return _integer(fact, value)
    if fact.type is FactType.BOOLEAN:
        if isinstance(value, bool):
            return value
        raise FieldFault("boolean-expected", "须为true或false。", "Must be true or false.")
    if fact.type is FactType.DATE:
        return parse_day(value).isoformat()
    return _text(fact, value)


def _integer(fact: Fact, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise FieldFault(
            "integer-expected",
            "须为整数，不接受小数、文本或布尔值。",
            "Must be an integer; no decimals, text or booleans.",
        )
    low = 0 if fact.low is None else fact.low
    high = INTEGER_MAX if fact.high is None else fact.high
    if not low <= value <= high:
        raise FieldFault(
            "out-of-range",
            f"须不小于{low}且不大于{high}。",
            f"Must be at least {low} and at most {high}.",
        )
    return value


def _text(fact: Fact, value: object) -> str:
    if not isinstance(value, str):
        raise FieldFault("text-expected", "须为文本。", "Must be text.")
    if fact.codes and value not in fact.codes:
        allowed = "、".join(fact.codes)
        raise FieldFault(
            "code-unknown",
            f"须为其中之一：{allowed}。",
            f"Must be one of: {', '.join(fact.codes)}.",
        )
    return value


@cache
def _raw_facts() -> dict[str, Any]:
    return cast("dict[str, Any]", parse_yaml((HERE / "facts.yaml").read_text("utf-8")))


@cache
def _facts() -> dict[str, Fact]:
    raw = _raw_facts()
    sections = ((Period.YEARLY, raw["yearly"]), (Period.DAY, raw["daily"]))
    return {
        name: _fact(name, period, each)
        for period, section in sections
        for name, each in section.items()
    }


def _fact(name: str, period: Period, raw: dict[str, Any]) -> Fact:
    bounds = raw.get("bounds", {})
    keeper = raw.get("kept_in")
    return Fact(
        name=name,
        period=period,
        type=FactType(raw["type"]),
        zh=raw["zh"],
        en=raw["en"],
        owners=tuple(raw["owners"]),
        source=raw["source"],
        unit=raw.get("unit"),
        low=bounds.get("low"),
        high=bounds.get("high"),
        codes=tuple(raw.get("codes", ())),
        kept_in=None if keeper is None else Keeper(keeper),
    )


@cache
def _recognitions() -> dict[str, Recognition]:
    raw = cast("dict[str, Any]", parse_yaml((HERE / "recognitions.yaml").read_text("utf-8")))
    return {
        id_: Recognition(id_, each["zh"], each["en"], tuple(each["owners"]))
        for id_, each in raw.items()
    }
