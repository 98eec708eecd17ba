"""The parsed form of an expression: what every engine reads."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Final, Literal, TypeAlias


class Kind(StrEnum):
    BOOL = "bool"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"


Value: TypeAlias = bool | int | Fraction | str | date


@dataclass(frozen=True, slots=True)
class Const:
    value: Value
    kind: Kind  # keeps TRUE apart from 1, which Python holds to be equal


@dataclass(frozen=True, slots=True)
class FactAt:
    """A fact as of the day (`back` is None) or of the year `back` years before the reference."""

    name: str
    kind: Kind
    back: int | None


@dataclass(frozen=True, slots=True)
class YearsTotal:
    """Sum or average over the years that end with the reference year."""

    name: str
    years: int
    average: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str


@dataclass(frozen=True, slots=True)
class Holds:
    scheme: str


@dataclass(frozen=True, slots=True)
class Grade:
    scheme: str


@dataclass(frozen=True, slots=True)
class OnList:
    list_id: str


@dataclass(frozen=True, slots=True)
class OnceEver:
    programme: str


@dataclass(frozen=True, slots=True)
class Not:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class AllOf:
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    items: tuple["Node", ...]


Comparison: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    op: Comparison
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class IsUnknown:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class OneOf:
    operand: "Node"
    options: tuple[Const, ...]


@dataclass(frozen=True, slots=True)
class Case:
    branches: tuple[tuple["Node", "Node"], ...]
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    op: Literal["+", "-", "*", "/"]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Extreme:
    word: Literal["LEAST", "GREATEST"]
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Floor:
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Known:
    """The value of the operand where it is known, else what is taken in its place."""

    operand: "Node"
    otherwise: "Node"


@dataclass(frozen=True, slots=True)
class Agreed:
    """What two readings have in common: unknown where they differ."""

    first: "Node"
    second: "Node"


@dataclass(frozen=True, slots=True)
class Tally:
    """Points that may lie anywhere from low to high, what they are made of, and what was asked.

    Both ends are always known: a fact that is not leaves the range open.
    """

    name: str
    low: "Node"
    high: "Node"
    parts: tuple["Tally", ...] = ()
    asks: tuple["Node", ...] = ()

    @property
    def points(self) -> "Agreed":
        return Agreed(
            TallyEnd(self.name, "low", self.low, self), TallyEnd(self.name, "high", self.high, self)
        )


@dataclass(frozen=True, slots=True)
class TallyEnd:
    """The least or the most that a score, or a part of it, can come to."""

    name: str
    end: Literal["low", "high"]
    value: "Node"
    tally: Tally = field(compare=False, repr=False)


Node: TypeAlias = (
    Const
    | FactAt
    | YearsTotal
    | Parameter
    | Holds
    | Grade
    | OnList
    | OnceEver
    | Not
    | AllOf
    | AnyOf
    | Compare
    | IsUnknown
    | OneOf
    | Case
    | Arithmetic
    | Extreme
    | Floor
    | Known
    | Agreed
    | TallyEnd
)


def kind_of(node: Node) -> Kind:
    match node:
        case Const(kind=kind) | FactAt(kind=kind):
            return kind
        case YearsTotal() | Parameter() | Arithmetic() | Extreme() | Floor() | TallyEnd():
            return Kind.NUMBER
        case Grade():
            return Kind.TEXT
        case Case(otherwise=part) | Known(otherwise=part) | Agreed(first=part):
            return kind_of(part)
        case _:
            return Kind.BOOL


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Not(operand) | IsUnknown(operand) | Floor(operand):
            return (operand,)
        case AllOf(items) | AnyOf(items) | Extreme(items=items):
            return items
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return (left, right)
        case OneOf(operand, options):
            return (operand, *options)
        case Case(branches, otherwise):
            return (*(part for branch in branches for part in branch), otherwise)
        case Known(left, right) | Agreed(left, right):
            return (left, right)
        case TallyEnd(value=value):
            return (value,)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """Yield the node and everything below it, from left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def rebuilt(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """Give the same expression with some of its parts changed: where `change` answers one."""
    if (changed := change(node)) is not None:
        return changed

    def again(part: Node) -> Node:
        return rebuilt(part, change)

    match node:
        case AllOf(items) | AnyOf(items) | Extreme(items=items):
            return replace(node, items=tuple(again(item) for item in items))
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            return replace(node, left=again(left), right=again(right))
        case Not(operand) | IsUnknown(operand) | Floor(operand) | OneOf(operand=operand):
            return replace(node, operand=again(operand))
        case Known(first, second) | Agreed(first, second):
            return type(node)(again(first), again(second))
        case Case(branches, otherwise):
            return Case(tuple((again(a), again(b)) for a, b in branches), again(otherwise))
        case TallyEnd(value=value):
            return replace(node, value=again(value))
        case _:
            return node


def asks_about_subject(node: Node) -> bool:
    """Tell whether the answer can differ from one applicant to another."""
    subject = (FactAt, YearsTotal, Holds, Grade, OnList, OnceEver)
    return any(isinstance(part, subject) for part in walk(node))


def all_of(items: Iterable[Node]) -> Node:
    """Join conditions by AND; a conjunction inside a conjunction is opened."""
    flat = [part for item in items for part in (item.items if isinstance(item, AllOf) else (item,))]
    return AllOf(tuple(flat)) if len(flat) > 1 else flat[0]


def any_of(items: Iterable[Node]) -> Node:
    """Join conditions by OR; a disjunction inside a disjunction is opened."""
    flat = [part for item in items for part in (item.items if isinstance(item, AnyOf) else (item,))]
    return AnyOf(tuple(flat)) if len(flat) > 1 else flat[0]


def is_constant(node: Node) -> bool:
    return not asks_about_subject(node) and not any(
        isinstance(part, Parameter) for part in walk(node)
    )


ID_WORDS: Final = {
    Holds: "holds",
    Grade: "grade",
    OnList: "on_list",
    OnceEver: "once_ever",
}


def sql_text(node: Node) -> str:
    """Write the node in the language again; parsing the text gives the node back."""
    match node:
        case Const(value):
            return _literal(value)
        case FactAt(name, _, back):
            return f"prior({name}, {back})" if back else name
        case YearsTotal(name, years, average):
            return f"{'avg' if average else 'sum'}_years({name}, {years})"
        case Parameter(name):
            return f":{name}"
        case Holds(name) | Grade(name) | OnList(name) | OnceEver(name):
            return f"{ID_WORDS[type(node)]}('{name}')"
        case TallyEnd(name):
            return name
        case Extreme() | Floor() | Known():
            return _call_text(node)
        case _:
            return _operator_text(node)


def _call_text(node: Extreme | Floor | Known) -> str:
    match node:
        case Extreme(word):
            pass
        case Floor():
            word = "FLOOR"
        case Known():
            word = "COALESCE"
    return f"{word}({', '.join(sql_text(part) for part in children(node))})"


def _operator_text(node: Node) -> str:
    match node:
        case Not(operand):
            return f"NOT {_enclosed(operand)}"
        case AllOf(items):
            return " AND ".join(_enclosed(item) for item in items)
        case AnyOf(items):
            return " OR ".join(_enclosed(item) for item in items)
        case Compare(op, left, right) | Arithmetic(op, left, right):
            return f"{_enclosed(left)} {op} {_enclosed(right)}"
        case IsUnknown(operand):
            return f"{_enclosed(operand)} IS NULL"
        case OneOf(operand, options):
            return f"{_enclosed(operand)} IN ({', '.join(sql_text(option) for option in options)})"
        case Case(branches, otherwise):
            whens = " ".join(f"WHEN {sql_text(c)} THEN {sql_text(v)}" for c, v in branches)
            return f"CASE {whens} ELSE {sql_text(otherwise)} END"
        case Agreed(first):
            return sql_text(first)
        case _:
            raise TypeError(f"{type(node).__name__} is not an operator")


def _enclosed(node: Node) -> str:
    text = sql_text(node)
    node = node.first if isinstance(node, Agreed) else node
    compound = isinstance(node, Not | AllOf | AnyOf | Compare | IsUnknown | OneOf | Arithmetic)
    fraction = isinstance(node, Const) and isinstance(node.value, Fraction)
    return f"({text})" if compound or fraction else text


def _literal(value: Value) -> str:
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case Fraction():
            return f"{value.numerator} / {value.denominator}"
        case date():
            return f"DATE '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case int():
            return str(value)
