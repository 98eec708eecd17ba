"""How a workbook is read: first what its parts hold is counted, then its first sheet is read.

Every part is read whole except sheets, which are read row by row; each element that is read costs.
"""

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from services.kernel.errors import Invalid, TooLarge

UNPACKED_BYTES_MAX = 400 * 1024 * 1024
UNPACKED_RATIO_MAX = 100
UNPACKED_PLAIN_BYTES = 16 * 1024 * 1024
SHARED_TEXTS_MAX = 100_000
TEXT_ELEMENTS_MAX = 300_000
PART_ELEMENTS_MAX = 20_000
# A sheet is opened once for each time that it is named.
SHEET_NAMED_ELEMENTS = 50
SHEET_ROWS_MAX = 1_048_576
READ_BYTES = 1024 * 1024

MANIFEST = "[Content_Types].xml"
SHEETS = "xl/worksheets/"
RELATIONS = ".rels"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."
SHEET_TYPE = f"{_TYPE}worksheet+xml"
TEXTS_TYPE = f"{_TYPE}sharedStrings+xml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TEXT, _ROW = f"{_MAIN} si", f"{_MAIN} row"

# What the readers of archives and of XML say of files that are damaged, locked or odd.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    ValueError,
    TypeError,
    AttributeError,
    SyntaxError,
)


def first_sheet(content: bytes, *, rows_max: int, columns_max: int) -> Iterator[tuple[Any, ...]]:
    """Read the first sheet row by row; a packed file that unpacks to too much is refused."""
    # A process that is sent no workbook never loads this, which takes long.
    from openpyxl import load_workbook  # noqa: PLC0415

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            _require_modest(packed, len(content))
        workbook = load_workbook(
            io.BytesIO(content), read_only=True, data_only=True, keep_links=False
        )
        # A sheet may claim any size: gaps in its rows and columns are filled only so far.
        yield from workbook.worksheets[0].iter_rows(
            max_row=rows_max, max_col=columns_max, values_only=True
        )
    except _UNREADABLE:
        raise Invalid(
            "文件不是可读的XLSX工作簿。",
            "The file is not a readable XLSX workbook.",
            code="xlsx-unreadable",
        ) from None


def _require_modest(packed: zipfile.ZipFile, packed_bytes: int) -> None:
    """Refuse what takes far more to read than to send."""
    unpacked = sum(each.file_size for each in packed.infolist())
    plain = max(UNPACKED_PLAIN_BYTES, packed_bytes * UNPACKED_RATIO_MAX)
    if unpacked > min(plain, UNPACKED_BYTES_MAX):
        raise _too_large()
    links = _Links()
    parts = packed.infolist()
    stated = [each for each in parts if _states(each.filename)]
    for part in stated:
        _walk(packed, part, links)
    for part in parts:
        if part not in stated:
            _walk(packed, part, links.counter_of(part.filename))


def _states(name: str) -> bool:
    return name == MANIFEST or name.endswith(RELATIONS)


class _Part:
    """Counts the elements of a part that is read whole."""

    elements_max = PART_ELEMENTS_MAX

    def __init__(self) -> None:
        self.elements = 0

    def begin(self, name: str, _: dict[str, str], /) -> None:
        # The reader takes a sheet's name in the list of sheets whatever its namespace.
        self.count(SHEET_NAMED_ELEMENTS if name.rpartition(" ")[2] == "sheet" else 1)

    def end(self, name: str) -> None:
        pass

    def count(self, elements: int) -> None:
        self.elements += elements
        if self.elements > self.elements_max:
            raise _too_large()


class _Texts(_Part):
    """Counts shared texts, each of which costs as much to read as a row."""

    elements_max = TEXT_ELEMENTS_MAX

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0

    def begin(self, name: str, _: dict[str, str], /) -> None:
        self.count(1)
        self.texts += name == _TEXT
        if self.texts > SHARED_TEXTS_MAX:
            raise _too_large()


class _Sheet(_Part):
    """Counts what is kept at a time of a sheet: a row is let go of when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0

    def begin(self, _: str, __: dict[str, str], /) -> None:
        self.elements += 1
        if self.elements > PART_ELEMENTS_MAX:
            raise _too_large()

    def end(self, name: str) -> None:
        if name == _ROW:
            self.elements = 0
            self.rows += 1
            if self.rows > SHEET_ROWS_MAX:
                raise _too_large()


class _Links(_Part):
    """Learns, while it counts, as what each part is going to be read."""

    elements_max = PART_ELEMENTS_MAX

    def __init__(self) -> None:
        super().__init__()
        self._types: dict[str, set[str]] = {}
        self._has_chart_sheet = False

    def begin(self, _: str, attributes: dict[str, str], /) -> None:
        self.count(1)
        part, type_ = attributes.get("PartName"), attributes.get("ContentType", "")
        if part is not None:
            # The reader leaves out the first character, whatever it is.
            self._types.setdefault(part[1:], set()).add(type_)
        # A sheet of a chart is read whole, wherever it lies.
        self._has_chart_sheet |= "chartsheet" in attributes.get("Type", "")

    def counter_of(self, name: str) -> _Part:
        types = self._types.get(name, set())
        if TEXTS_TYPE in types:
            return _Texts()
        is_sheet = name.startswith(SHEETS) and types == {SHEET_TYPE} and not self._has_chart_sheet
        return _Sheet() if is_sheet else _Part()


def _walk(packed: zipfile.ZipFile, part: zipfile.ZipInfo, counter: _Part) -> None:
    """Let a part's elements be counted up to where it is no XML, which may be at once."""
    parser = ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = counter.begin
    parser.EndElementHandler = counter.end
    parser.StartDoctypeDeclHandler = _refuse_definitions
    with packed.open(part) as member:
        try:
            while chunk := member.read(READ_BYTES):
                parser.Parse(chunk, False)  # noqa: FBT003  the parser takes it by position
        except ExpatError:
            return


def _refuse_definitions(*_: object) -> None:
    """Refuse what a workbook never has, and what lets a few letters stand for very many."""
    raise ValueError("document type definition")


def _too_large() -> TooLarge:
    return TooLarge(
        "表格解压后过大，请改用CSV。",
        "The workbook unpacks to too much; send CSV.",
        code="xlsx-too-large",
    )
