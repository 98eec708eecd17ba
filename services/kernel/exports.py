"""How a list is written as a file that a spreadsheet opens without harm."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import orjson
import xlsxwriter

# What a spreadsheet would take for a formula, in half and in full width.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = "\ufeff"


class Format(StrEnum):
    CSV = "text/csv"
    NDJSON = "application/x-ndjson"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PARQUET = "application/vnd.apache.parquet"
    # For what is read on paper; whoever offers it has it typeset.
    PDF = "application/pdf"


SUFFIXES = {
    Format.CSV: "csv",
    Format.NDJSON: "ndjson",
    Format.XLSX: "xlsx",
    Format.PARQUET: "parquet",
    Format.PDF: "pdf",
}
Column = type[str] | type[int] | type[bool] | type[date]


def wanted_format(accept: str | None, offered: Collection[Format]) -> Format | None:
    """Find the file format that a caller asks for, of those offered; JSON where there is none."""
    for part in (accept or "").lower().split(",")[:20]:
        media = part.partition(";")[0].strip()
        if media in ("application/json", "*/*"):
            return None
        if media in offered:
            return Format(media)
    return None


def defused(value: Any) -> str | int | bool | None:
    """Keep a text from being read as a formula; numbers stay numbers."""
    if isinstance(value, bool | int) or value is None:
        return value
    text = value.isoformat() if isinstance(value, date | datetime) else str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def csv_head(columns: Sequence[str]) -> str:
    """Write the header, with the mark by which spreadsheets recognise UTF-8."""
    return BOM + _csv_rows([columns])


def csv_lines(rows: Iterable[Sequence[Any]]) -> str:
    return _csv_rows([_csv_cell(each) for each in row] for row in rows)


def ndjson_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    return b"".join(orjson.dumps(dict(zip(columns, row, strict=True))) + b"\n" for row in rows)


@dataclass(frozen=True)
class Sheet:
    """One sheet of a workbook: its name, a header, and rows."""

    name: str | None
    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]


def xlsx_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write a workbook of one sheet."""
    return workbook_bytes([Sheet(None, columns, rows)])


def workbook_bytes(sheets: Iterable[Sheet], *, created: datetime | None = None) -> bytes:
    """Write a workbook whose texts are texts, whatever they look like.

    With `created` the same rows give the same bytes, whenever they are written.
    """
    target = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options) as workbook:
        if created is not None:
            workbook.set_properties({"created": created.replace(tzinfo=None)})
        for each in sheets:
            sheet = workbook.add_worksheet(each.name)
            sheet.write_row(0, 0, each.columns)
            for number, row in enumerate(each.rows, start=1):
                sheet.write_row(number, 0, [defused(value) for value in row])
    return target.getvalue()


def parquet_bytes(columns: Mapping[str, Column], rows: Iterable[Sequence[Any]]) -> bytes:
    """Write a table with the types of its columns, for programs to read."""
    # A process that writes no such file never loads this, which takes long.
    import polars as pl  # noqa: PLC0415

    target = io.BytesIO()
    table = pl.DataFrame(list(rows), schema=dict(columns), orient="row")
    table.write_parquet(target, compression="zstd")
    return target.getvalue()


def _csv_cell(value: Any) -> Any:
    cell = defused(value)
    return str(cell).lower() if isinstance(cell, bool) else cell


def _csv_rows(rows: Iterable[Iterable[Any]]) -> str:
    target = io.StringIO()
    csv.writer(target).writerows(rows)
    return target.getvalue()
