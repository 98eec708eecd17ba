"""Names of files as people give them: composed, one line, of one part; tricks are refused."""

import unicodedata
from collections.abc import Collection
from pathlib import PurePosixPath

from services.kernel.errors import FieldFault

NAME_CHARS_MAX = 200
# Parts of a path, drives and streams in either system, and what a shell would read as a pattern.
SEPARATORS = frozenset('/\\:*?"<>|')
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
)


def clean_file_name(text: str) -> str:
    """Compose a name (NFC) and join its blanks; refuse paths, devices and what cannot be seen."""
    composed = unicodedata.normalize("NFC", text)
    if any(unicodedata.category(each) in UNSEEN for each in composed):
        raise FieldFault(
            "file-name",
            "文件名含有控制字符或不可见字符；请改名后重新上传。",
            "The file's name holds control or invisible characters; rename it and send it again.",
        )
    name = " ".join(composed.split())
    # A full-width slash looks like a slash, and some systems make one of it.
    folded = unicodedata.normalize("NFKC", name)
    stem = folded.partition(".")[0].strip().lower()
    if SEPARATORS & set(folded) or not stem or stem in DEVICES:
        raise FieldFault(
            "file-name",
            "文件名不得含路径、盘符或保留名称，也不得以“.”开头；请改名后重新上传。",
            "A file's name holds no path, drive or reserved name and does not begin with a dot;"
            " rename it and send it again.",
        )
    if len(name) > NAME_CHARS_MAX:
        raise FieldFault(
            "file-name",
            f"文件名超过{NAME_CHARS_MAX}个字符；请改名后重新上传。",
            f"The file's name has more than {NAME_CHARS_MAX} characters; rename it and send again.",
        )
    return name


def with_suffix_of(name: str, suffixes: Collection[str]) -> str:
    """Let a name end as its content does: `report.exe` that is a PDF becomes `report.exe.pdf`."""
    is_right = PurePosixPath(name).suffix.lower() in suffixes
    return name if is_right else name.rstrip(". ") + next(iter(suffixes))
