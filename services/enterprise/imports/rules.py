"""What a file may be of, its columns, and each cell as its fact wants it."""

from enum import StrEnum
from typing import cast

from services.enterprise.facts.rules import checked_fact
from services.enterprise.vocabulary.rules import (
    FactType,
    FactValue,
    Keeper,
    Period,
    fact,
    facts,
)
from services.kernel.row_files import Cell, as_boolean, as_integer, as_text

FILE_BYTES_MAX = 32 * 1024 * 1024


class Kind(StrEnum):
    FIRMS = "firms"
    INDICATORS = "indicators"
    FACTS = "facts"
    RECOGNITIONS = "recognitions"


KINDS: dict[str, tuple[str, str]] = {
    Kind.FIRMS: ("企业", "Firms"),
    Kind.INDICATORS: ("年度事实", "Facts by the year"),
    Kind.FACTS: ("以某日为准的事实", "Facts as of a day"),
    Kind.RECOGNITIONS: ("认定", "Recognitions"),
}
REQUIRED: dict[Kind, tuple[str, ...]] = {
    Kind.FIRMS: ("uscc", "name", "industry_code", "town_code"),
    Kind.INDICATORS: ("uscc", "year"),
    Kind.FACTS: ("uscc",),
    Kind.RECOGNITIONS: ("uscc", "recognition", "issuer", "document", "valid_from"),
}
OPTIONAL: dict[Kind, tuple[str, ...]] = {
    Kind.FIRMS: (
        "established_on", "registration_authority_code", "domicile_address", "legal_form",
        "fiscal_jurisdiction", "fiscal_jurisdiction_from", "source", "synthetic",
    ),
    Kind.INDICATORS: ("source",),
    Kind.FACTS: ("valid_from", "source"),
    Kind.RECOGNITIONS: ("grade", "valid_to"),
}  # fmt: skip
BOOLEAN_FIELDS = ("synthetic",)


def fact_columns(kind: Kind) -> list[str]:
    """List the facts that may be columns of a kind."""
    periods = {Kind.INDICATORS: Period.YEARLY, Kind.FACTS: Period.DAY}
    elsewhere = (Keeper.RECOGNITIONS, Keeper.LISTS)
    return [
        each.name
        for each in facts()
        if each.period is periods.get(kind) and each.kept_in not in elsewhere
    ]


def columns_known(kind: Kind) -> list[str]:
    """List what may be a column of a kind, what must be one first."""
    return [*REQUIRED[kind], *OPTIONAL[kind], *fact_columns(kind)]


def typed_fact(period: Period, name: str, cell: Cell, *, strict: bool) -> FactValue:
    """Read a cell as its fact wants it; what NDJSON types already is taken as it is."""
    known = fact(name)
    value: object = cell
    if known is not None and not strict:
        if known.type is FactType.INTEGER:
            value = as_integer(cell)
        elif known.type is FactType.BOOLEAN:
            value = as_boolean(cell)
        else:
            value = as_text(cell)
    # An empty cell is no cell, so there is always a value.
    return cast("FactValue", checked_fact(period, name, value))
