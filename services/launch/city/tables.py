"""The city as import files: CSV whose columns are the field names; an empty cell states nothing."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

from services.launch.city.model import SOURCE, City

Cells = Mapping[str, object]
TableKind = Literal["firms", "indicators", "facts", "recognitions"]

PROFILE = (
    "uscc", "name", "industry_code", "town_code", "established_on", "fiscal_jurisdiction",
    "synthetic",
)  # fmt: skip
TITLE = (
    "uscc", "recognition", "grade", "issuer", "document", "valid_from", "valid_to",
)  # fmt: skip


def csv_table(city: City, kind: TableKind) -> bytes:
    """Write the rows of one kind of import: firms, indicators, facts or recognitions."""
    return TABLES[kind](city)


def _firms(city: City) -> bytes:
    return _csv(PROFILE, (firm.body() for firm in city.firms))


def _indicators(city: City) -> bytes:
    names = _names(each.facts for each in city.indicators)
    rows = (
        {"uscc": each.uscc, "year": each.year, "source": SOURCE, **each.facts}
        for each in city.indicators
    )
    return _csv(("uscc", "year", "source", *names), rows)


def _facts(city: City) -> bytes:
    names = _names(each.facts for each in city.facts)
    rows = (
        {"uscc": each.uscc, "valid_from": each.valid_from, "source": SOURCE, **each.facts}
        for each in city.facts
    )
    return _csv(("uscc", "valid_from", "source", *names), rows)


def _recognitions(city: City) -> bytes:
    return _csv(TITLE, ({"uscc": each.uscc, **each.body()} for each in city.recognitions))


TABLES: Mapping[TableKind, Callable[[City], bytes]] = {
    "firms": _firms,
    "indicators": _indicators,
    "facts": _facts,
    "recognitions": _recognitions,
}


def _names(facts: Iterable[Mapping[str, object]]) -> list[str]:
    """List every fact that occurs, in the order of its first occurrence."""
    return list(dict.fromkeys(name for each in facts for name in each))


def _csv(columns: Iterable[str], rows: Iterable[Cells]) -> bytes:
    header = list(columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(header)
    writer.writerows(_cells(header, row) for row in rows)
    return text.getvalue().encode()


def _cells(header: list[str], row: Cells) -> Iterator[str]:
    for column in header:
        value = row.get(column)
        if value is None:
            yield ""
        else:
            yield str(value).lower() if isinstance(value, bool) else str(value)
