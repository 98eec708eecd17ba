"""Writing the firms of a batch as a file; a further format is one more writer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from services.kernel.exports import Format, csv_head, csv_lines, ndjson_lines, xlsx_bytes
from services.policy.offers.models import Offer

COLUMNS = (
    "uscc", "name", "state", "reason", "lacks", "case", "amount_fen", "last_day", "provisional",
    "reminded_at", "answered_at",
)  # fmt: skip
Lines = Sequence[Sequence[Any]]


def cells(row: Offer) -> Sequence[Any]:
    """Give a firm's line; what lacks is `fact:year（owner）`, one after the other."""
    lacks = "；".join(_lack(each) for each in row.lacks)
    return (
        row.uscc, row.name, row.state, row.reason, lacks or None, row.case_id and str(row.case_id),
        row.amount_fen, row.last_day, row.provisional, row.reminded_at, row.answered_at,
    )  # fmt: skip


def _lack(each: Mapping[str, Any]) -> str:
    name = each["fact"] or each["condition"]
    told = f"{name}:{each['year']}" if each["year"] else str(name)
    return f"{told}（{each['owner']}）" if each["owner"] else told


def _csv(lines: Iterable[Sequence[Any]]) -> bytes:
    return (csv_head(COLUMNS) + csv_lines(lines)).encode()


def _ndjson(lines: Iterable[Sequence[Any]]) -> bytes:
    return ndjson_lines(COLUMNS, lines)


def _xlsx(lines: Iterable[Sequence[Any]]) -> bytes:
    return xlsx_bytes(COLUMNS, lines)


# What `Accept` may ask for instead of JSON.
WRITERS: Mapping[Format, Callable[[Lines], bytes]] = {
    Format.CSV: _csv,
    Format.NDJSON: _ndjson,
    Format.XLSX: _xlsx,
}
