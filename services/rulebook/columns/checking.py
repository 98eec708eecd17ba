"""Whether a table states facts that the vocabulary knows, in types and bounds that it allows."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import polars as pl

from services.rulebook.columns.naming import GRADE, LIST, RECOGNITION, WON, Column
from services.rulebook.errors import FactError, Issue, nearest
from services.rulebook.nodes import Kind
from services.rulebook.situation import YEAR_MAX, YEAR_MIN
from services.rulebook.vocabulary import KINDS, Vocabulary

# What tells the rows apart; it is carried over to the results.
KEYS: Final = ("uscc", "id", "name")
WORDS: Final[Mapping[Kind, str]] = {
    Kind.BOOL: "true or false",
    Kind.NUMBER: "whole numbers",
    Kind.TEXT: "texts",
    Kind.DATE: "days",
}


def check_columns(schema: Mapping[str, Any], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Refuse a table with a column that nothing is called by, and give the keys of its rows."""
    issues = [
        issue
        for name, kind in schema.items()
        if name not in KEYS
        for issue in _column_issues(name, kind, vocabulary)
    ]
    if issues:
        raise FactError(issues)
    return tuple(name for name in KEYS if name in schema)


def years_spelled_out(names: Iterable[str], vocabulary: Vocabulary, year: int) -> dict[str, str]:
    """Name in full the yearly facts that stand without a year: they are those of the year asked."""
    present = set(names)
    return {
        name: f"{name}.{year}"
        for name in sorted(present)
        if (fact := vocabulary.get(name)) is not None
        and fact.period == "year"
        and f"{name}.{year}" not in present
    }


def bounded(columns: Mapping[str, Column], present: Iterable[str]) -> list[Column]:
    """List the columns whose least and greatest number `check_bounds` wants to see."""
    return [columns[name] for name in present if name in columns and columns[name].is_number]


def check_bounds(ends: Iterable[tuple[Column, int | None, int | None]]) -> None:
    """Refuse numbers outside the bounds by which the widths of all reckoning were chosen."""
    issues = [
        Issue("out-of-bounds", f"/{column.name}", str(found), f"{column.low} to {column.high}")
        for column, least, most in ends
        for found in (least, most)
        if found is not None and not column.low <= found <= column.high
    ]
    if issues:
        raise FactError(issues)


def _column_issues(name: str, found: Any, vocabulary: Vocabulary) -> Iterator[Issue]:
    kind = _kind_of(name, vocabulary)
    if kind is None:
        yield Issue("unknown-fact", f"/{name}", name, nearest(name, _names(name, vocabulary)))
    elif not _is_of(kind, found):
        yield Issue("wrong-type", f"/{name}", str(found), WORDS[kind])


def _kind_of(name: str, vocabulary: Vocabulary) -> Kind | None:
    """Tell what a column of this name holds; None where nothing has that name."""
    word, _, rest = name.partition(".")
    known = {RECOGNITION: vocabulary.recognitions, LIST: vocabulary.lists,
             GRADE: vocabulary.recognitions, WON: vocabulary.programmes}  # fmt: skip
    if word in known:
        ids = known[word]
        is_known = bool(rest) and (ids is None or rest in ids)
        return (Kind.TEXT if word == GRADE else Kind.BOOL) if is_known else None
    fact = vocabulary.get(word)
    if fact is None or fact.type == "ids" or bool(rest) is not (fact.period == "year"):
        return None
    if rest and not (rest.isdecimal() and YEAR_MIN <= int(rest) <= YEAR_MAX):
        return None
    return KINDS[fact.type]


def _names(like: str, vocabulary: Vocabulary) -> Iterator[str]:
    _, _, rest = like.partition(".")
    year = rest if rest.isdecimal() else "YYYY"
    for fact in vocabulary.values():
        if fact.type != "ids":
            yield f"{fact.name}.{year}" if fact.period == "year" else fact.name
    for word, ids in ((RECOGNITION, vocabulary.recognitions), (GRADE, vocabulary.recognitions),
                      (LIST, vocabulary.lists), (WON, vocabulary.programmes)):  # fmt: skip
        yield from (f"{word}.{each}" for each in ids or ())


def _is_of(kind: Kind, found: Any) -> bool:
    match kind:
        case Kind.NUMBER:
            return found.is_integer()
        case Kind.TEXT:
            return found in (pl.String, pl.Categorical, pl.Enum)
        case Kind.BOOL:
            return found == pl.Boolean
        case Kind.DATE:
            return found == pl.Date
