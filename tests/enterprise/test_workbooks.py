"""Workbooks that are broken are refused as such, and a long reading loses no transaction."""

import io
import time
import zipfile
from random import Random

import pytest
from sqlalchemy import text

from services.kernel import aside
from services.kernel.errors import Invalid, TooLarge
from services.kernel.row_files import Media, columns_of
from tests.conftest import TestPlatform
from tests.enterprise.steps import XLSX, problem, send_import
from tests.enterprise.test_imports import workbook

ENCRYPTED, UNKNOWN_METHOD = (6, b"\x01\x00"), (8, b"\x63\x00")


def damaged(at: int, value: bytes) -> bytes:
    """Change a field of every part, where it stands before the part and in the list of all."""
    content = bytearray(workbook(("uscc", "year", "revenue_fen")))
    for mark, offset in ((b"PK\x03\x04", at), (b"PK\x01\x02", at + 2)):
        found = content.find(mark)
        while found >= 0:
            content[found + offset : found + offset + len(value)] = value
            found = content.find(mark, found + 4)
    return bytes(content)


def with_broken_stream() -> bytes:
    content = bytearray(workbook(("uscc", "year", "revenue_fen")))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as packed:
        part = packed.getinfo("xl/workbook.xml")
    start = part.header_offset + 30 + len(part.filename)
    content[start : start + 40] = b"\xff" * 40
    return bytes(content)


def with_definitions() -> bytes:
    plain, packed = workbook(("uscc", "year", "revenue_fen")), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(plain)) as given, zipfile.ZipFile(packed, "w") as made:
        for name in given.namelist():
            start = b'<!DOCTYPE x [<!ENTITY a "a">]>' if name == "xl/workbook.xml" else b""
            made.writestr(name, start + given.read(name))
    return packed.getvalue()


BROKEN: dict[str, bytes] = {
    "an encrypted one": damaged(*ENCRYPTED),
    "packed by an unknown method": damaged(*UNKNOWN_METHOD),
    "a stream that is none": with_broken_stream(),
    "one with definitions": with_definitions(),
    "its first half": workbook(("uscc", "year"))[:2000],
}


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_workbook_is_refused_as_such(platform: TestPlatform, name: str) -> None:
    answer = await send_import(platform, "indicators", BROKEN[name], XLSX)
    assert problem(answer) == (422, "xlsx-unreadable")


def test_a_workbook_with_any_octets_changed_is_read_or_refused() -> None:
    whole = workbook(("uscc", "year", "revenue_fen"), ("a", 2024, 1))
    chance, outcomes = Random(20251123), set[str]()  # noqa: S311  no secret
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            columns_of(Media.XLSX, bytes(content))
            outcomes.add("read")
        except (Invalid, TooLarge) as refusal:
            outcomes.add(refusal.code)
    assert {"read", "xlsx-unreadable"} <= outcomes


async def test_a_transaction_outlives_the_long_reading_of_a_file(
    platform: TestPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "SIGN_OF_LIFE_S", 0.1)
    async with platform.service("enterprise").sessions() as session:
        await session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '1s'"))
        began = await session.scalar(text("SELECT now()"))
        assert await aside.read_aside(session, lambda: time.sleep(2.5) or "read") == "read"
        assert await session.scalar(text("SELECT now()")) == began
