"""Archives on plain values: what may be archived, how long it is kept, what a check found."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date
from io import RawIOBase
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from services.kernel.errors import Conflict, TooLarge
from services.policy.cases.rules import FINISHED, CaseState
from services.policy.documents.rules import sha256_of
from services.policy.office import RETENTION_NAMES, RETENTION_YEARS, Retention, RetentionClass

FORMAT: Final = "liangxin-archive-1"
MANIFEST: Final = "manifest.json"
ARCHIVE_BYTES_MAX = 64 * 1024 * 1024
# Zip knows no day before; the same volume is the same bytes whenever it is asked for.
ZIP_DAY = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Original:
    """A file of an archive before it has a number: what it is, and its bytes."""

    name: str
    title: str
    kind: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return sha256_of(self.content)

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True)
class Stored:
    """A file of an archive that lies in the storage already, under its hash."""

    name: str
    title: str
    kind: str
    media_type: str
    sha256: str
    size: int


@dataclass(frozen=True)
class ItemCheck:
    """What a check found of one file; `found_sha256` is None where the file is gone."""

    name: str
    sha256: str
    found_sha256: str | None

    @property
    def same(self) -> bool:
        return self.found_sha256 == self.sha256


def require_ended(state: CaseState) -> None:
    """Archive only what has come to its end."""
    if state not in FINISHED:
        raise Conflict(
            "办件尚未办结，不能归档：已办结、不予批准、已撤回或已撤销的方可归档。",
            "The case has not ended; closed, refused, withdrawn or revoked cases are archived.",
            code="case-not-ended",
        )


def require_size(originals: Sequence[Original | Stored]) -> int:
    """Give the size of a volume, or refuse more than a volume keeps of its own.

    What lies in the storage already is handed out from there, file by file.
    """
    size = sum(each.size for each in originals)
    own = sum(each.size for each in originals if isinstance(each, Original))
    if own > ARCHIVE_BYTES_MAX:
        raise TooLarge(
            f"案卷超过{ARCHIVE_BYTES_MAX // 1024**2} MiB，不能作为一卷归档。",
            f"The files exceed {ARCHIVE_BYTES_MAX // 1024**2} MiB, too much for one volume.",
            code="archive-too-large",
        )
    return size


def retained_until(ended_on: date, retention: Retention) -> date | None:
    """Give the last day of retention, counted from the year after; None for ever or unknown."""
    years = RETENTION_YEARS.get(retention.class_) if retention.class_ else None
    return None if years is None else date(ended_on.year + years, 12, 31)


def restriction_words(
    class_: RetentionClass | None, source: str | None, until: date | None, *, on: date, law: str
) -> tuple[str, str]:
    """Say by which rule an archive is kept although its erasure was asked for."""
    if class_ is None:
        zh = f"该类项目的保管期限尚未确定，确定前按未届满处理，不删除，只限制使用。{law}"
        en = "No retention is set for this kind of programme yet; until it is, the archive is kept"
        return zh, f"{en} and its use restricted."
    zh, en = RETENTION_NAMES[class_]
    if until is not None and until < on:
        zh = f"保管期限（{zh}，{source}）已于{until}届满；销毁须先经档案鉴定，鉴定前限制使用。"
        en = f"Retention ({en}) ended on {until}; destruction needs an appraisal first, and use"
        return zh, f"{en} is restricted until then."
    end = f"至{until}" if until else "永久"
    zh = f"保管期限为{zh}（{source}），保管{end}，不删除，只限制使用。{law}"
    ends = f", until {until}" if until else ""
    return zh, f"Retention: {en}{ends}; the archive is kept and its use restricted."


def require_unrestricted(restricted_for: str | None, rule: str | None) -> None:
    """Hand out nothing of an archive whose use is restricted, naming the rule."""
    if restricted_for is not None:
        raise Conflict(
            f"该案卷已限制使用：{rule}",
            "The use of this archive is restricted; it is kept for its retention period only.",
            code="archive-restricted",
        )


async def zipped(files: AsyncIterator[tuple[str, bytes]]) -> AsyncIterator[bytes]:
    """Write a zip piece by piece, the same bytes each time; one file at a time is in memory."""
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED) as package:
        async for name, content in files:
            entry = ZipInfo(name, ZIP_DAY)
            entry.compress_type = ZIP_DEFLATED
            package.writestr(entry, content)
            yield sink.taken()
    yield sink.taken()


class _Sink(RawIOBase):
    """Takes what a zip writes until it is taken from here."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        taken = b"".join(self._written)
        self._written.clear()
        return taken
