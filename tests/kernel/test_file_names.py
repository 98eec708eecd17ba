"""Names of files: what is composed, what is refused, and how a name ends."""

import pytest

from services.kernel.errors import FieldFault
from services.kernel.file_names import NAME_CHARS_MAX, clean_file_name, with_suffix_of


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("审计报告.pdf", "审计报告.pdf"),
        ("  a   b .pdf ", "a b .pdf"),
        ("cafe\u0301.pdf", "café.pdf"),
        ("a..b.pdf", "a..b.pdf"),
        ("x" * NAME_CHARS_MAX, "x" * NAME_CHARS_MAX),
    ],
)
def test_a_name_is_composed(given: str, kept: str) -> None:
    assert clean_file_name(given) == kept


@pytest.mark.parametrize(
    "name",
    [
        "", "   ", ".", "..", "../x", "../../etc/passwd", "a/b.pdf", "a\\b.pdf", "C:\\x.pdf",
        "x.pdf:stream", ".htaccess", "con", "NUL.pdf", "com1.txt", "a\nb.pdf", "a\x00.pdf",
        "a\u202efdp.exe", "a\u200bb.pdf", "．．／x", "a／b.pdf", 'a"b.pdf', "a*.pdf",
        "x" * (NAME_CHARS_MAX + 1),
    ],
)  # fmt: skip
def test_a_trick_is_refused(name: str) -> None:
    with pytest.raises(FieldFault) as caught:
        clean_file_name(name)
    assert caught.value.code == "file-name"


@pytest.mark.parametrize(
    ("name", "ended"),
    [("a.PDF", "a.PDF"), ("a.exe", "a.exe.pdf"), ("a", "a.pdf"), ("a.", "a.pdf")],
)
def test_a_name_ends_as_its_content_does(name: str, ended: str) -> None:
    assert with_suffix_of(name, (".pdf",)) == ended
