"""Small files of every kind that is taken, made here, and some that are not."""

import io
import itertools
import os
import zipfile
from typing import Any

import httpx

_numbers = itertools.count(1)
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(17)
JPEG = b"\xff\xd8\xff\xe0" + bytes(20) + b"\xff\xd9"


def fresh_pdf(size: int = 0) -> bytes:
    """Give a PDF that no other test has sent, padded to a size."""
    head, _, tail = PDF.partition(b"trailer")
    mark = b"%% %d-%d\n" % (os.getpid(), next(_numbers))
    padding = b"%" + b"x" * max(0, size - len(PDF) - len(mark) - 2) + b"\n" if size else b""
    return head + mark + padding + b"trailer" + tail


def packed(members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", packing) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return target.getvalue()


def ofd(**more: bytes) -> bytes:
    return packed({"OFD.xml": b"<ofd:OFD/>", "Doc_0/Document.xml": b"<d/>", **more})


def xlsx(**more: bytes) -> bytes:
    return packed({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<w/>", **more})


def docx(**more: bytes) -> bytes:
    return packed({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>", **more})


async def send_file(
    client: httpx.AsyncClient,
    case: dict[str, Any],
    content: Any,
    *,
    name: str = "材料.pdf",
    headers: dict[str, str] | None = None,
    **said: Any,
) -> httpx.Response:
    """Hand a file in to a case."""
    return await client.post(
        f"/v1/policy/cases/{case['id']}/evidence",
        params={"name": name, **said}, content=content, headers=headers or {},
    )  # fmt: skip
