"""What a file is, judged by its content: neither its name nor a header is believed."""

import codecs
import mmap
import re
from collections.abc import Mapping
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from services.kernel.archives import MembersOf, encrypted
from services.kernel.errors import Invalid, Refusal, UnsupportedMedia
from services.kernel.scanning import SIGNATURE_BYTES, require_clean


class FileType(StrEnum):
    PDF = "pdf"
    PNG = "png"
    JPEG = "jpeg"
    OFD = "ofd"
    XLSX = "xlsx"
    DOCX = "docx"
    TEXT = "text"


_OFFICE = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES: Mapping[FileType, str] = {
    FileType.PDF: "application/pdf",
    FileType.PNG: "image/png",
    FileType.JPEG: "image/jpeg",
    FileType.OFD: "application/ofd",
    FileType.XLSX: f"{_OFFICE}spreadsheetml.sheet",
    FileType.DOCX: f"{_OFFICE}wordprocessingml.document",
    FileType.TEXT: "text/plain",
}
# The first is what a name is given that ends otherwise.
SUFFIXES: Mapping[FileType, tuple[str, ...]] = {
    FileType.PDF: (".pdf",),
    FileType.PNG: (".png",),
    FileType.JPEG: (".jpg", ".jpeg"),
    FileType.OFD: (".ofd",),
    FileType.XLSX: (".xlsx",),
    FileType.DOCX: (".docx",),
    FileType.TEXT: (".txt", ".csv"),
}
FILE_TYPE_NAMES: Mapping[str, tuple[str, str]] = {
    FileType.PDF: ("PDF文档", "PDF document"),
    FileType.PNG: ("PNG图片", "PNG picture"),
    FileType.JPEG: ("JPEG图片", "JPEG picture"),
    FileType.OFD: ("OFD版式文件", "OFD document"),
    FileType.XLSX: ("Excel表格", "Excel workbook"),
    FileType.DOCX: ("Word文档", "Word document"),
    FileType.TEXT: ("文本或CSV", "Text or CSV"),
}

_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_JPEG = b"\xff\xd8\xff"
_ZIP = b"PK\x03\x04"
_OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A modern document under a password is kept in the old container, with this entry.
_LOCKED = "EncryptedPackage".encode("utf-16-le")
_PDF_TAIL_BYTES = 2048
# The trailer is never compressed, but its name may be written with escapes: /#45ncrypt.
_PDF_ENCRYPT = re.compile(
    b"/" + b"".join(b"(?:%c|#(?i:%02x))" % (c, c) for c in b"Encrypt") + rb"(?=[\s<%\[(/]|$)"
)
_OPENS = {
    "OFD.xml": FileType.OFD,
    "xl/workbook.xml": FileType.XLSX,
    "word/document.xml": FileType.DOCX,
}
_MACROS = "vbaProject.bin"
# What a browser or a shell would run; as text it proves nothing.
_MARKUP = re.compile(rb"[\s\xef\xbb\xbf]*(?:<|#!|%!|%PDF-|\{\\rtf)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ENCODINGS = ("utf-8", "gb18030")
_TEXT_CHUNK_BYTES = 1024 * 1024


def type_of(path: Path) -> FileType:
    """Tell what a file is, or refuse: another type, locked, broken, or not what it says.

    Reads all of it, packed members too: to be called in a thread.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        require_clean(content)
        if content[:5] == b"%PDF-":
            return _pdf(content)
        if content[: len(_PNG)] == _PNG:
            return FileType.PNG
        if content[: len(_JPEG)] == _JPEG:
            return FileType.JPEG
        if content[: len(_ZIP)] == _ZIP:
            return _packed(path)
        if content[: len(_OLD_OFFICE)] == _OLD_OFFICE:
            raise encrypted() if content.find(_LOCKED) >= 0 else unsupported()
        return _text(content)


def unsupported() -> Refusal:
    return UnsupportedMedia(
        "文件内容不是可接受的类型：PDF、OFD、PNG、JPEG、XLSX、DOCX、CSV或TXT（按内容判断，不看文件名）；"
        "请转换后重新上传。",
        "By its content the file is none of PDF, OFD, PNG, JPEG, XLSX, DOCX, CSV or TXT, whatever"
        " its name says; convert it and send it again.",
        code="file-type",
    )


def _pdf(content: mmap.mmap) -> FileType:
    if _PDF_ENCRYPT.search(content):
        raise encrypted()
    if content.rfind(b"%%EOF", max(0, len(content) - _PDF_TAIL_BYTES)) < 0:
        raise Invalid(
            "PDF文件不完整，缺少结尾；请重新生成后上传。",
            "The PDF is not whole, its end is missing; make it anew and send it again.",
            code="file-broken",
        )
    return FileType.PDF


def _packed(path: Path) -> FileType:
    with MembersOf(path) as members:
        found = {each for name, each in _OPENS.items() if name in members.names}
        if len(found) != 1:
            raise unsupported()
        if any(name.endswith(_MACROS) for name in members.names):
            raise UnsupportedMedia(
                "文件含有宏；请另存为不含宏的格式后重新上传。",
                "The file holds macros; save it in a format without them and send it again.",
                code="file-macros",
            )
        before = b""
        for chunk in members.unpacked():
            require_clean(before + chunk)
            before = chunk[-SIGNATURE_BYTES:]
    return found.pop()


def _text(content: mmap.mmap) -> FileType:
    if _MARKUP.match(content) or _CONTROL.search(content):
        raise unsupported()
    for encoding in _ENCODINGS:
        with suppress(UnicodeDecodeError):
            decoder = codecs.getincrementaldecoder(encoding)()
            for start in range(0, len(content), _TEXT_CHUNK_BYTES):
                decoder.decode(content[start : start + _TEXT_CHUNK_BYTES])
            decoder.decode(b"", final=True)
            return FileType.TEXT
    raise unsupported()
