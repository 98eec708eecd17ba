"""From a scoring table to nodes: the least and the most that each part can come to.

What is unknown leaves the range that its part can still have. Whatever can be above the pass line
with its low end is above, below it with its high end is below, and unknown between.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

from services.rulebook.arithmetic import joined_by, number
from services.rulebook.columns.widths import check_width
from services.rulebook.errors import Issue, RuleError, pointer_to
from services.rulebook.nodes import Case, Compare, Const, Extreme, Known, Node, Tally
from services.rulebook.parse import parse_points
from services.rulebook.scoring import Band, Item, Score, expression_name
from services.rulebook.terms import Read
from services.rulebook.vocabulary import Vocabulary

TOTAL = "score"


@dataclass(frozen=True)
class Sheet:
    """A scoring table, parsed: the total, and each part under the name expressions call it by."""

    total: Tally
    parts: tuple[Tally, ...]

    @property
    def by_name(self) -> Mapping[str, Tally]:
        return {tally.name: tally for tally in (self.total, *self.parts)}


def read_sheet(score: Score, read: Read) -> Sheet:
    """Parse every expression of the table; faults go where `read` collects them."""
    parts = [
        replace(
            _tally(item, pointer_to("score", "parts", index), read), name=expression_name(item.id)
        )
        for index, item in enumerate(score.parts)
    ]
    total = _summed(TOTAL, parts, cap=score.max)
    return Sheet(total, tuple(parts))


def name_clashes(sheet: Sheet, vocabulary: Vocabulary, where: str) -> Iterator[Issue]:
    """Name the parts that an expression could not tell from a fact."""
    for index, part in enumerate(sheet.parts):
        if part.name in vocabulary:
            pointer, allowed = pointer_to("score", "parts", index, "id"), "an id that is no fact"
            yield Issue("duplicate", pointer, part.name, allowed, where=where)


def width_issues(
    sheet: Sheet, vocabulary: Vocabulary, bounds: Mapping[str, tuple[int, int]], where: str
) -> Iterator[Issue]:
    """Name the parts whose points could not be reckoned exactly."""
    for index, part in enumerate(sheet.parts):
        try:
            check_width(part.points, vocabulary, bounds, part.name)
        except RuleError as error:
            pointer = pointer_to("score", "parts", index)
            yield from error.within(where=where, pointer=pointer).issues


def _tally(item: Item, pointer: str, read: Read) -> Tally:
    if item.items:
        parts = [_tally(i, f"{pointer}/items/{n}", read) for n, i in enumerate(item.items)]
        return _summed(item.id, parts, cap=item.max)
    if item.best_of:
        parts = [_tally(i, f"{pointer}/best_of/{n}", read) for n, i in enumerate(item.best_of)]
        low, high = (_extreme("GREATEST", ends) for ends in _ends(parts))
        return Tally(item.id, low, high, parts=tuple(parts))
    if item.points is not None:
        points = read(parse_points, item.points, f"{pointer}/points")
        return _open(item, points, _whole(0), _whole(item.max))
    low, high = _whole(0), _whole(item.max)
    asks: tuple[Node, ...] = ()
    if item.of is not None and (subject := read(parse_points, item.of, f"{pointer}/of")):
        low, high = _banded(subject, item.bands)
        asks = (subject,)
    if item.judged is None:
        return Tally(item.id, low, high, asks=asks)
    judged = _open(item, read(parse_points, item.judged, f"{pointer}/judged"), low, high)
    return replace(judged, asks=(*asks, *judged.asks))


def _banded(subject: Node, bands: tuple[Band, ...]) -> tuple[Node, Node]:
    """Look the number up in its bands; an unknown one may lie in any of them."""
    lows, highs = zip(*(band.span for band in bands), strict=True)
    return (
        Known(_looked_up(subject, bands, lows), _whole(min(lows))),
        Known(_looked_up(subject, bands, highs), _whole(max(highs))),
    )


def _looked_up(subject: Node, bands: Sequence[Band], points: Sequence[int]) -> Node:
    """Find the band; of a choice, each way is looked up: points agree more often than numbers."""
    if isinstance(subject, Case):
        branches = [(when, _looked_up(each, bands, points)) for when, each in subject.branches]
        return Case(tuple(branches), _looked_up(subject.otherwise, bands, points))
    if isinstance(subject, Const):
        value = Fraction(cast("Fraction", subject.value))
        return next(_whole(p) for band, p in zip(bands, points, strict=True) if band.admits(value))
    found = [
        (_reaches(subject, band), _whole(p)) for band, p in zip(bands[:-1], points, strict=False)
    ]
    return Case(tuple(found), _whole(points[-1]))


def _reaches(subject: Node, band: Band) -> Compare:
    bound = number(Fraction(band.bound or 0))
    return Compare(">" if band.is_exclusive else ">=", subject, bound)


def _open(item: Item, points: Node | None, low: Node, high: Node) -> Tally:
    """Take the points given, within the range; without any, the range."""
    if points is None:
        return Tally(item.id, low, high)
    ends = [
        _extreme("GREATEST", [low, _extreme("LEAST", [high, Known(points, end)])])
        for end in (low, high)
    ]
    return Tally(item.id, ends[0], ends[1], asks=(points,))


def _summed(name: str, parts: list[Tally], *, cap: int | None) -> Tally:
    ends: list[Node] = []
    for nodes in _ends(parts):
        total = nodes[0]
        for node in nodes[1:]:
            total = joined_by("+", total, node)
        ends.append(total if cap is None else _extreme("LEAST", [total, _whole(cap)]))
    return Tally(name, ends[0], ends[1], parts=tuple(parts))


def _ends(parts: list[Tally]) -> tuple[list[Node], list[Node]]:
    return [part.low for part in parts], [part.high for part in parts]


def _extreme(word: Any, items: list[Node]) -> Node:
    constants = [cast("Fraction", item.value) for item in items if isinstance(item, Const)]
    if len(constants) == len(items):
        return number(Fraction((min if word == "LEAST" else max)(constants)))
    return items[0] if len(items) == 1 else Extreme(word, tuple(items))


def _whole(value: int) -> Const:
    return number(Fraction(value))
