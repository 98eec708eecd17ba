"""How a file becomes rows: CSV, NDJSON and XLSX, each row with its line."""

import csv
import io
import re
from collections.abc import AsyncIterator, Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from services.kernel.errors import (
    FieldError,
    FieldFault,
    Invalid,
    Refusal,
    TooLarge,
    UnsupportedMedia,
    invalid_field,
)
from services.kernel.strict_json import loads
from services.kernel.workbooks import first_sheet

ROWS_MAX = 500_000
COLUMNS_MAX = 200
NAME_SHOWN_CHARS_MAX = 60
EXACT_INTEGER_MAX = 2**53

INTEGER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
BOOLEANS = {"true": True, "false": False, "是": True, "否": False}

Cell = str | int | bool | float  # a float only until it is refused


class Media(StrEnum):
    CSV = "text/csv"
    NDJSON = "application/x-ndjson"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True)
class Row:
    """One row by its line; empty cells are absent. A row that cannot be read has a fault."""

    line: int
    cells: dict[str, Cell] = field(default_factory=dict[str, Cell])
    fault: FieldError | None = None


def media_of(content_type: str | None) -> Media | None:
    """Find the format that a content type names."""
    media = (content_type or "").partition(";")[0].strip().lower()
    return Media(media) if media in tuple(Media) else None


def require_media(content_type: str | None) -> Media:
    """Find the format of a file that is being sent, or say which there are."""
    media = media_of(content_type)
    if media is None:
        raise UnsupportedMedia(
            f"须为以下类型之一：{'、'.join(Media)}。", f"Must be one of: {', '.join(Media)}."
        )
    return media


async def content_of(stream: AsyncIterator[bytes], bytes_max: int) -> bytes:
    """Read a file as it comes, and stop reading where it grows too large."""
    content = bytearray()
    async for chunk in stream:
        content += chunk
        if len(content) > bytes_max:
            size = bytes_max // 1024 // 1024
            raise TooLarge(
                f"文件超过{size} MiB，请拆分。", f"The file has more than {size} MiB; split it.",
                code="file-too-large",
            )  # fmt: skip
    return bytes(content)


def columns_of(media: Media, content: bytes) -> list[str]:
    """Read the header: the first line, or of NDJSON the fields of the first row."""
    if media is Media.NDJSON:
        first = next(_ndjson_rows(content), None)
        if first is not None and first.fault is not None:
            raise Invalid(first.fault.zh, first.fault.en, code=first.fault.code)
        return list(first.cells) if first else []
    if media is Media.CSV:
        header = next(iter(csv.reader(io.StringIO(decoded(content), newline=""))), [])
    else:
        header = [str(each or "") for each in next(_sheet(content), ())]
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    return names


def check_columns(columns: list[str], required: Collection[str], known: list[str]) -> None:
    """Refuse the whole file for a column that nobody knows, that is doubled, or that is missing."""
    if not columns:
        raise Invalid("文件为空。", "The file is empty.", code="file-empty")
    if len(columns) > COLUMNS_MAX:
        raise Invalid(
            f"列数超过{COLUMNS_MAX}。", f"More than {COLUMNS_MAX} columns.", code="too-many-columns"
        )
    for position, name in enumerate(columns, start=1):
        if name not in known:
            raise unknown_column(position, name, known)
        if columns.index(name) < position - 1:
            raise _column_fault(position, name, "column-duplicate", "重复出现。", "stands twice.")
    missing = [name for name in required if name not in columns]
    if missing:
        raise Invalid(
            f"缺少必需的列：{'、'.join(missing)}。",
            f"These columns are missing: {', '.join(missing)}.",
            code="missing-column",
        )


def unknown_column(position: int, name: str, known: list[str]) -> Invalid:
    """Name the column that was probably meant."""
    meant = _nearest(name, known)
    zh = f"不认识。是否指{meant}？" if meant else "不认识。"
    en = f"is not known. Is {meant} meant?" if meant else "is not known."
    return _column_fault(position, name, "unknown-column", zh, en)


def rows_of(media: Media, content: bytes) -> Iterator[Row]:
    """Read the rows of a file one by one, each with its line."""
    if media is Media.NDJSON:
        rows = _ndjson_rows(content)
    elif media is Media.CSV:
        rows = _csv_rows(decoded(content))
    else:
        rows = _xlsx_rows(content)
    for number, row in enumerate(rows, start=1):
        if number > ROWS_MAX:
            raise TooLarge(
                f"文件超过{ROWS_MAX}行，请拆分。",
                f"The file has more than {ROWS_MAX} rows; split it.",
                code="too-many-rows",
            )
        yield row


def decoded(content: bytes) -> str:
    """Read text as UTF-8, with or without its mark; say so where it is GBK."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        content.decode("gb18030")
    except UnicodeDecodeError:
        raise Invalid("文件不是UTF-8编码。", "The file is not in UTF-8.", code="encoding") from None
    raise Invalid(
        "文件似为GBK编码；请另存为“CSV UTF-8”后再导入。",
        "The file seems to be in GBK; save it as CSV UTF-8 and import it again.",
        code="encoding-gbk",
    )


def as_integer(cell: Cell) -> Cell:
    """Read digits as an integer; separators, decimals and full-width digits are none."""
    if not isinstance(cell, str):
        return cell
    if not INTEGER.fullmatch(cell):
        raise FieldFault(
            "integer-format",
            "须为半角数字组成的整数，不带千分位、小数或单位。",
            "Must be an integer in plain digits, without separators, decimals or units.",
        )
    return int(cell)


def as_boolean(cell: Cell) -> bool:
    if isinstance(cell, bool):
        return cell
    value = BOOLEANS.get(cell.lower()) if isinstance(cell, str) else None
    if value is None:
        raise FieldFault(
            "boolean-format", "须为true、false、是或否。", "Must be true, false, 是 or 否."
        )
    return value


def as_text(cell: Cell) -> str:
    """Read a cell as text; a spreadsheet keeps a code of digits as a number."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool) or not isinstance(cell, int) or abs(cell) > EXACT_INTEGER_MAX:
        raise FieldFault("text-expected", "须为文本格式的单元格。", "The cell must be text.")
    return str(cell)


def _csv_rows(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns = [name.strip() for name in next(reader, [])]
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield _unreadable(
                line, "csv-malformed", "引号或换行有误。", "Quotes or line breaks are wrong."
            )
            continue
        if any(cell.strip() for cell in cells):
            yield _row(line, columns, cells)


def _ndjson_rows(content: bytes) -> Iterator[Row]:
    for line, raw in enumerate(decoded(content).split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            value = loads(raw.encode())
        except Refusal as refusal:
            yield _unreadable(line, refusal.code, refusal.zh, refusal.en)
            continue
        if not isinstance(value, dict) or not all(_is_cell(v) for v in value.values()):
            yield _unreadable(
                line, "row-shape", "每行须为一个扁平的JSON对象。", "A row is one flat JSON object."
            )
            continue
        cells = {name: cell for name, cell in value.items() if cell is not None}
        yield _clean(line, cells)


def _xlsx_rows(content: bytes) -> Iterator[Row]:
    sheet = _sheet(content)
    columns = [str(name or "").strip() for name in next(sheet, ())]
    for line, values in enumerate(sheet, start=2):
        if values.count(None) == len(values):
            continue
        cells = [_sheet_cell(each) for each in values]
        if any(cell not in (None, "") for cell in cells):
            yield _row(line, columns, cells)


def _sheet(content: bytes) -> Iterator[tuple[Any, ...]]:
    return first_sheet(content, rows_max=ROWS_MAX + 2, columns_max=COLUMNS_MAX + 1)


def _sheet_cell(value: Any) -> Cell | None:
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT_INTEGER_MAX:
        return int(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    return str(value)


def _row(line: int, columns: list[str], cells: list[Any]) -> Row:
    if any(cell not in (None, "") for cell in cells[len(columns) :]):
        return _unreadable(
            line, "too-many-cells", "单元格多于列名。", "More cells than column names."
        )
    pairs = zip(columns, cells, strict=False)
    return _clean(line, {name: cell for name, cell in pairs if name and cell is not None})


def _clean(line: int, cells: dict[str, Any]) -> Row:
    """Trim texts and leave out empty ones; what no database keeps is a fault."""
    trimmed = {n: c.strip() if isinstance(c, str) else c for n, c in cells.items()}
    for name, cell in trimmed.items():
        if isinstance(cell, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in cell):
            return Row(
                line,
                fault=FieldError(
                    name, "text-characters", "含有非法字符。", "Holds an illegal character."
                ),
            )
    return Row(line, {name: cell for name, cell in trimmed.items() if cell != ""})


def _is_cell(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _unreadable(line: int, code: str, zh: str, en: str) -> Row:
    return Row(line, fault=FieldError("", code, zh, en))


def _column_fault(position: int, name: str, code: str, zh: str, en: str) -> Invalid:
    shown = "".join(each for each in name[:NAME_SHOWN_CHARS_MAX] if each.isprintable())
    return invalid_field(
        f"/columns/{position - 1}",
        code,
        f"第{position}列“{shown}”{zh}",
        f'Column {position} "{shown}" {en}',
    )


def _nearest(name: str, known: Collection[str]) -> str | None:
    """Find the known name that was probably meant."""
    found = get_close_matches(name[:NAME_SHOWN_CHARS_MAX], known, n=1, cutoff=0.5)
    return found[0] if found else None
