"""One expression at a time, in three values: the slow reading that explanations are made of."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

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
    Grade,
    Holds,
    IsUnknown,
    Known,
    Node,
    Not,
    OnceEver,
    OneOf,
    OnList,
    Parameter,
    TallyEnd,
    Value,
    YearsTotal,
)
from services.rulebook.situation import Situation

COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class World:
    """What an expression can look at: the situation and the numbers in force."""

    situation: Situation
    parameters: Mapping[str, int | None]

    def fact(self, name: str, back: int | None) -> Any:
        value = self.situation.facts.get(name)
        if back is None or value is None:
            return value
        return value.get(self.situation.year - back) if isinstance(value, Mapping) else None

    def has_won(self, programme: str) -> bool | None:
        history = self.situation.history
        return None if history is None else programme in history


def value_of(node: Node, world: World) -> Value | None:
    """Compute the value of an expression; None is unknown."""
    match node:
        case Const(value):
            return value
        case Not() | AllOf() | AnyOf() | IsUnknown():
            return _logical(node, world)
        case Case(branches, otherwise):
            return _case(branches, otherwise, world)
        case TallyEnd(value=value):
            return value_of(value, world)
        case Known() | Agreed():
            return _either(node, world)
        case YearsTotal() | Compare() | OneOf() | Arithmetic() | Extreme() | Floor():
            return _strict(node, world)
        case _:
            return _looked_up(node, world)


def _logical(node: Not | AllOf | AnyOf | IsUnknown, world: World) -> bool | None:
    match node:
        case Not(operand):
            return _negated(value_of(operand, world))
        case AllOf(items):
            return _all([value_of(item, world) for item in items])
        case AnyOf(items):
            return _negated(_all([_negated(value_of(item, world)) for item in items]))
        case IsUnknown(operand):
            return value_of(operand, world) is None


def _either(node: Known | Agreed, world: World) -> Value | None:
    match node:
        case Known(operand, otherwise):
            known = value_of(operand, world)
            return value_of(otherwise, world) if known is None else known
        case Agreed(first, second):
            one = value_of(first, world)
            return one if one == value_of(second, world) else None


def _looked_up(node: Node, world: World) -> Value | None:
    situation = world.situation
    match node:
        case FactAt(name, _, back):
            return world.fact(name, back)
        case Parameter(name):
            return world.parameters.get(name)
        case Holds(scheme):
            return situation.recognitions.state(scheme) if situation.recognitions else None
        case Grade(scheme):
            return situation.recognitions.grade(scheme) if situation.recognitions else None
        case OnList(list_id):
            return situation.lists.state(list_id) if situation.lists else None
        case OnceEver(programme):
            return not world.has_won(programme)
        case _:
            raise TypeError(f"{type(node).__name__} is not looked up")


def _strict(node: Node, world: World) -> Value | None:
    """Compute what is unknown as soon as one of its parts is."""
    match node:
        case YearsTotal(name, years, average):
            known: list[Any] = [world.fact(name, back) for back in range(years)]
            if None in known:
                return None
            return Fraction(sum(known), years) if average else sum(known)
        case Compare(op, left, right):
            a, b = value_of(left, world), value_of(right, world)
            return None if a is None or b is None else COMPARE[op](a, b)
        case OneOf(operand, options):
            found = value_of(operand, world)
            return None if found is None else found in [option.value for option in options]
        case Arithmetic(op, left, right):
            return calculate(op, value_of(left, world), value_of(right, world))
        case Extreme(word, items):
            values: list[Any] = [value_of(item, world) for item in items]
            if None in values:
                return None
            return min(values) if word == "LEAST" else max(values)
        case Floor(operand):
            number: Any = value_of(operand, world)
            return None if number is None else number // 1
        case _:
            raise TypeError(f"{type(node).__name__} has no value")


def calculate(op: str, left: Any, right: Any) -> Any:
    """Reckon exactly; a division by zero has no value."""
    if left is None or right is None:
        return None
    match op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return None if right == 0 else Fraction(left, right)


def _case(branches: Sequence[tuple[Node, Node]], otherwise: Node, world: World) -> Value | None:
    """Take the first branch that holds; where that is unknown, what both ways agree on."""
    if not branches:
        return value_of(otherwise, world)
    condition, value = branches[0]
    holds = value_of(condition, world)
    if holds is True:
        return value_of(value, world)
    rest = _case(branches[1:], otherwise, world)
    return rest if holds is False or rest == value_of(value, world) else None


def _all(values: list[Any]) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _negated(value: Any) -> bool | None:
    return None if value is None else not value
