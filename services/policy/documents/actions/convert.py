"""Having an issued PDF/A converted to OFD by the command that the installation names."""

import asyncio
import os
import shlex
import signal
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.errors import Conflict, Refusal, Unavailable

log = structlog.get_logger()

CONVERTER: Final = "converter"
# As with typesetting: below the ten seconds after which the database ends a silent transaction.
CONVERT_MAX = timedelta(seconds=8)
AT_ONCE_MAX = 2
OFD_BYTES_MAX = 64 * 1024**2
# The entry of every OFD package (GB/T 33190).
ENTRY: Final = "OFD.xml"
RETRY_S = 5


class Converter:
    """Converts a few documents at a time, each by a process with a folder of its own."""

    def __init__(self, command: str, *, limit: timedelta = CONVERT_MAX) -> None:
        self._command = shlex.split(command)
        self._limit = limit
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def convert(self, pdf: bytes) -> bytes:
        """Make an OFD of a PDF/A, or say why there is none."""
        if not self._command:
            raise _not_configured()
        with TemporaryDirectory(prefix="ofd-") as folder:
            place = Path(folder)
            await asyncio.to_thread((place / "document.pdf").write_bytes, pdf)
            try:
                async with asyncio.timeout(self._limit.total_seconds()), self._turns:
                    code = await _run(self._command, place)
            except TimeoutError:
                raise Unavailable(
                    "文书转换为OFD超时，请稍后重试。", "Converting took too long; retry later.",
                    code="ofd-conversion-late", retry_after_s=RETRY_S,
                ) from None  # fmt: skip
            except OSError as error:
                log.error("the converter did not start", fault=error.strerror)
                raise _failed("ofd-converter-missing") from None
            return await asyncio.to_thread(_made, place, code)


def converter_of(session: AsyncSession) -> Converter:
    """Give the converter of the process that the session belongs to."""
    return cast("Converter", session.info[CONVERTER])


async def _run(command: Sequence[str], place: Path) -> int:
    """Run the command with none of this process's secrets, and end it with all that it started."""
    names = {"{pdf}": str(place / "document.pdf"), "{ofd}": str(place / "document.ofd")}
    asked = [_named(word, names) for word in command]
    kept = {name: os.environ[name] for name in ("PATH",) if name in os.environ}
    with (place / "said").open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *asked, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=said, cwd=place, start_new_session=True,
            env={**kept, "LC_ALL": "C.UTF-8", "HOME": str(place), "TMPDIR": str(place)},
        )  # fmt: skip
    try:
        return await process.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _named(word: str, names: dict[str, str]) -> str:
    for name, path in names.items():
        word = word.replace(name, path)
    return word


def _made(place: Path, code: int) -> bytes:
    """Take what was written, if it is a package of the kind that was asked for."""
    made = place / "document.ofd"
    if code != 0 or not made.is_file():
        said = (place / "said").read_bytes()[-200:].decode(errors="replace")
        log.error("a document was not converted", exit_code=code, fault=said)
        raise _failed("ofd-conversion-failed")
    if made.stat().st_size > OFD_BYTES_MAX or not _is_ofd(made):
        log.error("the converter wrote no OFD", size=made.stat().st_size)
        raise _failed("ofd-invalid")
    return made.read_bytes()


def _is_ofd(made: Path) -> bool:
    try:
        with zipfile.ZipFile(made) as package:
            return ENTRY in package.namelist()
    except zipfile.BadZipFile:
        return False


def _not_configured() -> Refusal:
    return Conflict(
        "本平台未设置OFD转换程序，文书只以PDF/A提供；需要OFD的，请运维设置LIANGXIN_OFD_CONVERTER后重试。",
        "No converter to OFD is set here, so documents are given as PDF/A only; have"
        " LIANGXIN_OFD_CONVERTER set to the command of one.",
        code="ofd-not-configured",
    )


def _failed(code: str) -> Refusal:
    return Unavailable(
        "文书未能转换为OFD，已记录，请联系运维；PDF/A版本仍可下载。",
        "The document was not converted to OFD; this was recorded, and the PDF/A is still there.",
        code=code, retry_after_s=60,
    )  # fmt: skip
