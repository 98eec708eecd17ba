"""Malware: a signature that every scanner knows, looked for here, and a scanner where one is named.

The scanner is a clamd, at `host:port` or at the path of its socket; files go to it by INSTREAM.
"""

import asyncio
import mmap
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from services.kernel.errors import Invalid, Refusal

CONNECT_S_MAX = 3.0
# Below the ten seconds for which a transaction may stand still.
SCAN_S_MAX = 8.0
ANSWER_BYTES_MAX = 4096
# The test signature of EICAR, in two pieces: whole, scanners would take this file for one.
_SIGNATURE = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + rb"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SIGNATURE_BYTES = len(_SIGNATURE)
_FAULTS = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


class ScannerAway(Exception):
    """The scanner did not answer, or did not understand: the file is neither clean nor not."""


class Scanner:
    """A clamd; without an address nothing is asked, and the signature alone counts."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def require_clean(self, content: AsyncIterator[bytes]) -> None:
        """Refuse what the scanner finds something in."""
        if not self._address:
            return
        try:
            async with asyncio.timeout(SCAN_S_MAX):
                answer = await self._ask(content)
        except _FAULTS as error:
            raise ScannerAway(type(error).__name__) from error
        if answer.endswith("FOUND"):
            raise infected()
        if not answer.endswith("OK"):
            raise ScannerAway("no verdict")

    async def _ask(self, content: AsyncIterator[bytes]) -> str:
        async with self._connected() as (reader, writer):
            writer.write(b"zINSTREAM\0")
            async for chunk in content:
                writer.write(struct.pack("!L", len(chunk)) + chunk)
                await writer.drain()
            writer.write(struct.pack("!L", 0))
            await writer.drain()
            answer = await reader.readuntil(b"\0")
        return answer.rstrip(b"\0").decode("utf-8", "replace").strip()

    @asynccontextmanager
    async def _connected(
        self,
    ) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        async with asyncio.timeout(CONNECT_S_MAX):
            if self._address.startswith("/"):
                reader, writer = await asyncio.open_unix_connection(
                    self._address, limit=ANSWER_BYTES_MAX
                )
            else:
                host, _, port = self._address.rpartition(":")
                reader, writer = await asyncio.open_connection(
                    host, int(port), limit=ANSWER_BYTES_MAX
                )
        try:
            yield reader, writer
        finally:
            writer.close()


def require_clean(content: bytes | mmap.mmap) -> None:
    """Refuse content that holds the test signature."""
    if content.find(_SIGNATURE) >= 0:
        raise infected()


def infected() -> Refusal:
    return Invalid(
        "文件未通过病毒查杀，没有保存；请用杀毒软件处理后重新上传。",
        "Malware was found in the file, which was not kept; clean it and send it again.",
        code="file-infected",
    )
