"""Writing the hand-over list (移交清单) as a file; a further format is one more writer."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.kernel.exports import Format, csv_head, csv_lines, ndjson_lines, xlsx_bytes
from services.policy.archives.models import CaseArchive

COLUMNS = (
    "id", "case", "volume", "title", "fonds", "department", "case_state", "opened_on", "ended_on",
    "retention_class", "retention_source", "retained_until", "items", "size_bytes",
    "package_sha256", "made_by", "made_at", "restricted",
)  # fmt: skip
Lines = Sequence[Sequence[Any]]


def cells(row: CaseArchive) -> Sequence[Any]:
    return (
        str(row.id), str(row.case_id), row.volume, row.title, row.fonds, row.department,
        row.case_state, row.opened_on, row.ended_on, row.retention_class, row.retention_source,
        row.retained_until, row.items, row.size_bytes, row.package_sha256, row.made_by,
        row.made_at, row.restricted_at is not None,
    )  # fmt: skip


def _csv(lines: Lines) -> bytes:
    return (csv_head(COLUMNS) + csv_lines(lines)).encode()


def _ndjson(lines: Lines) -> bytes:
    return ndjson_lines(COLUMNS, lines)


def _xlsx(lines: Lines) -> bytes:
    return xlsx_bytes(COLUMNS, lines)


# What `Accept` may ask for instead of JSON.
WRITERS: Mapping[Format, Callable[[Lines], bytes]] = {
    Format.CSV: _csv,
    Format.NDJSON: _ndjson,
    Format.XLSX: _xlsx,
}
