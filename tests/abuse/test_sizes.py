"""A14: what is sent small and unpacks large, or is large, is refused before it costs much."""

import asyncio
import gzip
import io
import time
import zipfile
import zlib
from collections.abc import Callable

import httpx
import psutil
import pytest
from openpyxl import Workbook

from tests.abuse.report import tried
from tests.conftest import TestPlatform

MIB = 1024 * 1024
GROWTH_BYTES_MAX = 50 * MIB
SECONDS_MAX = 10.0
FIRMS = "/v1/enterprise/firms"
IMPORTS = "/v1/enterprise/imports"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
STRINGS = "xl/sharedStrings.xml"
STRINGS_PART = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
)
MAIN = b'"http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
NAMESPACE = b"xmlns=" + MAIN
BIG = b'{"name": "' + b"x" * (10 * MIB) + b'"}'
BODIES: dict[str, tuple[Callable[[], bytes], dict[str, str], tuple[int, ...]]] = {
    "10 MB of JSON": (lambda: BIG, {}, (413,)),
    "100,000 lists deep": (lambda: b"[" * 100_000 + b"]" * 100_000, {}, (400,)),
    "100,000 objects deep": (lambda: b'{"a":' * 100_000, {}, (400,)),
    "10^6 characters": (lambda: b'{"name": "' + "示".encode() * 10**6 + b'"}', {}, (413, 422)),
    "70,000 members": (
        lambda: b"{" + b",".join(b'"%d":1' % n for n in range(70_000)) + b"}",
        {},
        (422,),
    ),
    "a gzip bomb": (lambda: gzip.compress(BIG * 10), {"Content-Encoding": "gzip"}, (400, 413, 415)),
    "a deflate bomb": (
        lambda: zlib.compress(BIG * 10),
        {"Content-Encoding": "deflate"},
        (400, 413, 415),
    ),
    "a number of 900,000 digits": (lambda: b'{"name": ' + b"9" * 900_000 + b"}", {}, (400, 422)),
}


def grown_since(before: int) -> int:
    return psutil.Process().memory_info().rss - before


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_too_much_is_refused_and_leaves_no_weight(
    platform: TestPlatform, name: str
) -> None:
    made, extra, expected = BODIES[name]
    content = made()
    headers = {"Content-Type": "application/json", **extra}
    before, began = psutil.Process().memory_info().rss, time.monotonic()
    for _ in range(3):
        answer = await platform.client("registrar").post(FIRMS, content=content, headers=headers)
        assert answer.status_code in expected, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        tried("A14", "bodies that are too much")
    assert grown_since(before) < GROWTH_BYTES_MAX
    assert time.monotonic() - began < SECONDS_MAX


def workbook(**members: Callable[[bytes], bytes]) -> bytes:
    """Write a small workbook, some of whose members are put in place of the right ones."""
    plain, packed = io.BytesIO(), io.BytesIO()
    book = Workbook()
    assert book.active is not None
    book.active.append(["uscc", "name", "industry_code", "town_code"])
    book.save(plain)
    with (
        zipfile.ZipFile(plain) as given,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in given.namelist():
            change = members.get(name.rpartition("/")[2].partition(".")[0])
            made.writestr(name, change(given.read(name)) if change else given.read(name))
        if "sharedStrings" in members:
            made.writestr(STRINGS, members["sharedStrings"](b""))
    return packed.getvalue()


def many_texts(count: int, text: bytes) -> bytes:
    def texts(_: bytes) -> bytes:
        return b"<sst " + NAMESPACE + b">" + text * count + b"</sst>"

    return _with_texts(texts)


def prefixed_texts(count: int, text: bytes) -> bytes:
    """Write as many shared texts whose names all stand behind a prefix."""
    return _with_texts(lambda _: b"<x:sst xmlns:x=" + MAIN + b">" + text * count + b"</x:sst>")


def texts_in_utf_16(count: int) -> bytes:
    written = "<sst " + NAMESPACE.decode() + ">" + "<si/>" * count + "</sst>"
    return _with_texts(lambda _: written.encode("utf-16"))


def many_styles(count: int) -> bytes:
    return workbook(
        styles=lambda plain: plain.replace(b"</cellXfs>", b"<xf/>" * count + b"</cellXfs>")
    )


def many_names_of_a_sheet(count: int) -> bytes:
    def named(plain: bytes) -> bytes:
        # The relations of this part bear its name too, and name no sheet so.
        start, sheet, end = plain.partition(b"<sheet ")
        tag, close, rest = end.partition(b"/>")
        return start + (sheet + tag + close) * (count if sheet else 1) + rest

    return workbook(workbook=named)


def _with_texts(texts: Callable[[bytes], bytes]) -> bytes:
    def typed(content: bytes) -> bytes:
        return content.replace(b"</Types>", STRINGS_PART)

    return workbook(**{"sharedStrings": texts, "[Content_Types]": typed})


def sheet(rows: bytes, claims: bytes = b"") -> bytes:
    def written(_: bytes) -> bytes:
        return (
            b"<worksheet "
            + NAMESPACE
            + b">"
            + claims
            + b"<sheetData>"
            + rows
            + b"</sheetData></worksheet>"
        )

    return workbook(sheet1=written)


HEAD = b"".join(
    b'<c r="%s1" t="inlineStr"><is><t>%s</t></is></c>' % (column, name)
    for column, name in zip(
        (b"A", b"B", b"C", b"D"), (b"uscc", b"name", b"industry_code", b"town_code"), strict=True
    )
)
WORKBOOKS: dict[str, Callable[[], bytes]] = {
    "300 MB of zeros": lambda: workbook(theme1=lambda _: b"\0" * (300 * MIB)),
    "a million empty texts": lambda: many_texts(10**6, b"<si/>"),
    "a million texts, hard to pack": lambda: many_texts(10**6, b"<si><t>a</t></si>"),
    "600,000 texts behind a prefix": lambda: prefixed_texts(600_000, b"<x:si/>"),
    "300,000 texts behind a prefix": lambda: prefixed_texts(300_000, b"<x:si><x:t>a</x:t></x:si>"),
    "400,000 texts in UTF-16": lambda: texts_in_utf_16(400_000),
    "100,001 texts": lambda: many_texts(100_001, b"<si/>"),
    "a text of a million pieces": lambda: many_texts(1, b"<si>" + b"<r/>" * 10**6 + b"</si>"),
    "200,000 styles": lambda: many_styles(200_000),
    "a sheet named 2,000 times": lambda: many_names_of_a_sheet(2_000),
    "a row of a million cells": lambda: sheet(
        b'<row r="1">' + HEAD + b"</row><row>" + b"<c/>" * 10**6
    ),
    "20 million empty rows": lambda: sheet(b"<row/>" * 20_000_000),
}


@pytest.mark.parametrize("name", WORKBOOKS)
async def test_a_workbook_that_unpacks_to_too_much_is_refused(
    platform: TestPlatform, name: str
) -> None:
    content = await asyncio.to_thread(WORKBOOKS[name])
    before, began = psutil.Process().memory_info().rss, time.monotonic()
    answer = await send(platform, content)
    seconds = time.monotonic() - began
    tried("A14", "workbooks that unpack to too much")
    assert (answer.status_code, answer.json()["code"]) == (413, "xlsx-too-large")
    assert seconds < SECONDS_MAX
    assert grown_since(before) < GROWTH_BYTES_MAX


@pytest.mark.parametrize(
    "content",
    [
        sheet(b'<row r="1">' + HEAD + b'</row><row r="1000000000"><c r="A1000000000"/></row>'),
        sheet(b'<row r="1">' + HEAD + b"</row>", b'<dimension ref="A1:XFD1048576"/>'),
    ],
    ids=["a row far below", "a sheet that claims every cell"],
)
async def test_a_sheet_that_claims_more_than_it_holds_is_read_in_short_time(
    platform: TestPlatform, content: bytes
) -> None:
    began = time.monotonic()
    answer = await send(platform, content)
    assert answer.status_code == 202, answer.text
    await platform.settle()
    done = (await platform.client("registrar").get(answer.headers["location"])).json()
    assert done["state"] == "finished"
    assert time.monotonic() - began < 3 * SECONDS_MAX
    tried("A14", "sheets that claim more than they hold")


async def send(platform: TestPlatform, content: bytes) -> httpx.Response:
    headers = {"Content-Type": XLSX, **platform.key()}
    return await platform.client("registrar").post(
        IMPORTS, params={"kind": "firms"}, content=content, headers=headers
    )
