"""Exact ratios over an algebra: multiplied out, never divided on the way to an outcome."""

from dataclasses import replace
from fractions import Fraction
from math import gcd, lcm
from typing import Any, Generic, TypeVar

from services.rulebook.columns.whole import Algebra, Ratio, Reckoner, Whole
from services.rulebook.evaluate import COMPARE

E = TypeVar("E")


class Ratios(Generic[E]):
    """Reckons with pairs of whole numbers.

    Denominators are made positive where the bounds do not say that they are, and null where they
    are zero.
    """

    def __init__(self, algebra: Algebra[E], reckoner: Reckoner[E]) -> None:
        self.algebra = algebra
        self.reckoner = reckoner

    def ordered(self, op: str, left: Ratio[E], right: Ratio[E]) -> E:
        """Compare a/b with c/d, both denominators positive, as ad with cb."""
        a, b = left.top, right.top
        if left.bottom is not right.bottom:
            a = self.reckoner.times(a, right.bottom) if right.bottom else a
            b = self.reckoner.times(b, left.bottom) if left.bottom else b
        if a.value is None and b.value is None:
            return self.algebra.literal(COMPARE[op](a.scale, b.scale))
        return self.reckoner.compare(op, a, b)

    def product(self, left: Ratio[E], right: Ratio[E]) -> Ratio[E]:
        top = self.reckoner.times(left.top, right.top)
        if left.bottom is None or right.bottom is None:
            return _reduced(Ratio(top, left.bottom or right.bottom))
        return _reduced(Ratio(top, self.reckoner.times(left.bottom, right.bottom)))

    def inverse(self, ratio: Ratio[E]) -> Ratio[E]:
        """Turn a/b into b/a, the new denominator positive, or null where it would be zero."""
        top, bottom = ratio.top, ratio.bottom or Whole[E](1)
        if top.value is None:
            sign = -1 if top.scale < 0 else 1
            return Ratio(_scaled(bottom, sign), Whole(abs(top.scale)))
        low, high = top.span
        if low > 0:
            return Ratio(bottom, top)
        if low == 0:
            return Ratio(bottom, self._where(top, ">", top))
        negative = _scaled(top, -1)
        if high <= 0:
            return Ratio(_scaled(bottom, -1), self._where(top, "<", negative))
        signs = [(">", Whole[E](1), top), ("<", Whole[E](-1), negative)]
        zero = Whole[E](0)
        sides = [(self.reckoner.compare(op, top, zero), sign, size) for op, sign, size in signs]
        sign = self.reckoner.choose([(side, each) for side, each, _ in sides])
        size = self.reckoner.choose([(side, each) for side, _, each in sides])
        return Ratio(self.reckoner.times(bottom, sign), _at_least_one(size))

    def _where(self, top: Whole[E], op: str, size: Whole[E]) -> Whole[E]:
        is_so = self.reckoner.compare(op, top, Whole(0))
        return _at_least_one(self.reckoner.choose([(is_so, size)]))

    def sum(self, op: str, left: Ratio[E], right: Ratio[E]) -> Ratio[E]:
        bottom = _common(left.bottom, right.bottom)
        if bottom is not None:
            over = Whole[E](bottom)
            a = _scaled(left.top, bottom // (left.bottom.scale if left.bottom else 1))
            b = _scaled(right.top, bottom // (right.bottom.scale if right.bottom else 1))
            top = self.reckoner.plus(op, a, b)
            return Ratio(top) if bottom == 1 else Ratio(top, over)
        if left.bottom is right.bottom:
            return Ratio(self.reckoner.plus(op, left.top, right.top), left.bottom)
        one = Whole[E](1)
        b, d = left.bottom or one, right.bottom or one
        a, c = self.reckoner.times(left.top, d), self.reckoner.times(right.top, b)
        return Ratio(self.reckoner.plus(op, a, c), self.reckoner.times(b, d))

    def better(self, word: Any, one: Ratio[E], other: Ratio[E]) -> Ratio[E]:
        if one.bottom is None and other.bottom is None and other.top.value is None:
            if one.top.value is None:
                pick = min if word == "LEAST" else max
                return Ratio(Whole(pick(one.top.scale, other.top.scale)))
            return Ratio(self.reckoner.limited(word, one.top, other.top.scale))
        first, second = ("<=", ">") if word == "LEAST" else (">=", "<")
        sides = [
            (self.ordered(first, one, other), one),
            (self.ordered(second, one, other), other),
        ]
        return self.choose(sides)

    def known(self, ratio: Ratio[E], otherwise: Ratio[E]) -> Ratio[E]:
        if ratio.bottom is None and otherwise.bottom is None:
            return Ratio(self.reckoner.known(ratio.top, otherwise.top))
        is_open = self.ordered("=", ratio, ratio)
        lacks = self.algebra.is_unknown(is_open)
        return self.choose([(is_open, ratio), (lacks, otherwise)])

    def choose(self, branches: list[tuple[E, Ratio[E]]]) -> Ratio[E]:
        tops = self.reckoner.choose([(when, each.top) for when, each in branches])
        if all(each.bottom is None for _, each in branches):
            return Ratio(tops)
        bottoms = [(when, each.bottom or Whole[E](1)) for when, each in branches]
        return Ratio(tops, _at_least_one(self.reckoner.choose(bottoms)))

    def shared(self, ratio: Ratio[E]) -> Ratio[E]:
        bottom = ratio.bottom and self.reckoner.shared(ratio.bottom)
        return Ratio(self.reckoner.shared(ratio.top), bottom)


def ratio_of(value: Fraction | int) -> Ratio[Any]:
    exact = Fraction(value)
    return Ratio(
        Whole(exact.numerator), None if exact.denominator == 1 else Whole(exact.denominator)
    )


def _scaled(whole: Whole[E], factor: int) -> Whole[E]:
    return replace(whole, scale=whole.scale * factor)


def _at_least_one(size: Whole[E]) -> Whole[E]:
    return replace(size, low=max(1, size.low), high=max(1, size.high))


def _reduced(ratio: Ratio[E]) -> Ratio[E]:
    """Cancel what numerator and denominator have in common as written."""
    top, bottom = ratio.top, ratio.bottom
    if bottom is None:
        return ratio
    factor = gcd(top.scale, bottom.scale)
    top, bottom = (replace(each, scale=each.scale // factor) for each in (top, bottom))
    return Ratio(top, None if bottom.value is None and bottom.scale == 1 else bottom)


def _common(one: Whole[E] | None, other: Whole[E] | None) -> int | None:
    """Give the least common denominator where both are written as numbers."""
    written = [each for each in (one, other) if each is not None]
    if any(each.value is not None for each in written):
        return None
    return lcm(*(each.scale for each in written))
