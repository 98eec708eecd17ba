"""Reads the project's own source for the architecture tests."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """A Python file, named by its path inside the project."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    def at(self, node: ast.AST, finding: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', '?')}: {finding}"


Check = Callable[[Source], Iterator[str]]


def sources(*patterns: str, root: Path = REPOSITORY) -> list[Source]:
    """Read the files that match one of the patterns, such as `services/**/*.py`."""
    paths = {path for pattern in patterns for path in root.glob(pattern) if path.is_file()}
    return [Source(str(path.relative_to(root)), path.read_text()) for path in sorted(paths)]


def findings(check: Check, looked_at: list[Source]) -> list[str]:
    """Apply a check to files, of which there has to be one at least."""
    assert looked_at, "The check looked at nothing."
    return [finding for source in looked_at for finding in check(source)]


def planted(tmp_path: Path, path: str, text: str) -> list[Source]:
    """Plant a violation in a tree of its own and read it back as the project is read."""
    place = tmp_path / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return sources("**/*.py", root=tmp_path)


def dotted(node: ast.AST) -> str:
    """Return `a.b.c` for a chain of names, and what is known of one that begins otherwise."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Return each import of a file as a dotted name: `a.b` for `from a import b`."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            dots = "." * node.level
            yield from ((node, f"{dots}{node.module or ''}.{alias.name}") for alias in node.names)
