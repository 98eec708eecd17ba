"""From nodes to columns: exact ratios as pairs, conditions in three values, the same everywhere.

A comparison of ratios is multiplied out, so that no engine divides on the way to an outcome; the
denominators are made positive where the bounds do not say that they are, and null where they are
zero. Where a number may be wider than the widest integer, the rule is refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import reduce
from math import gcd, lcm
from typing import Any, Final, Generic, TypeVar, cast

from services.rulebook.columns.whole import (
    NARROW_MAX,
    Algebra,
    Overflow,
    Ratio,
    Reckoner,
    Span,
    Whole,
)
from services.rulebook.errors import Issue, RuleError
from services.rulebook.evaluate import COMPARE
from services.rulebook.nodes import (
    Agreed,
    AllOf,
    AnyOf,
    Arithmetic,
    Case,
    Compare,
    Const,
    Extreme,
    FactAt,
    Floor,
    IsUnknown,
    Kind,
    Known,
    Node,
    Not,
    OnceEver,
    OneOf,
    Parameter,
    TallyEnd,
    Value,
    YearsTotal,
    children,
    kind_of,
    sql_text,
)
from services.rulebook.vocabulary import Fact

E = TypeVar("E")
T = TypeVar("T")
LEAVES: Final = (Const, FactAt, Parameter, TallyEnd)
ALLOWED: Final = "whole numbers of at most 38 digits on the way; bound the fact or the parameter"


class Lowering(Generic[E]):
    """Reads nodes into one algebra, each distinct node once.

    `numbers` gives each parameter by name: its value, or its bounds where only widths are asked.
    """

    def __init__(
        self,
        algebra: Algebra[E],
        facts: Mapping[str, Fact],
        numbers: Mapping[str, Whole[E]],
        repeated: frozenset[Node] = frozenset(),
    ) -> None:
        self.algebra = algebra
        self.reckoner = Reckoner(algebra)
        self.facts = facts
        self.numbers = numbers
        self.repeated = repeated
        self._plain: dict[Node, E] = {}
        self._ratios: dict[Node, Ratio[E]] = {}
        self._values = Way[E, E](
            self.value, lambda a, b: algebra.compare("=", a, b), algebra.choose, algebra.shared
        )
        self._numbers = Way[E, Ratio[E]](
            self.number, lambda a, b: self._ordered("=", a, b), self._choose, self._shared
        )

    def value(self, node: Node) -> E:
        """Read a condition, a text or a day."""
        if node not in self._plain:
            value = self._value(node)
            self._plain[node] = self.algebra.shared(value) if node in self.repeated else value
        return self._plain[node]

    def fen(self, node: Node) -> Whole[E]:
        """Read an amount: rounded down to the fen, never below zero."""
        whole = self.number(Floor(node)).top
        return whole if whole.span[0] >= 0 else self.reckoner.limited("GREATEST", whole, 0)

    def number(self, node: Node) -> Ratio[E]:
        """Read a number as an exact ratio."""
        if node not in self._ratios:
            try:
                ratio = self._ratio(node)
            except Overflow:
                raise _too_wide(sql_text(node)) from None
            self._ratios[node] = self._shared(ratio) if node in self.repeated else ratio
        return self._ratios[node]

    def _value(self, node: Node) -> E:
        match node:
            case Const(value):
                return self.algebra.literal(value)
            case Not(operand):
                return self.algebra.negated(self.value(operand))
            case AllOf(items):
                return self.algebra.every([self.value(item) for item in items])
            case AnyOf(items):
                return self.algebra.some([self.value(item) for item in items])
            case Compare():
                return self._compare(node)
            case IsUnknown(operand):
                return self.algebra.is_unknown(self._whatever(operand))
            case OneOf(operand, options):
                return self._one_of(operand, [option.value for option in options])
            case _:
                return self._chosen_value(node)

    def _chosen_value(self, node: Node) -> E:
        match node:
            case Case(branches, otherwise):
                return self._case(branches, otherwise, self._values)
            case Agreed(first, second):
                one, other = self.value(first), self.value(second)
                return self.algebra.choose([(self.algebra.compare("=", one, other), one)])
            case Known(operand, otherwise):
                return self.algebra.known(self.value(operand), self.value(otherwise))
            case OnceEver():
                won = self.algebra.known(
                    self.algebra.column(node), self.algebra.literal(value=False)
                )
                return self.algebra.negated(won)
            case _:
                return self.algebra.column(cast("Any", node))

    def _whatever(self, node: Node) -> E:
        """Read a fact of any kind, to ask whether it is known."""
        if kind_of(node) is not Kind.NUMBER:
            return self.value(node)
        whole = self.number(node).top
        return self.reckoner.plain(whole, wide=whole.wide)

    def _compare(self, node: Compare) -> E:
        if kind_of(node.left) is not Kind.NUMBER:
            return self.algebra.compare(node.op, self.value(node.left), self.value(node.right))
        left, right = self.number(node.left), self.number(node.right)
        return self._fitting(node, left, right, lambda: self._ordered(node.op, left, right))

    def _ordered(self, op: str, left: Ratio[E], right: Ratio[E]) -> E:
        """Compare a/b with c/d, both denominators positive, as ad with cb."""
        a, b = left.top, right.top
        if left.bottom is not right.bottom:
            a = self.reckoner.times(a, right.bottom) if right.bottom else a
            b = self.reckoner.times(b, left.bottom) if left.bottom else b
        if a.value is None and b.value is None:
            return self.algebra.literal(COMPARE[op](a.scale, b.scale))
        return self.reckoner.compare(op, a, b)

    def _one_of(self, operand: Node, options: list[Value]) -> E:
        if kind_of(operand) is not Kind.NUMBER:
            return self.algebra.one_of(self.value(operand), options)
        ratio = self.number(operand)
        found = [self._ordered("=", ratio, _ratio_of(cast("Fraction", each))) for each in options]
        return self.algebra.some(found)

    def _ratio(self, node: Node) -> Ratio[E]:
        match node:
            case Const(value):
                return _ratio_of(cast("Fraction", value))
            case FactAt(name):
                span = self._span(name)
                return Ratio(Whole(1, self.algebra.column(node), *span))
            case Parameter(name):
                return Ratio(self.numbers[name])
            case YearsTotal():
                return self._years(node)
            case Arithmetic():
                return self._arithmetic(node)
            case TallyEnd(value=value):
                return self.number(value)
            case _:
                return self._chosen_number(node)

    def _chosen_number(self, node: Node) -> Ratio[E]:
        match node:
            case Floor(Extreme(word, items)):
                # The least floor is the floor of the least.
                return self._extreme(node, word, [self.number(Floor(item)) for item in items])
            case Floor(operand):
                ratio = self.number(operand)
                if ratio.bottom is None:
                    return ratio
                return Ratio(self.reckoner.floored(ratio.top, ratio.bottom))
            case Extreme(word, items):
                return self._extreme(node, word, [self.number(item) for item in items])
            case Case(branches, otherwise):
                return self._case(branches, otherwise, self._numbers)
            case Agreed(first, second):
                one, other = self.number(first), self.number(second)
                return self._choose([(self._ordered("=", one, other), one)])
            case Known(operand, otherwise):
                return self._known(self.number(operand), self.number(otherwise))
            case _:
                raise TypeError(f"{type(node).__name__} is no number")

    def _span(self, name: str) -> Span:
        fact = self.facts[name]
        return (
            -NARROW_MAX if fact.low is None else fact.low,
            NARROW_MAX if fact.high is None else fact.high,
        )

    def _years(self, node: YearsTotal) -> Ratio[E]:
        facts = [FactAt(node.name, Kind.NUMBER, back) for back in range(node.years)]
        known = [self.number(fact).top for fact in facts]
        total = reduce(lambda a, b: self.reckoner.plus("+", a, b), known)
        return Ratio(total, Whole(node.years) if node.average and node.years > 1 else None)

    def _arithmetic(self, node: Arithmetic) -> Ratio[E]:
        left, right = self.number(node.left), self.number(node.right)
        joined: Mapping[str, Callable[[], Ratio[E]]] = {
            "*": lambda: self._product(left, right),
            "/": lambda: self._product(left, self._inverse(right)),
        }
        summed = joined.get(node.op, lambda: self._sum(node.op, left, right))
        return self._fitting(node, left, right, summed)

    def _product(self, left: Ratio[E], right: Ratio[E]) -> Ratio[E]:
        top = self.reckoner.times(left.top, right.top)
        if left.bottom is None or right.bottom is None:
            return _reduced(Ratio(top, left.bottom or right.bottom))
        return _reduced(Ratio(top, self.reckoner.times(left.bottom, right.bottom)))

    def _inverse(self, ratio: Ratio[E]) -> Ratio[E]:
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

    def _sum(self, op: str, left: Ratio[E], right: Ratio[E]) -> Ratio[E]:
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

    def _extreme(self, node: Node, word: Any, items: Sequence[Ratio[E]]) -> Ratio[E]:
        """Pick one by one, a number last: comparing with what is unknown picks nothing."""
        ordered = sorted(items, key=lambda item: item.top.value is None)
        best = ordered[0]
        for item in ordered[1:]:
            best = self._fitting(node, best, item, lambda a=best, b=item: self._better(word, a, b))
        return best

    def _better(self, word: Any, one: Ratio[E], other: Ratio[E]) -> Ratio[E]:
        if one.bottom is None and other.bottom is None and other.top.value is None:
            if one.top.value is None:
                pick = min if word == "LEAST" else max
                return Ratio(Whole(pick(one.top.scale, other.top.scale)))
            return Ratio(self.reckoner.limited(word, one.top, other.top.scale))
        first, second = ("<=", ">") if word == "LEAST" else (">=", "<")
        sides = [
            (self._ordered(first, one, other), one),
            (self._ordered(second, one, other), other),
        ]
        return self._choose(sides)

    def _known(self, ratio: Ratio[E], otherwise: Ratio[E]) -> Ratio[E]:
        if ratio.bottom is None and otherwise.bottom is None:
            return Ratio(self.reckoner.known(ratio.top, otherwise.top))
        is_open = self._ordered("=", ratio, ratio)
        lacks = self.algebra.is_unknown(is_open)
        return self._choose([(is_open, ratio), (lacks, otherwise)])

    def _choose(self, branches: list[tuple[E, Ratio[E]]]) -> Ratio[E]:
        tops = self.reckoner.choose([(when, each.top) for when, each in branches])
        if all(each.bottom is None for _, each in branches):
            return Ratio(tops)
        bottoms = [(when, each.bottom or Whole[E](1)) for when, each in branches]
        return Ratio(tops, _at_least_one(self.reckoner.choose(bottoms)))

    def _case(self, branches: Sequence[tuple[Node, Node]], otherwise: Node, way: "Way[E, T]") -> T:
        """Take the branch that holds; where that is unknown, what both ways agree on."""
        rest, last = way.read(otherwise), otherwise
        for condition, node in reversed(branches):
            value, holds = way.read(node), self.algebra.shared(self.value(condition))
            sides = [(holds, value), (self.algebra.negated(holds), rest)]
            if not (isinstance(node, Const) and isinstance(last, Const)):
                sides.append((way.same(value, rest), value))
            elif node == last:
                sides.append((self.algebra.literal(value=True), value))
            rest, last = way.shared(way.choose(sides)), condition
        return rest

    def _shared(self, ratio: Ratio[E]) -> Ratio[E]:
        bottom = ratio.bottom and self.reckoner.shared(ratio.bottom)
        return Ratio(self.reckoner.shared(ratio.top), bottom)

    def _fitting(self, node: Node, left: Ratio[E], right: Ratio[E], make: Callable[[], T]) -> T:
        try:
            return make()
        except Overflow:
            sides = [
                f"{sql_text(part)} ({_range_text(ratio)})"
                for part, ratio in zip(children(node), (left, right), strict=False)
            ]
            word = node.op if isinstance(node, Compare | Arithmetic) else "beside"
            found = f" {word} ".join(sides)
            raise _too_wide(found) from None


@dataclass(frozen=True)
class Way(Generic[E, T]):
    """How the branches of a choice are read, told apart and chosen from."""

    read: Callable[[Node], T]
    same: Callable[[T, T], E]
    choose: Callable[[list[tuple[E, T]]], T]
    shared: Callable[[T], T]


def repeated(roots: Iterable[Node]) -> frozenset[Node]:
    """Find what stands in the rules more than once and is worth computing once."""
    seen: set[Node] = set()
    twice: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if isinstance(node, LEAVES):
            continue
        if node in seen:
            twice.add(node)
            continue
        seen.add(node)
        waiting.extend(children(node))
    return frozenset(twice)


def _too_wide(found: str) -> RuleError:
    return RuleError([Issue("overflow", found=found, allowed=ALLOWED)])


def _ratio_of(value: Fraction | int) -> Ratio[Any]:
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


def _range_text(ratio: Ratio[Any]) -> str:
    texts = [f"{whole.span[0]} to {whole.span[1]}" for whole in (ratio.top, ratio.bottom) if whole]
    return " over ".join(texts)
