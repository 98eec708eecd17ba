"""Writing a function line by line: each distinct expression gets one local.

Names are numbered locals, numbers are printed integers, and every text of the input is bound as a
constant beside the function. Ratios are compared by multiplying out, so that no fraction is built
on the way to an outcome.
"""

import math
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, NamedTuple, cast

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
    Kind,
    Known,
    Node,
    Not,
    OnceEver,
    OneOf,
    OnList,
    Parameter,
    TallyEnd,
    YearsTotal,
    kind_of,
)

SYMBOLS: Final = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
ONE: Final = "(1)"
PICK: Final = {"LEAST": "min", "GREATEST": "max"}


class Term(NamedTuple):
    """A number as numerator and denominator, in source text; no denominator means 1.

    `sign` has the sign of the denominator, and is empty where that is known to be positive.
    """

    top: str
    bottom: str = ""
    sign: str = ""


@dataclass
class Writer:
    """Collects the lines of one function; each distinct expression gets one local."""

    head: str
    lines: list[str] = field(default_factory=list[str])
    constants: dict[str, Any] = field(default_factory=dict[str, Any])
    _names: dict[Node | str, str] = field(default_factory=dict[Node | str, str])
    _indent: str = "    "

    def source(self) -> str:
        return "\n".join([self.head, *self.lines]) + "\n"

    def line(self, text: str) -> None:
        self.lines.append(self._indent + text)

    @contextmanager
    def only_if(self, condition: str) -> Generator[None]:
        """Indent what is computed only then; its names are forgotten afterwards."""
        self.line(f"if {condition}:")
        names, indent = dict(self._names), self._indent
        self._indent += "    "
        yield
        self._names, self._indent = names, indent

    def local(self, text: str) -> str:
        name = f"v{len(self.lines)}"
        self.line(f"{name} = {text}")
        return name

    def constant(self, value: Any) -> str:
        name = f"K{len(self.constants)}"
        self.constants[name] = value
        return name

    def atom(self, node: Node) -> str:
        """Name the value of a node: a local or a constant that may be written twice."""
        if isinstance(node, Const):
            return self._literal(node)
        if isinstance(node, TallyEnd):
            return self.atom(node.value)
        if node not in self._names:
            text = self._value(node)
            self._names[node] = text if _is_plain(text) else self.local(text)
        return self._names[node]

    def _literal(self, node: Const) -> str:
        if node.kind is Kind.BOOL or type(node.value) is int:
            return f"({node.value!r})"
        return self.constant(node.value)

    def _value(self, node: Node) -> str:
        match node:
            case Arithmetic() | YearsTotal():
                return self._number(node)
            case Extreme() | Floor() | Case() | Known() | Agreed():
                return self._chosen(node)
            case Not() | AllOf() | AnyOf():
                return self._logical(node)
            case Compare():
                return self._compare(node)
            case IsUnknown(operand):
                return f"{self.atom(operand)} is None"
            case OneOf(operand, options):
                value = self.atom(operand)
                known = self.constant(frozenset(option.value for option in options))
                return unless(unknown([value]), f"{value} in {known}")
            case _:
                return self._lookup(node)

    def _chosen(self, node: Extreme | Floor | Case | Known | Agreed) -> str:
        match node:
            case Extreme(word, items):
                values = [self.atom(item) for item in items]
                return unless(unknown(values), f"{PICK[word]}({', '.join(values)})")
            case Floor(operand):
                return self._floored(operand)
            case Case(branches, otherwise):
                return self._case(branches, otherwise)
            case Known(operand, otherwise):
                value, instead = self.atom(operand), self.atom(otherwise)
                return f"{instead} if {value} is None else {value}"
            case Agreed(first, second):
                one, other = self.atom(first), self.atom(second)
                return f"{one} if {one} == {other} else None"

    def _logical(self, node: Not | AllOf | AnyOf) -> str:
        match node:
            case Not(operand):
                value = self.atom(operand)
                return unless(unknown([value]), f"not {value}")
            case AllOf(items):
                return self._joined(items, stop="False", otherwise="True")
            case AnyOf(items):
                return self._joined(items, stop="True", otherwise="False")

    def _lookup(self, node: Node) -> str:
        match node:
            case FactAt(name, _, None):
                return f"facts.get({self.constant(name)})"
            case FactAt(name, _, back):
                year = f"year - {back}" if back else "year"
                return f"{self._years(name)}.get({year})"
            case Parameter(name):
                return f"parameters.get({self.constant(name)})"
            case Holds(scheme):
                state = f"recognitions.state({self.constant(scheme)})"
                return unless(["recognitions is None"], state)
            case Grade(scheme):
                grade = f"recognitions.grade({self.constant(scheme)})"
                return unless(["recognitions is None"], grade)
            case OnList(list_id):
                return unless(["lists is None"], f"lists.state({self.constant(list_id)})")
            case OnceEver(programme):
                return f"history is None or {self.constant(programme)} not in history"
            case _:
                raise TypeError(f"{type(node).__name__} is not looked up")

    def _years(self, name: str) -> str:
        if name not in self._names:
            nothing = self.constant({})
            self._names[name] = self.local(f"facts.get({self.constant(name)}) or {nothing}")
        return self._names[name]

    def _joined(self, items: Sequence[Node], *, stop: str, otherwise: str) -> str:
        values = [self.atom(item) for item in items]
        stopped, unknown = any_of_them(f"{{}} is {stop}", values), any_of_them("{} is None", values)
        return f"{stop} if {stopped} else None if {unknown} else {otherwise}"

    def _case(self, branches: Sequence[tuple[Node, Node]], otherwise: Node) -> str:
        text = self.atom(otherwise)
        for condition, value in reversed(branches):
            rest = self.local(text)
            holds, then = self.atom(condition), self.atom(value)
            agreed = f"{then} if {then} == {rest} else None"
            text = f"{then} if {holds} is True else {rest} if {holds} is False else {agreed}"
        return text

    def _compare(self, node: Compare) -> str:
        symbol = SYMBOLS[node.op]
        if kind_of(node.left) is not Kind.NUMBER:
            left, right = self.atom(node.left), self.atom(node.right)
            return unless(unknown([left, right]), f"{left} {symbol} {right}")
        guards: dict[str, None] = {}
        left, right = self._term(node.left, guards), self._term(node.right, guards)
        a = _times(left.top, right.bottom)
        b = _times(right.top, left.bottom)
        sign = _times(left.sign, right.sign)
        if not sign or symbol in ("==", "!="):
            return unless(guards, f"{a} {symbol} {b}")
        # a/b < c/d is (ad - cb)bd < 0 whatever the signs of b and d.
        return unless(guards, f"({a} - {b}) * {sign} {symbol} 0")

    def _number(self, node: Node) -> str:
        guards: dict[str, None] = {}
        term = self._term(node, guards)
        exact = f"Fraction({term.top}, {term.bottom})" if term.bottom else term.top
        return unless(guards, exact)

    def _floored(self, node: Node) -> str:
        """Round down without building a fraction; the least floor is the floor of the least."""
        if isinstance(node, Extreme):
            values = [self.atom(Floor(item)) for item in node.items]
            return unless(unknown(values), f"{PICK[node.word]}({', '.join(values)})")
        if isinstance(node, Const):
            return f"({math.floor(cast('Fraction', node.value))})"
        guards: dict[str, None] = {}
        term = self._term(node, guards)
        whole = f"{term.top} // {term.bottom}" if term.bottom else f"floor({term.top})"
        return unless(guards, whole)

    def _term(self, node: Node, guards: dict[str, None]) -> Term:
        match node:
            case Const(Fraction() as value):
                return Term(f"({value.numerator})", f"({value.denominator})")
            case Const():
                return Term(self._literal(node))
            case YearsTotal(name, years, average):
                known = [self.atom(FactAt(name, Kind.NUMBER, back)) for back in range(years)]
                guards.update(dict.fromkeys(f"{value} is None" for value in known))
                return Term(f"({' + '.join(known)})", f"({years})" if average else "")
            case Arithmetic("/", left, right):
                return self._quotient(self._term(left, guards), right, guards)
            case Arithmetic("*", left, right):
                a, b = self._term(left, guards), self._term(right, guards)
                sign = _times(a.sign, b.sign)
                return Term(_times(a.top, b.top), _times(a.bottom, b.bottom), sign)
            case Arithmetic(op, left, right):
                a, b = self._term(left, guards), self._term(right, guards)
                if a.bottom == b.bottom:
                    return Term(f"({a.top} {op} {b.top})", a.bottom, a.sign)
                top = f"({_times(a.top, b.bottom)} {op} {_times(b.top, a.bottom)})"
                return Term(top, _times(a.bottom, b.bottom), _times(a.sign, b.sign))
            case _:
                value = self.atom(node)
                guards.update(dict.fromkeys(unknown([value])))
                return Term(value)

    def _quotient(self, dividend: Term, node: Node, guards: dict[str, None]) -> Term:
        if isinstance(node, Const):
            value = Fraction(cast("Fraction", node.value))
            sign = "-" if value < 0 else ""
            top = _times(dividend.top, f"({sign}{value.denominator})")
            bottom = _times(dividend.bottom, f"({abs(value.numerator)})")
            return Term(top, bottom, dividend.sign)
        own: dict[str, None] = {}
        divisor = self._term(node, own)
        # The divisor's numerator may be zero: it needs a name to be tested by.
        tested = divisor.top if _is_local(divisor.top) else self.local(unless(own, divisor.top))
        guards.update(own)
        guards[f"{tested} is None"] = None
        guards[f"{tested} == 0"] = None
        top = _times(dividend.top, divisor.bottom)
        return Term(top, _times(dividend.bottom, tested), _times(dividend.sign, tested))


def _is_plain(text: str) -> bool:
    return text.strip("(-)").isdigit()


def _is_local(text: str) -> bool:
    return text[0] == "v"


def unknown(values: Sequence[str]) -> list[str]:
    return [f"{value} is None" for value in values if _is_local(value)]


def _times(left: str, right: str) -> str:
    if right in ("", ONE):
        return left
    return right if left in ("", ONE) else f"({left} * {right})"


def any_of_them(pattern: str, values: Sequence[str]) -> str:
    return " or ".join(pattern.format(value) for value in values)


def unless(guards: Sequence[str] | Mapping[str, None], text: str) -> str:
    return f"None if {' or '.join(guards)} else {text}" if guards else text
