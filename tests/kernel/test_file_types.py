"""What a file is, by its content alone; each thing that it must not be has its own refusal."""

import struct
import zipfile
from pathlib import Path

import pytest

from services.kernel.archives import MEMBERS_MAX, RATIO_MAX, UNPACKED_BYTES_MAX
from services.kernel.errors import Refusal
from services.kernel.file_types import FileType, type_of
from tests.policy.files import JPEG, PDF, PNG, docx, ofd, packed, xlsx

MIB = 1024 * 1024
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-" + rb"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def judged(folder: Path, content: bytes) -> FileType | tuple[int, str]:
    """Give what a file is taken for, or the refusal."""
    path = folder / "file"
    path.write_bytes(content)
    try:
        return type_of(path)
    except Refusal as refusal:
        return refusal.status, refusal.code


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (PDF, FileType.PDF),
        (PNG, FileType.PNG),
        (JPEG, FileType.JPEG),
        (ofd(), FileType.OFD),
        (xlsx(), FileType.XLSX),
        (docx(), FileType.DOCX),
        ("序号,金额\n1,2\n".encode(), FileType.TEXT),
        ("\ufeff序号,金额\r\n1,2\r\n".encode(), FileType.TEXT),
        ("序号,金额\n1,2\n".encode("gb18030"), FileType.TEXT),
    ],
)
def test_what_is_taken(tmp_path: Path, content: bytes, expected: FileType) -> None:
    assert judged(tmp_path, content) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00" + bytes(200),
        b"\x7fELF" + bytes(200),
        b"GIF89a" + bytes(20),
        b"7z\xbc\xaf\x27\x1c" + bytes(20),
        b"Rar!\x1a\x07\x01\x00" + bytes(20),
        OLD,
        b" \n<!doctype html><script>alert(1)</script>",
        b"\xef\xbb\xbf<svg onload='x'/>",
        b"#!/bin/sh\nrm -rf x\n",
        b"{\\rtf1}",
        b"\n%PDF-1.7 behind a line\n%%EOF",
        "UTF-16".encode("utf-16"),
        b"\xff\xff\xfe\xfd text that no encoding has",
        packed({"a.txt": b"x"}),
        packed({"OFD.xml": b"<o/>", "word/document.xml": b"<w/>"}),
        docx(**{"word/vbaProject.bin": b"macro"}),
    ],
)
def test_what_is_of_another_type(tmp_path: Path, content: bytes) -> None:
    found = judged(tmp_path, content)
    assert found in ((415, "file-type"), (415, "file-macros"))


def test_macros_are_named(tmp_path: Path) -> None:
    assert judged(tmp_path, xlsx(**{"xl/vbaProject.bin": b"x"})) == (415, "file-macros")


@pytest.mark.parametrize(
    "trailer",
    [
        b"trailer << /Root 1 0 R /Encrypt 5 0 R >>",
        b"trailer << /Root 1 0 R /Encrypt<</V 4>> >>",
        b"trailer << /#45ncrypt 5 0 R >>",
        b"trailer << /Encr#79pt\n5 0 R >>",
        b"9 0 obj << /Type /XRef /Encrypt%x\n 5 0 R >> stream",
    ],
)
def test_a_locked_pdf(tmp_path: Path, trailer: bytes) -> None:
    content = b"%PDF-1.7\n" + trailer + b"\n%%EOF\n"
    assert judged(tmp_path, content) == (422, "file-encrypted")


def test_a_pdf_that_only_speaks_of_locks_is_taken(tmp_path: Path) -> None:
    content = b"%PDF-1.7\n<< /EncryptMetadata false /Encrypted (x) >>\n%%EOF\n"
    assert judged(tmp_path, content) is FileType.PDF


def test_a_pdf_without_its_end(tmp_path: Path) -> None:
    assert judged(tmp_path, PDF[:-7]) == (422, "file-broken")
    assert judged(tmp_path, PDF + b" " * 2040) is FileType.PDF
    assert judged(tmp_path, PDF + b" " * 2048) == (422, "file-broken")


def locked(content: bytes) -> bytes:
    """Set the flag of encryption where both headers of a member bear it."""
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.find(mark) + at
        content = content[:place] + struct.pack("<H", 1) + content[place + 2 :]
    return content


def test_a_locked_archive(tmp_path: Path) -> None:
    assert judged(tmp_path, locked(xlsx())) == (422, "file-encrypted")
    assert judged(tmp_path, OLD + "EncryptedPackage".encode("utf-16-le")) == (422, "file-encrypted")


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "..\\x", "C:x", "word/\x07x", "..", "a/.."]
)
def test_names_that_lead_out_of_an_archive(tmp_path: Path, name: str) -> None:
    assert judged(tmp_path, ofd(**{name: b"x"})) == (422, "archive-names")


def test_a_name_twice_in_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "made", "w") as archive:
        archive.writestr("OFD.xml", b"<o/>")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("OFD.xml", b"<p/>")
    assert judged(tmp_path, (tmp_path / "made").read_bytes()) == (422, "archive-names")


def test_a_bomb_by_what_it_says(tmp_path: Path) -> None:
    assert judged(tmp_path, xlsx(**{"xl/sheet.xml": bytes(64 * MIB)})) == (422, "file-bomb")
    many = {f"d/{n}": b"" for n in range(MEMBERS_MAX)}
    assert judged(tmp_path, ofd(**many)) == (422, "file-bomb")


def test_what_is_packed_well_is_no_bomb(tmp_path: Path) -> None:
    assert judged(tmp_path, xlsx(**{"xl/sheet.xml": bytes(MIB - 100)})) is FileType.XLSX
    assert RATIO_MAX * len(xlsx(**{"xl/sheet.xml": bytes(MIB)})) < MIB


def test_a_member_that_lies_about_its_size(tmp_path: Path) -> None:
    """It says 100 bytes and unpacks to 300 MiB: no more than it says is ever unpacked."""
    bomb = xlsx(**{"xl/sheet.xml": bytes(UNPACKED_BYTES_MAX + MIB)})
    size = struct.pack("<L", UNPACKED_BYTES_MAX + MIB)
    assert bomb.count(size) == 2
    assert judged(tmp_path, bomb.replace(size, struct.pack("<L", 100))) == (422, "file-broken")


def test_an_archive_with_something_before_or_behind_it(tmp_path: Path) -> None:
    whole = ofd()
    assert judged(tmp_path, whole + b"MZ") == (422, "file-broken")
    assert judged(tmp_path, whole[:-1]) == (422, "file-broken")
    assert judged(tmp_path, b"PK\x03\x04" + whole) == (422, "file-broken")
    assert judged(tmp_path, b"PK\x03\x04") == (422, "file-broken")


def test_a_directory_that_would_fill_the_memory_is_not_read(tmp_path: Path) -> None:
    whole = ofd()
    end = bytearray(whole[-22:])
    filler = bytes(3 * MIB)
    start = len(whole) - 22
    end[12:16], end[16:20] = struct.pack("<L", len(filler)), struct.pack("<L", start)
    assert judged(tmp_path, whole[:-22] + filler + bytes(end)) == (422, "file-bomb")


def test_the_signature_of_malware_wherever_it_is(tmp_path: Path) -> None:
    infected = (422, "file-infected")
    assert judged(tmp_path, EICAR) == infected
    assert judged(tmp_path, PDF + EICAR + b"%%EOF") == infected
    assert judged(tmp_path, docx(**{"word/embeddings/x": EICAR})) == infected
    # Split between two pieces of what is unpacked.
    split = bytes(range(256)) * 1024
    assert judged(tmp_path, docx(**{"word/media/x": split[:-30] + EICAR})) == infected
    assert judged(tmp_path, docx(**{"word/media/x": split[:-30] + EICAR[:-1]})) is FileType.DOCX
