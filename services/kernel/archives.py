"""Packed files, bounded before they are read: counts, sizes, names, locks, then every byte."""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from services.kernel.errors import Invalid, Refusal

MIB = 1024 * 1024
DIRECTORY_BYTES_MAX = 2 * MIB
MEMBERS_MAX = 10_000
UNPACKED_BYTES_MAX = 256 * MIB
# What unpacks to less than a megabyte harms nobody, however well it is packed.
RATIO_MAX, RATIO_FREE_BYTES = 100, MIB
CHUNK_BYTES = 256 * 1024
_END = struct.Struct("<4s4H2LH")
_END_MARK, _LARGE_MARK, _LARGE_BYTES = b"PK\x05\x06", b"PK\x06\x07", 20
_LOCKED = 0x1 | 0x40 | 0x2000
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FAULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, struct.error,
    UnicodeDecodeError, ValueError,
)  # fmt: skip


class MembersOf:
    """A ZIP file's members: their names are harmless, and together they stay within bounds."""

    def __init__(self, path: Path) -> None:
        _require_small_directory(path)
        try:
            self._file = zipfile.ZipFile(path)
        except _FAULTS:
            raise broken() from None
        self._members = self._file.infolist()
        self.names = frozenset(member.filename for member in self._members)
        try:
            self._require_bounds(path.stat().st_size)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def unpacked(self) -> Iterator[bytes]:
        """Give the content of every member in pieces; whoever lied about its size is found out."""
        for member in self._members:
            try:
                with self._file.open(member) as content:
                    while chunk := content.read(CHUNK_BYTES):
                        yield chunk
            except _FAULTS:
                raise broken() from None

    def _require_bounds(self, packed_bytes: int) -> None:
        if any(member.flag_bits & _LOCKED for member in self._members):
            raise encrypted()
        if len(self.names) != len(self._members) or not all(map(_is_harmless, self.names)):
            raise Invalid(
                "压缩包内的文件名重复或含有路径跳转，不予接收；请用办公软件重新保存后上传。",
                "Names inside the file repeat or lead out of it; save it anew and send it again.",
                code="archive-names",
            )
        if any(member.compress_type not in _PACKINGS for member in self._members):
            raise broken()
        unpacked = sum(member.file_size for member in self._members)
        is_dense = unpacked > RATIO_FREE_BYTES and unpacked > RATIO_MAX * packed_bytes
        if len(self._members) > MEMBERS_MAX or unpacked > UNPACKED_BYTES_MAX or is_dense:
            raise bomb()


def encrypted() -> Refusal:
    return Invalid(
        "文件已加密或设有密码，无法查验；请去除密码后重新上传。",
        "The file is encrypted or locked and cannot be examined; unlock it and send it again.",
        code="file-encrypted",
    )


def bomb() -> Refusal:
    return Invalid(
        f"文件展开后过大（上限{UNPACKED_BYTES_MAX // MIB} MB、{RATIO_MAX}倍、"
        f"{MEMBERS_MAX}个部分）；请拆分后重新上传。",
        f"Unpacked the file is too large (at most {UNPACKED_BYTES_MAX // MIB} MB, {RATIO_MAX} times"
        f" its size, {MEMBERS_MAX} parts); split it and send it again.",
        code="file-bomb",
    )


def broken() -> Refusal:
    return Invalid(
        "文件已损坏或不符合其格式；请重新生成后上传。",
        "The file is damaged or not of its format; make it anew and send it again.",
        code="file-broken",
    )


def _require_small_directory(path: Path) -> None:
    """Look at the directory's size before it is read: each of its entries costs memory.

    Only the plain form counts, with the directory last and nothing before or behind the archive:
    readers disagree about every other.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _END.size - _LARGE_BYTES))
        tail = file.read()
    if len(tail) < _END.size + _LARGE_BYTES:
        raise broken()
    mark, *_, directory_bytes, directory_at, comment = _END.unpack(tail[-_END.size :])
    if mark != _END_MARK or comment or tail.startswith(_LARGE_MARK):
        raise broken()
    if directory_at + directory_bytes != size - _END.size:
        raise broken()
    if directory_bytes > DIRECTORY_BYTES_MAX:
        raise bomb()


def _is_harmless(name: str) -> bool:
    is_plain = name.isprintable() and "\\" not in name and ":" not in name
    return is_plain and not name.startswith("/") and ".." not in PurePosixPath(name).parts
