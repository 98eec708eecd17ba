"""Whole numbers of an engine, with the bounds that tell how wide they have to be."""

from dataclasses import dataclass, replace
from math import gcd
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from services.rulebook.arithmetic import WHOLE_MAX
from services.rulebook.nodes import FactAt, Grade, Holds, Kind, OnceEver, OnList, Value
from services.rulebook.vocabulary import Fact

E = TypeVar("E")
NARROW_MAX: Final = 2**63 - 1
Asked: TypeAlias = FactAt | Holds | Grade | OnList | OnceEver
Span: TypeAlias = tuple[int, int]


class Algebra(Protocol[E]):
    """What an engine offers. Null is unknown; what is not said to deal with it passes it on."""

    def column(self, node: Asked) -> E: ...

    def literal(self, value: Value, *, wide: bool = False) -> E: ...

    def unknown(self, kind: Kind) -> E: ...

    def resized(self, value: E, *, wide: bool) -> E:
        """Make a whole number 128 bits wide, or 64."""
        ...

    def calculate(self, op: str, left: E, right: E) -> E:
        """Reckon with + - * or //, which rounds down; the divisor is positive or null."""
        ...

    def compare(self, op: str, left: E, right: E) -> E: ...

    def limited(self, word: str, value: E, limit: int, *, wide: bool) -> E:
        """Give the least or the greatest of a value and a number."""
        ...

    def one_of(self, value: E, options: list[Value]) -> E: ...

    def every(self, items: list[E]) -> E:
        """Join by AND in three values."""
        ...

    def some(self, items: list[E]) -> E:
        """Join by OR in three values."""
        ...

    def negated(self, value: E) -> E: ...

    def is_unknown(self, value: E) -> E: ...

    def known(self, value: E, otherwise: E) -> E: ...

    def choose(self, branches: list[tuple[E, E]]) -> E:
        """Take the first branch whose condition is true; null where none is."""
        ...

    def shared(self, value: E) -> E:
        """Compute once what is used more than once."""
        ...


class Overflow(Exception):
    """A whole number that no engine for columns can hold."""


@dataclass(frozen=True, eq=False)
class Whole(Generic[E]):
    """`scale` times a value that lies between `low` and `high`; without a value, the scale."""

    scale: int
    value: E | None = None
    low: int = 1
    high: int = 1
    wide: bool = False

    @property
    def span(self) -> Span:
        ends = (self.scale * self.low, self.scale * self.high)
        return min(ends), max(ends)

    @property
    def spans(self) -> tuple[Span, Span]:
        """Give the bounds without and with the scale: both have to fit."""
        return (self.low, self.high), self.span


@dataclass(frozen=True, eq=False)
class Ratio(Generic[E]):
    """A number as numerator and denominator; the latter is positive, or null where it is zero."""

    top: Whole[E]
    bottom: Whole[E] | None = None


def span_of(fact: Fact) -> Span:
    """Give the bounds of a fact; one without any has 64 bits."""
    low = -NARROW_MAX if fact.low is None else fact.low
    return low, NARROW_MAX if fact.high is None else fact.high


def is_narrow(*spans: Span) -> bool:
    return all(low >= -NARROW_MAX and high <= NARROW_MAX for low, high in spans)


def hull(spans: list[Span]) -> Span:
    return min(low for low, _ in spans), max(high for _, high in spans)


class Reckoner(Generic[E]):
    """Reckons with whole numbers in an algebra, each result as wide as its bounds ask for."""

    def __init__(self, algebra: Algebra[E]) -> None:
        self.algebra = algebra

    def times(self, left: Whole[E], right: Whole[E]) -> Whole[E]:
        scale = left.scale * right.scale
        if left.value is None or right.value is None:
            whole = left if right.value is None else right
            return _fitting(replace(whole, scale=scale))
        corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
        span = (min(corners), max(corners))
        _fitting(Whole(scale, None, *span))
        wide = not is_narrow(span)
        a, b = (self._as_wide(side, wide=wide) for side in (left, right))
        return Whole(scale, self.algebra.calculate("*", a, b), *span, wide)

    def plus(self, op: str, left: Whole[E], right: Whole[E]) -> Whole[E]:
        sign = 1 if op == "+" else -1
        if left.value is None and right.value is None:
            return _fitting(Whole(left.scale + sign * right.scale))
        factor = gcd(left.scale, right.scale) or 1
        left, right = (replace(each, scale=each.scale // factor) for each in (left, right))
        ends = right.span if op == "+" else (-right.span[1], -right.span[0])
        span = (left.span[0] + ends[0], left.span[1] + ends[1])
        _fitting(Whole(factor, None, *span))
        wide = not is_narrow(span, *left.spans, *right.spans)
        a, b = (self.plain(side, wide=wide) for side in (left, right))
        return Whole(factor, self.algebra.calculate(op, a, b), *span, wide)

    def floored(self, top: Whole[E], bottom: Whole[E]) -> Whole[E]:
        """Divide and round down; the divisor is positive or null."""
        factor = gcd(top.scale, bottom.scale) or 1
        top, bottom = (replace(each, scale=each.scale // factor) for each in (top, bottom))
        if bottom.value is None and bottom.scale == 1:
            return top
        least, most = max(1, bottom.span[0]), max(1, bottom.span[1])
        corners = [a // b for a in top.span for b in (least, most)]
        span = (min(corners), max(corners))
        wide = not is_narrow(*top.spans, *bottom.spans)
        a, b = (self.plain(side, wide=wide) for side in (top, bottom))
        value = self.algebra.calculate("//", a, b)
        if wide and is_narrow(span):
            return Whole(1, self.algebra.resized(value, wide=False), *span)
        return Whole(1, value, *span, wide)

    def compare(self, op: str, left: Whole[E], right: Whole[E]) -> E:
        factor = gcd(left.scale, right.scale) or 1
        left, right = (replace(each, scale=each.scale // factor) for each in (left, right))
        wide = not is_narrow(*left.spans, *right.spans)
        a, b = (self.plain(side, wide=wide) for side in (left, right))
        return self.algebra.compare(op, a, b)

    def choose(self, branches: list[tuple[E, Whole[E]]]) -> Whole[E]:
        span = hull([whole.span for _, whole in branches])
        wide = not is_narrow(*(span for _, whole in branches for span in whole.spans))
        written = [(when, self.plain(whole, wide=wide)) for when, whole in branches]
        return Whole(1, self.algebra.choose(written), *span, wide)

    def limited(self, word: str, whole: Whole[E], limit: int) -> Whole[E]:
        pick = min if word == "LEAST" else max
        span = (pick(whole.span[0], limit), pick(whole.span[1], limit))
        wide = not is_narrow(*whole.spans, (limit, limit))
        value = self.algebra.limited(word, self.plain(whole, wide=wide), limit, wide=wide)
        if wide and is_narrow(span):
            return Whole(1, self.algebra.resized(value, wide=False), *span)
        return Whole(1, value, *span, wide)

    def known(self, whole: Whole[E], otherwise: Whole[E]) -> Whole[E]:
        span = hull([whole.span, otherwise.span])
        wide = not is_narrow(*whole.spans, *otherwise.spans)
        a, b = (self.plain(side, wide=wide) for side in (whole, otherwise))
        return Whole(1, self.algebra.known(a, b), *span, wide)

    def shared(self, whole: Whole[E]) -> Whole[E]:
        if whole.value is None:
            return whole
        return replace(whole, value=self.algebra.shared(whole.value))

    def written(self, whole: Whole[E]) -> E:
        """Write the number out as wide as it has to be."""
        return self.plain(whole, wide=not is_narrow(*whole.spans))

    def plain(self, whole: Whole[E], *, wide: bool) -> E:
        """Write the number out, its scale included."""
        if whole.value is None:
            return self.algebra.literal(whole.scale, wide=wide)
        value = self._as_wide(whole, wide=wide)
        if whole.scale == 1:
            return value
        return self.algebra.calculate("*", value, self.algebra.literal(whole.scale, wide=wide))

    def _as_wide(self, whole: Whole[E], *, wide: bool) -> E:
        value = whole.value
        if value is None:
            return self.algebra.literal(1, wide=wide)
        return value if whole.wide is wide else self.algebra.resized(value, wide=wide)


def _fitting(whole: Whole[E]) -> Whole[E]:
    low, high = whole.span
    if max(abs(low), abs(high)) > WHOLE_MAX:
        raise Overflow
    return whole
