"""From the body shape of the contract to a situation, checked against the vocabulary."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, cast

from services.rulebook.errors import FactError, Issue, nearest
from services.rulebook.situation import FactValue, Holdings, Situation, read_day
from services.rulebook.vocabulary import Fact, Vocabulary

HOLDINGS: Final = ("recognitions", "lists")
# Where a name was made up, the pointer does not repeat it.
UNKNOWN_NAME: Final = "/?"
_YEAR: Final = re.compile(r"[0-9]{4}")


def read_situation(
    *,
    on: date,
    facts: Mapping[str, Any],
    vocabulary: Vocabulary,
    year: int | None = None,
    history: Iterable[str] | None = None,
) -> Situation:
    """Check stated facts and freeze them; every fault is named, not only the first.

    A list of recognitions or lists is a complete statement, an absent one is unknown. A single
    value of a yearly fact is the value of the reference year.
    """
    reference = on.year - 1 if year is None else year
    issues: list[Issue] = []
    known: dict[str, FactValue] = {}
    held: dict[str, Holdings] = {}
    for name, value in facts.items():
        try:
            if name in HOLDINGS:
                if value is not None:
                    held[name] = _holdings(name, value, vocabulary)
                continue
            fact = _fact(name, vocabulary)
            if value is not None:
                known[name] = _value(fact, value, reference)
        except FactError as error:
            issues.extend(error.issues)
    if issues:
        raise FactError(issues)
    return Situation(
        on=on,
        facts=known,
        year=reference,
        recognitions=held.get("recognitions"),
        lists=held.get("lists"),
        history=None if history is None else frozenset(history),
    )


def check_value(fact: Fact, value: object, pointer: str = "") -> None:
    """Refuse a value that has not the type of the fact or lies outside its bounds."""
    check_type(fact, value, pointer)
    if isinstance(value, int) and not isinstance(value, bool):
        too_low = fact.low is not None and value < fact.low
        too_high = fact.high is not None and value > fact.high
        if too_low or too_high:
            bounds = f"{fact.low} to {fact.high}"
            raise FactError([Issue("out-of-bounds", pointer, str(value), bounds)])


def check_type(fact: Fact, value: object, pointer: str = "") -> None:
    """Refuse a value that has not the type of the fact."""
    if not IS_OF_TYPE[fact.type](value):
        raise FactError([Issue("wrong-type", pointer, type(value).__name__, fact.type)])


IS_OF_TYPE: dict[str, Callable[[object], bool]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "text": lambda value: isinstance(value, str) and read_day(value) is None,
    "date": lambda value: isinstance(value, date),
    "ids": lambda _: False,
}


def _fact(name: str, vocabulary: Vocabulary) -> Fact:
    if name not in vocabulary or vocabulary[name].type == "ids":
        known = [*vocabulary, *HOLDINGS]
        raise FactError([Issue("unknown-fact", UNKNOWN_NAME, name, nearest(name, known))])
    return vocabulary[name]


def _value(fact: Fact, value: Any, reference: int) -> FactValue:
    pointer = f"/{fact.name}"
    if isinstance(value, Mapping):
        if fact.period == "day":
            allowed = "one value, as of the day"
            raise FactError([Issue("wrong-period", pointer, "a map of years", allowed)])
        stated = cast("Mapping[object, Any]", value)
        years = {_year(key, pointer): known for key, known in stated.items()}
    elif fact.period == "year":
        years = {reference: value}
    else:
        day = read_day(value) if fact.type == "date" and isinstance(value, str) else value
        check_value(fact, day, pointer)
        return day
    for key, known in years.items():
        if known is not None:
            check_value(fact, known, f"{pointer}/{key}")
    return years


def _year(key: object, pointer: str) -> int:
    text = str(key)
    if not _YEAR.fullmatch(text):
        raise FactError([Issue("bad-value", pointer, "a key that is no year", "YYYY")])
    return int(text)


def _holdings(name: str, value: Any, vocabulary: Vocabulary) -> Holdings:
    pointer = f"/{name}"
    if not isinstance(value, list | tuple):
        raise FactError([Issue("wrong-type", pointer, type(value).__name__, "a list of ids")])
    known = vocabulary.recognitions if name == "recognitions" else vocabulary.lists
    held: dict[str, str | None] = {}
    for index, item in enumerate(cast("Sequence[Any]", value)):
        key, grade = _holding(item, f"{pointer}/{index}")
        if known is not None and key not in known:
            raise FactError([Issue("unknown-id", f"{pointer}/{index}", key, nearest(key, known))])
        held[key] = grade
    return Holdings(held, complete=True)


def _holding(item: Any, pointer: str) -> tuple[str, str | None]:
    if isinstance(item, str):
        return item, None
    if isinstance(item, Mapping):
        stated = cast("Mapping[str, Any]", item)
        grade = stated.get("grade")
        key = stated.get("recognition", stated.get("id"))
        is_shaped = stated.keys() - {"grade"} in ({"recognition"}, {"id"})
        if is_shaped and isinstance(key, str) and (grade is None or isinstance(grade, str)):
            return key, grade
    raise FactError([Issue("wrong-type", pointer, allowed="an id, or {recognition, grade}")])
