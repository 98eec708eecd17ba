"""A scanner behind a socket: asked by its protocol, believed, and not needed to be there."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.kernel.errors import Refusal
from services.kernel.scanning import Scanner, ScannerAway
from services.kernel.settings import Profile, Settings

Verdict = Callable[[bytes], bytes]


async def content() -> AsyncIterator[bytes]:
    yield b"first;"
    yield b"second"


async def serve(folder: Path, verdict: Verdict) -> tuple[asyncio.Server, str]:
    """Speak as clamd does: a command, pieces with their lengths, an empty one, the verdict."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readuntil(b"\0") == b"zINSTREAM\0"
        heard = b""
        while size := struct.unpack("!L", await reader.readexactly(4))[0]:
            heard += await reader.readexactly(size)
        writer.write(verdict(heard))
        writer.close()

    path = str(folder / "clamd.sock")
    return await asyncio.start_unix_server(hear, path), path


async def test_what_is_clean_passes_and_what_is_found_is_refused(tmp_path: Path) -> None:
    def verdict(heard: bytes) -> bytes:
        return b"stream: OK\0" if heard == b"first;second" else b"stream: Eicar FOUND\0"

    server, path = await serve(tmp_path, verdict)
    async with server:
        await Scanner(path).require_clean(content())

        async def other() -> AsyncIterator[bytes]:
            yield b"other"

        with pytest.raises(Refusal) as caught:
            await Scanner(path).require_clean(other())
    assert (caught.value.status, caught.value.code) == (422, "file-infected")
    assert "Eicar" not in caught.value.zh + caught.value.en


@pytest.mark.parametrize(
    "answer", [b"INSTREAM size limit exceeded. ERROR\0", b"", b"stream: OK", b"x" * 5000 + b"\0"]
)
async def test_no_verdict_is_not_clean(tmp_path: Path, answer: bytes) -> None:
    server, path = await serve(tmp_path, lambda _: answer)
    async with server:
        with pytest.raises(ScannerAway):
            await Scanner(path).require_clean(content())


@pytest.mark.parametrize("address", ["127.0.0.1:9", "/nowhere/clamd.sock"])
async def test_a_scanner_that_is_away_is_said(address: str) -> None:
    with pytest.raises(ScannerAway):
        await Scanner(address).require_clean(content())


async def test_without_an_address_nobody_is_asked() -> None:
    await Scanner("").require_clean(content())


@pytest.mark.parametrize(
    ("address", "is_taken"),
    [("", True), ("host:3310", True), ("/run/clamd.sock", True), ("host", False), (":1", False)],
)
def test_the_address_of_a_scanner(address: str, *, is_taken: bool) -> None:
    given = {"LIANGXIN_PROFILE": Profile.DEMONSTRATION, "LIANGXIN_CLAMD": address}
    if is_taken:
        assert Settings.model_validate(given).clamd == address
    else:
        with pytest.raises(ValidationError):
            Settings.model_validate(given)
