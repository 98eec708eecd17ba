"""The text of the project names no place that it must not depend on, and promises nothing."""

from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source import REPOSITORY

# In two halves each, so that this file holds none of them.
FORBIDDEN = tuple(
    first + second
    for first, second in (
        # Package registries: a city installs from its own mirror.
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.npm", "js.org"),
        ("npm", "mirror.com"),
        ("mirrors.", "aliyun"),
        ("mirrors.", "tuna"),
        ("tuna.", "tsinghua"),
        ("mirrors.", "ustc"),
        ("mirrors.", "cloud.tencent"),
        ("repo.", "huaweicloud"),
        # Folders of one machine.
        ("/wo", "rk/"),
        ("/ro", "ot/"),
        ("/ho", "me/"),
        # Work that is announced instead of done.
        ("TO", "DO"),
        ("FIX", "ME"),
        ("NotImplemented", "Error"),
    )
)
FILE_BYTES_MAX = 2_000_000
# A longer line was written by a program: the API pages are minified, and not by us.
LINE_CHARACTERS_MAX = 5_000
# Folders that are made, not written.
GENERATED = {"__pycache__", "node_modules", "build", "dist"}
HIDDEN_BUT_OURS = {".ci", ".gitignore"}


def texts(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.iterdir()):
        if path.name in GENERATED or (path.name[0] == "." and path.name not in HIDDEN_BUT_OURS):
            continue
        if path.is_dir():
            yield from ((f"{path.name}/{name}", text) for name, text in texts(path))
        elif (text := written_text(path)) is not None:
            yield path.name, text


def written_text(path: Path) -> str | None:
    """Return the text of a file that somebody wrote, and not that of a picture or a bundle."""
    if path.stat().st_size > FILE_BYTES_MAX:
        return None
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
    is_minified = any(len(line) > LINE_CHARACTERS_MAX for line in text.splitlines())
    return None if is_minified else text


def forbidden_words(root: Path) -> list[str]:
    return [
        f"{name}:{number}: {word}"
        for name, text in texts(root)
        for word in FORBIDDEN
        if word in text
        for number, line in enumerate(text.splitlines(), start=1)
        if word in line
    ]


def test_no_forbidden_word_stands_in_the_project() -> None:
    names = [name for name, _ in texts(REPOSITORY)]

    assert {"Makefile", "pyproject.toml", "requirements.lock", ".ci/run"} <= set(names)
    assert forbidden_words(REPOSITORY) == []


def test_a_forbidden_word_is_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for number, word in enumerate(FORBIDDEN):
        (tmp_path / "docs" / f"{number:02}.md").write_text(f"# Title\n\nSee {word}.\n")

    assert forbidden_words(tmp_path) == [
        f"docs/{number:02}.md:3: {word}" for number, word in enumerate(FORBIDDEN)
    ]
