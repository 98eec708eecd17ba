"""Making nodes of numbers: literals are reckoned at once, ranges are compared at both ends."""

from fractions import Fraction
from typing import Any, Final, cast

from services.rulebook.errors import Issue, RuleError
from services.rulebook.nodes import Agreed, Arithmetic, Compare, Const, Kind, Node

# Numbers must fit decimal(38), the widest integer that the engines for a whole city have.
WHOLE_MAX: Final = 10**38 - 1


def compared(op: Any, left: Node, right: Node) -> Node:
    """Compare by order; points that are a range are above or below only with both of their ends."""
    least, most = (left.first, left.second) if isinstance(left, Agreed) else (left, left)
    below, above = (right.first, right.second) if isinstance(right, Agreed) else (right, right)
    if least is most and below is above:
        return Compare(op, left, right)
    return Agreed(Compare(op, least, above), Compare(op, most, below))


def joined_by(op: Any, left: Node, right: Node) -> Node:
    if op == "/" and isinstance(right, Const) and right.value == 0:
        raise _refusal("bad-argument", "a division by zero", "a divisor other than 0")
    if not (isinstance(left, Const) and isinstance(right, Const)):
        return Arithmetic(op, left, right)
    a, b = Fraction(cast("Fraction", left.value)), Fraction(cast("Fraction", right.value))
    match op:
        case "+":
            return number(a + b)
        case "-":
            return number(a - b)
        case "*":
            return number(a * b)
        case _:
            return number(a / b)


def number(value: Fraction) -> Const:
    if max(abs(value.numerator), value.denominator) > WHOLE_MAX:
        raise _refusal("too-large", "a number", "numbers of at most 38 digits")
    return Const(int(value) if value.denominator == 1 else value, Kind.NUMBER)


def _refusal(code: str, found: str, allowed: str) -> RuleError:
    return RuleError([Issue(code, found=found, allowed=allowed)])
