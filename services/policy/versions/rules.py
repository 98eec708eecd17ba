"""What changed between two wordings of a rule, told by the ids of its parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from services.rulebook.errors import pointer_to

ABSENT: Final = object()


@dataclass(frozen=True)
class Change:
    """A value that differs; None stands for what is not there, as the language has no null text."""

    pointer: str
    before: Any
    after: Any


def changes(before: Any, after: Any) -> list[Change]:
    """Compare two rules; conditions and other parts with an id are told apart by it.

    A part that was only moved has not changed: the order of conditions decides nothing.
    """
    return list(_changes(before, after, ""))


def _changes(before: Any, after: Any, pointer: str) -> Iterator[Change]:
    left, right = _parts(before), _parts(after)
    if left is None or right is None:
        if before != after:
            yield Change(
                pointer, None if before is ABSENT else before, None if after is ABSENT else after
            )
        return
    for name in [*left, *(name for name in right if name not in left)]:
        place = pointer + pointer_to(name)
        yield from _changes(left.get(name, ABSENT), right.get(name, ABSENT), place)


def _parts(value: Any) -> Mapping[str, Any] | None:
    """Give the named parts of a value: an object's members, or a list's entries by their id."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    if isinstance(value, list):
        entries = cast("list[Any]", value)
        names = [_name(entry) for entry in entries]
        if None not in names and len(set(names)) == len(names):
            return dict(zip(cast("list[str]", names), entries, strict=True))
    return None


def _name(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return None
    part = cast("dict[str, Any]", entry)
    name = part.get("id", part.get("name"))
    return name if isinstance(name, str) else None
