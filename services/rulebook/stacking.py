"""What may be granted beside other aid (从高、不重复): one function for those who answer and pay.

Aid of one group for one matter competes: together it reaches the highest, never the sum. What
matches or tops up is paid beside its base. Ceilings hold for all aid in their scope, whoever gives
it, and a one-clause rule lets only so many of the clauses it names be received.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

Relation: TypeAlias = Literal["matches", "tops-up", "competes"]
CeilingScope: TypeAlias = Literal["matter", "group", "beneficiary-year"]
ClauseScope: TypeAlias = Literal["matter", "beneficiary-year", "beneficiary"]
CutKind: TypeAlias = Literal["competing", "own", "one-clause", "ceiling"]

COMPETES: Final = "competes"
SAME_PROGRAMME: Final = "same-programme"
SAME_PROGRAMME_SAYS: Final = "同一项目、同一事项不重复"


class StackingMode(StrEnum):
    """Whether a later, higher award pays the difference (补差), or nothing more."""

    TOP_UP = "top-up"
    HIGHEST_ONLY = "highest-only"


@dataclass(frozen=True, slots=True)
class Clause:
    """A rule in the words of its text."""

    id: str
    says: str
    source: str = ""

    @property
    def quoted(self) -> str:
        """Quote it in Chinese with its source; quotes within it become inner ones."""
        says = self.says.replace("“", "‘").replace("”", "’")
        return f"“{says}”" + (f"（{self.source}）" if self.source else "")

    @property
    def named(self) -> str:
        """Name it in English with its source."""
        return self.id + (f" ({self.source})" if self.source else "")


@dataclass(frozen=True, slots=True)
class Limit:
    """What all aid of a scope may reach together, in fen; null is not known.

    `matter` is all aid for the matter, `group` that of the group for the matter, and
    `beneficiary-year` all aid that the beneficiary receives in a year.
    """

    id: str
    says: str
    of: CeilingScope
    limit_fen: int | None
    source: str = ""


@dataclass(frozen=True, slots=True)
class OneClause:
    """Of the programmes and groups named, at most so many for a matter, a year, or ever.

    A repeatable programme is not counted and not held back; no level named is every level.
    """

    id: str
    says: str
    per: ClauseScope
    at_most: int = 1
    programmes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    repeatable: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    source: str = ""

    def names(self, position: "Position") -> bool:
        """Tell whether a grant is one of those that the rule counts."""
        if position.programme not in self.programmes and position.group not in self.groups:
            return False
        if position.programme in self.repeatable:
            return False
        return not self.levels or position.level in self.levels


@dataclass(frozen=True, slots=True)
class StackingTerms:
    """The rules of a day: how competing aid is settled, by which clause, and what else holds."""

    mode: StackingMode
    clause: Clause
    rules: tuple[OneClause, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a grant stands: of which programme and level, for which matter, in which group.

    `year` is the year whose money it is.
    """

    programme: str
    level: str
    matter: str
    group: str
    relation: Relation
    year: int
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aid(Position):
    """What was granted, with the ceilings it was granted under."""

    id: str
    amount_fen: int
    document: str | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """A rule that leaves less than was asked: what it leaves, and the aid that it counts."""

    kind: CutKind
    rule: Clause
    left_fen: int
    counted: tuple[Aid, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """What may be granted, and every rule that made it less, the strictest first."""

    amount_fen: int
    cuts: tuple[Cut, ...] = ()


def limits_from(stored: Iterable[Mapping[str, Any]]) -> tuple[Limit, ...]:
    """Read ceilings as an assessment states them, or as they were stored."""
    return tuple(
        Limit(each["id"], each["says"], each["of"], each["limit_fen"], each.get("source", ""))
        for each in stored
    )


def rules_from(stored: Iterable[Mapping[str, Any]]) -> tuple[OneClause, ...]:
    """Read one-clause rules as they were stored."""
    rules: list[OneClause] = []
    for each in stored:
        parts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in each.items()}
        rules.append(OneClause(**parts))
    return tuple(rules)


def room(asked: Position, asked_fen: int, standing: Sequence[Aid], terms: StackingTerms) -> Room:
    """Find what may be granted beside aid that stands already, by every rule that holds."""
    found = [cut for cut in _cuts(asked, asked_fen, standing, terms) if cut.left_fen < asked_fen]
    cuts = sorted(found, key=lambda cut: cut.left_fen)
    return Room(cuts[0].left_fen if cuts else max(0, asked_fen), tuple(cuts))


def refusal(
    asked: Position, asked_fen: int, standing: Sequence[Aid], terms: StackingTerms
) -> Cut | None:
    """Find the rule by which nothing is left, which is the first one that `room` would name."""
    cuts = _cuts(asked, asked_fen, standing, terms)
    return next((cut for cut in cuts if cut.left_fen == 0 < asked_fen), None)


def within(of: CeilingScope | ClauseScope, one: Position, other: Position) -> bool:
    """Tell whether two grants stand in the same scope; the beneficiary is one and the same."""
    match of:
        case "matter":
            return one.matter == other.matter
        case "group":
            return one.matter == other.matter and one.group == other.group
        case "beneficiary-year":
            return one.year == other.year
        case "beneficiary":
            return True


def counts_other_matters(limits: Iterable[Limit], rules: Iterable[OneClause]) -> bool:
    """Tell whether aid for other matters counts: a ceiling or a rule reaches beyond the matter."""
    return any(limit.of == "beneficiary-year" for limit in limits) or any(
        rule.per != "matter" for rule in rules
    )


def is_contest(one: Position, other: Position) -> bool:
    """Tell whether two grants compete: of one group and matter, and neither beside its base."""
    return (
        one.matter == other.matter
        and one.group == other.group
        and one.relation == other.relation == COMPETES
    )


def is_same_grant(one: Position, other: Position) -> bool:
    """Tell whether two grants are of the same programme for the same matter."""
    return (
        one.programme == other.programme and one.matter == other.matter and one.level == other.level
    )


def places_left(rule: OneClause, asked: Position, standing: Iterable[Aid]) -> int:
    """Count how many more of a rule's clauses may be received; more for the same is no new one."""
    taken = {
        (aid.level, aid.programme, aid.matter)
        for aid in standing
        if rule.names(aid) and within(rule.per, asked, aid) and not is_same_grant(asked, aid)
    }
    return max(0, rule.at_most - len(taken))


def limit_left(limit: Limit, counted: Iterable[Aid]) -> int:
    """Give what a ceiling leaves beside the aid of its scope; an unknown one leaves nothing yet."""
    if limit.limit_fen is None:
        return 0
    return max(0, limit.limit_fen - sum(aid.amount_fen for aid in counted))


def _cuts(
    asked: Position, asked_fen: int, standing: Sequence[Aid], terms: StackingTerms
) -> Iterator[Cut]:
    yield from _set_off(asked, asked_fen, standing, terms)
    yield from _places_taken(asked, standing, terms.rules)
    yield from _ceilings(asked, asked_fen, standing)


def _set_off(
    asked: Position, asked_fen: int, standing: Sequence[Aid], terms: StackingTerms
) -> Iterable[Cut]:
    """Set off what was granted for the same purpose, and by the same programme in any relation."""
    counted = tuple(aid for aid in standing if is_contest(asked, aid) or is_same_grant(asked, aid))
    if not counted:
        return
    left_fen = 0
    if terms.mode is StackingMode.TOP_UP:
        left_fen = max(0, asked_fen - sum(aid.amount_fen for aid in counted))
    if asked.relation == COMPETES:
        yield Cut("competing", terms.clause, left_fen, counted)
    else:
        rule = Clause(SAME_PROGRAMME, SAME_PROGRAMME_SAYS, terms.clause.source)
        yield Cut("own", rule, left_fen, counted)


def _places_taken(
    asked: Position, standing: Sequence[Aid], rules: Iterable[OneClause]
) -> Iterable[Cut]:
    for rule in rules:
        if rule.names(asked) and not places_left(rule, asked, standing):
            counted = tuple(
                aid for aid in standing if rule.names(aid) and within(rule.per, asked, aid)
            )
            yield Cut("one-clause", Clause(rule.id, rule.says, rule.source), 0, counted)


def _ceilings(asked: Position, asked_fen: int, standing: Sequence[Aid]) -> Iterable[Cut]:
    """Apply the ceilings of what is asked, and those that aid of the same scope stands under."""
    limits = dict.fromkeys(asked.limits)
    limits |= dict.fromkeys(
        limit for aid in standing for limit in aid.limits if within(limit.of, asked, aid)
    )
    counted: dict[CeilingScope, tuple[Aid, ...]] = {}
    for limit in limits:
        if limit.of not in counted:
            counted[limit.of] = tuple(aid for aid in standing if within(limit.of, asked, aid))
        left_fen = limit_left(limit, counted[limit.of])
        if left_fen < asked_fen:
            rule = Clause(limit.id, limit.says, limit.source)
            yield Cut("ceiling", rule, left_fen, counted[limit.of])
