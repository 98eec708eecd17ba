"""What of an applicant's facts decides why something is unknown, in a few bits, by columns.

Why a value is unknown (`cause_of`) hangs on which parts of the expression are unknown, which way a
choice went and which divisors are zero, never on how large a number is; and the parts of what is
known are not looked into. Applicants of whom all this is the same lack the same, so the slow
explanation is asked once for all of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

import polars as pl

from services.rulebook.columns.frames import Frames, Staged
from services.rulebook.columns.lowering import Lowering
from services.rulebook.errors import RuleError
from services.rulebook.explain import NEAR_SHARE, NEGATED
from services.rulebook.nodes import (
    Agreed,
    AllOf,
    AnyOf,
    Arithmetic,
    Case,
    Compare,
    Const,
    FactAt,
    Kind,
    Node,
    Tally,
    TallyEnd,
    YearsTotal,
    asks_about_subject,
    children,
    kind_of,
    walk,
)

BITS_IN_A_WORD: Final = 62
ZERO: Final = Const(0, Kind.NUMBER)


@dataclass
class _Part:
    """A part that a cause looks at where one of those above it is unknown; its truth, if asked."""

    node: Node
    above: list[Node] = field(default_factory=list[Node])
    is_truth_asked: bool = False


class Tracer:
    """Writes the bits of expressions; what is seen of a part is one column, whoever asks."""

    def __init__(self, frames: Frames, reader: Lowering[Staged]) -> None:
        self._frames = frames
        self._reader = reader
        self._open: dict[Node, Staged] = {}

    def trace(self, roots: Iterable[Node]) -> tuple[pl.Expr, ...]:
        """Pack into words what the causes of some expressions hang on."""
        bits = [bit for root in roots for bit in self._bits(root)]
        starts = range(0, len(bits), BITS_IN_A_WORD)
        return tuple(_packed(bits[start : start + BITS_IN_A_WORD]) for start in starts)

    def may_be_near(self, node: Node) -> pl.Expr:
        """Tell whether a failed condition can have failed narrowly: a number in it is near one."""
        near = [self._is_close(part) for part in walk(node) if isinstance(part, Compare)]
        found = [each.expr.fill_null(value=False) for each in near if each is not None]
        return pl.any_horizontal(found) if found else pl.lit(value=False)

    def _is_close(self, node: Compare) -> Staged | None:
        if node.op not in NEGATED or kind_of(node.left) is not Kind.NUMBER:
            return None
        actual, threshold = node.left, node.right
        if asks_about_subject(threshold) and not asks_about_subject(actual):
            actual, threshold = threshold, actual
        less, more = (_times(threshold, 1 + sign * NEAR_SHARE) for sign in (-1, 1))
        above = (Compare(">=", actual, less), Compare("<=", actual, more))
        below = (Compare(">=", actual, more), Compare("<=", actual, less))
        # A threshold of zero has no share of it.
        close = AllOf((Compare("<>", threshold, ZERO), AnyOf((AllOf(above), AllOf(below)))))
        try:
            return self._reader.value(close)
        except RuleError:
            # Wider than the engine can hold: whoever asks has to look for himself.
            return Staged(pl.lit(value=True))

    def _bits(self, root: Node) -> Iterator[pl.Expr]:
        for part in _Parts(root).found.values():
            seen = [self._is_open(part.node)]
            if part.is_truth_asked:
                seen.append(self._reader.value(part.node).expr.fill_null(value=False))
            if part.above:
                above = pl.any_horizontal([self._is_open(node) for node in part.above])
                seen = [above & each for each in seen]
            yield from seen

    def _is_open(self, node: Node) -> pl.Expr:
        if node not in self._open:
            self._open[node] = self._frames.shared(self._unknown(node))
        return self._open[node].expr

    def _unknown(self, node: Node) -> Staged:
        if kind_of(node) is not Kind.NUMBER:
            return self._frames.is_unknown(self._reader.value(node))
        ratio = self._reader.number(node)
        wholes = [ratio.top, *([ratio.bottom] if ratio.bottom else [])]
        values = [each.value for each in wholes if each.value is not None]
        lacking = [self._frames.is_unknown(value) for value in values]
        return self._frames.some(lacking) if lacking else Staged(pl.lit(value=False))


class _Parts:
    """What a cause looks at and what differs from one applicant to another, from above."""

    def __init__(self, root: Node) -> None:
        self.found: dict[Node, _Part] = {}
        self._add(root)

    def _add(self, node: Node, above: Node | None = None, *, is_truth_asked: bool = False) -> None:
        if not asks_about_subject(node):
            return
        is_new = node not in self.found
        part = self.found.setdefault(node, _Part(node))
        part.is_truth_asked |= is_truth_asked
        if above is not None:
            part.above.append(above)
        if is_new:
            self._look_into(node)

    def _look_into(self, node: Node) -> None:
        for child in children(node):
            self._add(child, node)
        match node:
            case YearsTotal(name, years):
                for back in range(years):
                    self._add(FactAt(name, Kind.NUMBER, back), node)
            case Arithmetic("/", _, right):
                self._add(Compare("=", right, ZERO), node, is_truth_asked=True)
            case Case(branches):
                for condition, _ in branches:
                    self._add(condition, node, is_truth_asked=True)
            case Agreed():
                for end in (part for part in walk(node) if isinstance(part, TallyEnd)):
                    self._count(end.tally, node)
            case _:
                pass

    def _count(self, tally: Tally, above: Node) -> None:
        same = Compare("=", tally.low, tally.high)
        self._add(same, above, is_truth_asked=True)
        for asked in (tally.low, tally.high, *tally.asks):
            self._add(asked, above)
        for part in tally.parts:
            self._count(part, above)


def _times(node: Node, factor: Fraction) -> Node:
    return Arithmetic("*", node, Const(factor, Kind.NUMBER))


def _packed(bits: list[pl.Expr]) -> pl.Expr:
    return pl.sum_horizontal([bit.cast(pl.UInt64) * 2**place for place, bit in enumerate(bits)])
