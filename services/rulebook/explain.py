"""Why an answer is what it is: the facts it used, what is missing, what failed narrowly."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Final, NamedTuple

from services.rulebook.evaluate import COMPARE, World, value_of
from services.rulebook.nodes import (
    Agreed,
    AllOf,
    AnyOf,
    Arithmetic,
    Case,
    Compare,
    Const,
    FactAt,
    Grade,
    Holds,
    Kind,
    Node,
    Not,
    OnceEver,
    OnList,
    Parameter,
    Tally,
    TallyEnd,
    YearsTotal,
    asks_about_subject,
    children,
    kind_of,
    sql_text,
    walk,
)

NEAR_SHARE: Final = Fraction(1, 10)
BASIS_POINTS: Final = 10_000
MIRRORED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
NEGATED: Final = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class Lack(NamedTuple):
    """A fact that is not known, and of which year."""

    fact: str
    year: int | None


@dataclass(frozen=True)
class Cause:
    """Why a value is unknown: facts and parameters not stated, or a base of zero."""

    missing: frozenset[Lack] = frozenset()
    parameters: frozenset[str] = frozenset()
    has_zero_base: bool = False
    has_open_points: bool = False

    @property
    def is_beyond_facts(self) -> bool:
        """Tell whether no statement of facts would make the value known."""
        return self.has_zero_base and not self.missing and not self.parameters

    def __or__(self, other: "Cause") -> "Cause":
        return Cause(
            self.missing | other.missing,
            self.parameters | other.parameters,
            self.has_zero_base or other.has_zero_base,
            self.has_open_points or other.has_open_points,
        )


KNOWN: Final = Cause()


class Miss(NamedTuple):
    """A comparison that failed by little, with what would have sufficed."""

    fact: str
    needed: int | Fraction
    actual: int | Fraction
    lacking: int | Fraction
    lacking_bp: int


def cause_of(node: Node, world: World) -> Cause:
    """Find what the unknown value hangs on; nothing where the value is known."""
    if value_of(node, world) is not None:
        return KNOWN
    match node:
        case FactAt() | Holds() | Grade() | OnList():
            return Cause(missing=frozenset({_lack(node, world)}))
        case YearsTotal(name, years):
            asked = [FactAt(name, Kind.NUMBER, back) for back in range(years)]
            return _causes(asked, world)
        case Parameter(name):
            return Cause(parameters=frozenset({name}))
        case Arithmetic("/", _, right) if value_of(right, world) == 0:
            return Cause(has_zero_base=True)
        case Case() | Agreed():
            return _cause_of_choice(node, world)
        case AllOf() | AnyOf():
            return _causes(children(node), world)
        case _:
            causes = [cause_of(child, world) for child in children(node)]
            lost = [cause for cause in causes if cause.is_beyond_facts]
            return lost[0] if lost else _joined(causes)


def facts_used(node: Node, world: World) -> dict[str, Any]:
    """List every fact that the expression looks at, with its value or null."""
    years: dict[str, dict[int, Any]] = {}
    used: dict[str, Any] = {}
    for part in walk(node):
        match part:
            case FactAt(name, _, None):
                used[name] = plain(world.fact(name, None))
            case FactAt(name, _, int() as back):
                years.setdefault(name, {})[world.situation.year - back] = world.fact(name, back)
            case YearsTotal(name, count):
                asked = {world.situation.year - back: back for back in range(count)}
                known = {year: world.fact(name, back) for year, back in asked.items()}
                years.setdefault(name, {}).update(known)
            case Holds(scheme):
                used.setdefault("recognitions", {})[scheme] = value_of(part, world)
            case Grade(scheme):
                used.setdefault("grades", {})[scheme] = value_of(part, world)
            case OnList(list_id):
                used.setdefault("lists", {})[list_id] = value_of(part, world)
            case OnceEver(programme):
                used.setdefault("history", {})[programme] = world.has_won(programme)
            case _:
                pass
    for name, known in years.items():
        only_reference = known.keys() == {world.situation.year}
        by_year = {str(year): known[year] for year in sorted(known)}
        used[name] = known[world.situation.year] if only_reference else by_year
    return dict(sorted(used.items()))


def near_misses(node: Node, world: World) -> list[Miss]:
    """Name the comparisons by which a false condition failed narrowly, if all of it did."""
    return _near(node, world, wanted=True) or []


def plain(value: Any) -> Any:
    """Write a value as JSON has it: days as text, an exact ratio as "a/b"."""
    match value:
        case date():
            return value.isoformat()
        case Fraction() if value.denominator == 1:
            return value.numerator
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case _:
            return value


def _lack(node: FactAt | Holds | Grade | OnList, world: World) -> Lack:
    if isinstance(node, FactAt):
        year = None if node.back is None else world.situation.year - node.back
        return Lack(node.name, year)
    return Lack("lists" if isinstance(node, OnList) else "recognitions", None)


def _causes(nodes: Iterable[Node], world: World) -> Cause:
    return _joined(cause_of(node, world) for node in nodes)


def _cause_of_choice(node: Case | Agreed, world: World) -> Cause:
    match node:
        case Case(branches, otherwise):
            return _cause_of_case(branches, otherwise, world)
        case Agreed():
            return _cause_of_range(node, world)


def _joined(causes: Iterable[Cause]) -> Cause:
    whole = KNOWN
    for cause in causes:
        whole |= cause
    return whole


def _cause_of_case(branches: Sequence[tuple[Node, Node]], otherwise: Node, world: World) -> Cause:
    whole = KNOWN
    for condition, value in branches:
        holds = value_of(condition, world)
        if holds is True:
            return whole | cause_of(value, world)
        if holds is None:
            whole |= cause_of(condition, world) | cause_of(value, world)
    return whole | cause_of(otherwise, world)


def _cause_of_range(node: Agreed, world: World) -> Cause:
    """Find what would narrow the range; where no fact would, experts have to give points."""
    ends = [child for child in children(node) if value_of(child, world) is None]
    if ends:
        return _causes(ends, world)
    tallies = {part.name: part.tally for part in walk(node) if isinstance(part, TallyEnd)}
    return _joined(_cause_of_tally(tally, world) for tally in tallies.values())


def _cause_of_tally(tally: Tally, world: World) -> Cause:
    if value_of(tally.low, world) == value_of(tally.high, world):
        return KNOWN
    if tally.parts:
        return _joined(_cause_of_tally(part, world) for part in tally.parts)
    return Cause(has_open_points=True) | _causes(tally.asks, world)


def _near(node: Node, world: World, *, wanted: bool) -> list[Miss] | None:
    """Collect the misses of a part that is not as wanted; None where it failed by far."""
    match node:
        case Not(operand):
            return _near(operand, world, wanted=not wanted)
        case AllOf(items) | AnyOf(items):
            failed = [item for item in items if value_of(item, world) is (not wanted)]
            found = [_near(item, world, wanted=wanted) for item in failed]
            needs_every_part = isinstance(node, AllOf) is wanted
            if needs_every_part and None in found:
                return None
            return [miss for misses in found for miss in misses or ()] or None
        case Agreed(first, second):
            found = [_near(end, world, wanted=wanted) for end in (first, second)]
            return min(filter(None, found), key=lambda misses: misses[0].lacking_bp, default=None)
        case Compare(op, left, right) if op in NEGATED and kind_of(left) is Kind.NUMBER:
            miss = _miss(op if wanted else NEGATED[op], left, right, world)
            return [miss] if miss else None
        case _:
            return None


def _miss(op: str, left: Node, right: Node, world: World) -> Miss | None:
    if asks_about_subject(right) and not asks_about_subject(left):
        return _miss(MIRRORED[op], right, left, world)
    actual: Any = value_of(left, world)
    threshold: Any = value_of(right, world)
    if actual is None or threshold is None or COMPARE[op](actual, threshold) or threshold == 0:
        return None
    share = Fraction(abs(threshold - actual)) / abs(threshold)
    if share > NEAR_SHARE:
        return None
    left, threshold = _in_plain_unit(left, threshold, world)
    actual = value_of(left, world)
    needed = _sufficient(op, threshold) if isinstance(actual, int) else threshold
    lacking_bp = max(1, math.ceil(share * BASIS_POINTS))
    return Miss(sql_text(left), needed, actual, abs(needed - actual), lacking_bp)


def _in_plain_unit(node: Node, threshold: Any, world: World) -> tuple[Node, Any]:
    """Turn a / b - 1 > t into a > (t + 1) b, so that what is lacking is told in fen, not shares."""
    while isinstance(node, Arithmetic):
        divisor: Any = value_of(node.right, world)
        if node.op == "/" and divisor > 0:
            node, threshold = node.left, threshold * divisor
        elif node.op in ("+", "-") and isinstance(node.right, Const):
            shift = divisor if node.op == "-" else -divisor
            node, threshold = node.left, threshold + shift
        else:
            break
    return node, threshold


def _sufficient(op: str, threshold: int | Fraction) -> int:
    """Find the whole number next to the threshold that satisfies the comparison."""
    match op:
        case ">=":
            return math.ceil(threshold)
        case ">":
            return math.floor(threshold) + 1
        case "<=":
            return math.floor(threshold)
        case _:
            return math.ceil(threshold) - 1
