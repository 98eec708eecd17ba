"""From nodes to columns: exact ratios as pairs, conditions in three values, the same everywhere.

Where a number may be wider than the widest integer, the rule is refused.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, Final, Generic, TypeVar, cast

from services.rulebook.columns.ratios import Ratios, ratio_of
from services.rulebook.columns.whole import (
    Algebra,
    Overflow,
    Ratio,
    Reckoner,
    Whole,
    span_of,
)
from services.rulebook.errors import Issue, RuleError
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
        self.ratios = Ratios(algebra, self.reckoner)
        self.facts = facts
        self.numbers = numbers
        self.repeated = repeated
        self._plain: dict[Node, E] = {}
        self._ratios: dict[Node, Ratio[E]] = {}
        self._values = Way[E, E](
            self.value, lambda a, b: algebra.compare("=", a, b), algebra.choose, algebra.shared
        )
        self._numbers = Way[E, Ratio[E]](
            self.number,
            lambda a, b: self.ratios.ordered("=", a, b),
            self.ratios.choose,
            self.ratios.shared,
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
            self._ratios[node] = self.ratios.shared(ratio) if node in self.repeated else ratio
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
        return self.reckoner.written(whole)

    def _compare(self, node: Compare) -> E:
        if kind_of(node.left) is not Kind.NUMBER:
            return self.algebra.compare(node.op, self.value(node.left), self.value(node.right))
        left, right = self.number(node.left), self.number(node.right)
        return self._fitting(node, left, right, lambda: self.ratios.ordered(node.op, left, right))

    def _one_of(self, operand: Node, options: list[Value]) -> E:
        if kind_of(operand) is not Kind.NUMBER:
            return self.algebra.one_of(self.value(operand), options)
        ratio = self.number(operand)
        found = [
            self.ratios.ordered("=", ratio, ratio_of(cast("Fraction", each))) for each in options
        ]
        return self.algebra.some(found)

    def _ratio(self, node: Node) -> Ratio[E]:
        match node:
            case Const(value):
                return ratio_of(cast("Fraction", value))
            case FactAt(name):
                return Ratio(Whole(1, self.algebra.column(node), *span_of(self.facts[name])))
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
                return self.ratios.choose([(self.ratios.ordered("=", one, other), one)])
            case Known(operand, otherwise):
                return self.ratios.known(self.number(operand), self.number(otherwise))
            case _:
                raise TypeError(f"{type(node).__name__} is no number")

    def _years(self, node: YearsTotal) -> Ratio[E]:
        facts = [FactAt(node.name, Kind.NUMBER, back) for back in range(node.years)]
        known = [self.number(fact).top for fact in facts]
        total = reduce(lambda a, b: self.reckoner.plus("+", a, b), known)
        return Ratio(total, Whole(node.years) if node.average and node.years > 1 else None)

    def _arithmetic(self, node: Arithmetic) -> Ratio[E]:
        left, right = self.number(node.left), self.number(node.right)
        joined: Mapping[str, Callable[[], Ratio[E]]] = {
            "*": lambda: self.ratios.product(left, right),
            "/": lambda: self.ratios.product(left, self.ratios.inverse(right)),
        }
        summed = joined.get(node.op, lambda: self.ratios.sum(node.op, left, right))
        return self._fitting(node, left, right, summed)

    def _extreme(self, node: Node, word: Any, items: Sequence[Ratio[E]]) -> Ratio[E]:
        """Pick one by one, a number last: comparing with what is unknown picks nothing."""
        ordered = sorted(items, key=lambda item: item.top.value is None)
        best = ordered[0]
        for item in ordered[1:]:
            best = self._fitting(
                node, best, item, lambda a=best, b=item: self.ratios.better(word, a, b)
            )
        return best

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


def _range_text(ratio: Ratio[Any]) -> str:
    texts = [f"{whole.span[0]} to {whole.span[1]}" for whole in (ratio.top, ratio.bottom) if whole]
    return " over ".join(texts)
