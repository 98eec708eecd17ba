"""Having a document typeset in a process of its own, with a limit on time and number."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any, Final, cast

import orjson
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.errors import Conflict, Refusal, Unavailable
from services.kernel.strict_json import canonical

log = structlog.get_logger()

WORKER: Final = "services.policy.documents.actions.typeset_worker"
# The package whose files are the only fonts that a document is set in.
FONT_PACKAGE: Final = "pylopdf_fonts_zh_cn"
FAMILIES: Final = ("Noto Serif SC", "Noto Sans SC")
# Below the ten seconds after which the database ends a transaction that says nothing.
TYPESET_MAX = timedelta(seconds=8)
AT_ONCE_MAX = 2
RETRY_S = 5
TYPESETTER = "typesetter"


class Typesetter:
    """Typesets a few documents at a time; the others wait their turn."""

    def __init__(self, fonts: Path | None, *, limit: timedelta = TYPESET_MAX) -> None:
        self._fonts = fonts
        self._limit = limit
        self._turns = asyncio.Semaphore(AT_ONCE_MAX)

    async def typeset(self, template: str, data: Mapping[str, Any], *, at: datetime) -> bytes:
        """Make a PDF/A; the same template, data and instant make the same bytes."""
        asked = {
            "template": template,
            "data": canonical(data),
            "fonts": self._fonts and str(self._fonts),
            "families": FAMILIES,
            "at": int(at.timestamp()),
        }
        try:
            async with asyncio.timeout(self._limit.total_seconds()), self._turns:
                code, made, said = await _run(orjson.dumps(asked))
        except TimeoutError:
            raise Unavailable(
                "文书排版超时，请稍后重试。", "Typesetting took too long; retry later.",
                code="typesetting-late", retry_after_s=RETRY_S,
            ) from None  # fmt: skip
        if code == 0:
            return made
        fault = said.decode(errors="replace")
        log.error("a document was not typeset", fault=fault[-200:], exit_code=code)
        raise _refusal(fault)


def packaged_fonts() -> Path | None:
    """Find the fonts that came with the installation, without loading their package."""
    spec = find_spec(FONT_PACKAGE)
    return Path(spec.origin).parent if spec and spec.origin else None


def typesetter_of(session: AsyncSession) -> Typesetter:
    """Give the typesetter of the process that the session belongs to."""
    return cast("Typesetter", session.info[TYPESETTER])


def qr_svg(text: str) -> str:
    """Draw a QR code as SVG; its quiet zone is part of it."""
    # Only a process that issues documents has it installed.
    import segno  # noqa: PLC0415

    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", xmldecl=False)
    return drawn.getvalue().decode()


async def _run(asked: bytes) -> tuple[int, bytes, bytes]:
    """Run the program with nothing of this process's environment, and end it whatever happens."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", WORKER, stdin=pipe, stdout=pipe, stderr=pipe,
        env={"LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    try:
        made, said = await process.communicate(asked)
        return process.returncode or 0, made, said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _refusal(fault: str) -> Refusal:
    if fault == "glyph-missing":
        return Conflict(
            "文书中有排版字体没有的字，不能制发；请核对名称用字，或由运维补充字体。",
            "The document holds a character that the fonts lack; check the names, or have a font"
            " added.",
            code="glyph-missing",
        )
    if fault in ("font-missing", "typesetter-missing"):
        return Unavailable(
            "本服务未安装制发文书所需的排版程序或字体，请运维安装documents组件后重试。",
            "The typesetter or its fonts are not installed here; have the extra `documents`"
            " installed.",
            code=fault, retry_after_s=60,
        )  # fmt: skip
    return Unavailable(
        "文书未能排版，已记录，请联系运维。", "The document was not typeset; this was recorded.",
        code="typesetting-failed", retry_after_s=60,
    )  # fmt: skip
