"""Files by their content: what is kept has the SHA-256 of its bytes for a name, and never changes.

A file is written to a draft on this machine first, where it is judged, and then kept whole or not
at all. Whoever refers to kept content says so in a row; what no row refers to is removed in time.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from services.kernel.errors import Invalid, TooLarge, Unavailable

CHUNK_BYTES = 256 * 1024
SHARD_CHARS = 2
RETRY_S = 5
MIB = 1024 * 1024
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_OPTIONS = frozenset({"endpoint", "region"})


class NotAStorage(ValueError):
    """The URL names no storage that is known here."""


@dataclass(frozen=True)
class Draft:
    """A file that has been received whole and is not kept yet."""

    path: Path
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Kept:
    """What lies in the storage under a name, and since when."""

    sha256: str
    kept_at: datetime


class Blobs(Protocol):
    """Where content is kept; whatever cannot be reached refuses with 503."""

    async def keep(self, draft: Draft) -> None:
        """Keep a draft's content, whole and through a power cut; kept again, it is as new."""
        ...

    async def has(self, sha256: str) -> bool: ...

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        """Open content that is there; gone content refuses before anything is read."""
        ...

    async def remove(self, sha256: str) -> None: ...

    def listed(self) -> AsyncGenerator[list[Kept]]:
        """Give everything that is kept, some at a time."""
        ...


def require_storage(url: str) -> str:
    """Refuse a URL now rather than at the first file."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    endpoint = urlsplit(options.get("endpoint", "https://"))
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or set(options) - _OPTIONS:
        raise NotAStorage("must be s3://bucket/prefix?endpoint=https://…&region=…, or unset")
    if endpoint.scheme not in ("http", "https"):
        raise NotAStorage("its endpoint must begin with https:// or http://")
    return url


@asynccontextmanager
async def drafted(
    folder: Path, chunks: AsyncIterator[bytes], *, bytes_max: int
) -> AsyncGenerator[Draft]:
    """Write what comes to a draft for the length of a block; too much, or a break, leaves none."""
    path = await asyncio.to_thread(_new_draft, folder)
    try:
        size, digest = 0, hashlib.sha256()
        with path.open("wb") as file:
            async for chunk in chunks:
                size += len(chunk)
                if size > bytes_max:
                    raise file_too_large(bytes_max)
                with storage_faults():
                    await asyncio.to_thread(file.write, chunk)
                digest.update(chunk)
            with storage_faults():
                file.flush()
        if not size:
            raise Invalid(
                "文件是空的，请选择文件后重新上传。",
                "The file is empty; choose a file and send it again.",
                code="file-empty",
            )
        yield Draft(path, size, digest.hexdigest())
    finally:
        path.unlink(missing_ok=True)


def file_too_large(bytes_max: int) -> TooLarge:
    mib = bytes_max // MIB
    return TooLarge(
        f"文件超过{mib} MB的上限；请压缩图片或分成几个文件后重新上传。",
        f"The file is larger than {mib} MB; compress its pictures or split it, and send it again.",
        code="file-too-large",
    )


async def read_file(path: Path) -> AsyncIterator[bytes]:
    """Give a file's content in pieces; it is opened with the first."""
    with await asyncio.to_thread(path.open, "rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


def remove_old_drafts(folder: Path, *, before: datetime) -> int:
    """Remove what a crash left behind; a draft in work is younger."""
    removed = 0
    for path in folder.glob("*.draft"):
        try:
            if _changed_at(path) < before:
                path.unlink()
                removed += 1
        except FileNotFoundError:
            continue
    return removed


class FolderBlobs:
    """Content in a folder of this machine, or of one that all instances of a service mount."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, draft: Draft) -> None:
        await asyncio.to_thread(self._keep, draft)

    async def has(self, sha256: str) -> bool:
        return await asyncio.to_thread(self._path(sha256).is_file)

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        if not await self.has(sha256):
            raise storage_away()
        return read_file(self._path(sha256))

    async def remove(self, sha256: str) -> None:
        with storage_faults():
            await asyncio.to_thread(self._path(sha256).unlink, missing_ok=True)

    async def listed(self) -> AsyncGenerator[list[Kept]]:
        for shard in await asyncio.to_thread(lambda: sorted(self._folder.glob("??"))):
            yield await asyncio.to_thread(_kept_in, shard)

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:SHARD_CHARS] / sha256

    def _keep(self, draft: Draft) -> None:
        with storage_faults():
            target = self._path(draft.sha256)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _sync(draft.path)
            draft.path.replace(target)
            # The name, too, is only safe once its folder has reached the disk.
            for folder in (target.parent, self._folder):
                _sync(folder)


@contextmanager
def storage_faults() -> Generator[None]:
    """Word what a disk says: full, away, or not ours to write."""
    try:
        yield
    except OSError as error:
        raise storage_away() from error


def storage_away() -> Unavailable:
    return Unavailable(
        "文件存储暂时无法使用，文件没有保存，请稍后重试。",
        "The file storage cannot be used now and nothing was kept; try again later.",
        code="storage-unavailable",
        retry_after_s=RETRY_S,
    )


def _new_draft(folder: Path) -> Path:
    with storage_faults():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        number, name = mkstemp(suffix=".draft", dir=folder)
        os.close(number)
    return Path(name)


def _sync(path: Path) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _kept_in(shard: Path) -> list[Kept]:
    found: list[Kept] = []
    for path in shard.iterdir():
        try:
            found.append(Kept(path.name, _changed_at(path)))
        except FileNotFoundError:
            continue
    return found


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
