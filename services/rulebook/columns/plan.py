"""What a rule set answers in columns, in any engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.rulebook.columns.lowering import Lowering, repeated
from services.rulebook.columns.whole import Algebra, Span, Whole
from services.rulebook.errors import Issue, RuleError, pointer_to
from services.rulebook.nodes import Floor, Kind, Node, kind_of
from services.rulebook.reading import ParsedProgramme
from services.rulebook.ruleset import RuleSet, qualified

E = TypeVar("E")


@dataclass(frozen=True)
class Answers(Generic[E]):
    """The columns of one programme; what is null is unknown."""

    programme: str
    outcome: E
    amount_fen: E
    # What whoever is granted it receives, and between which bounds.
    granted_fen: E
    granted_span: Span
    checks: Mapping[str, E]
    ends: Mapping[str, E]
    classes: Mapping[str, E]

    @property
    def columns(self) -> dict[str, E]:
        """Name every column as the results have it."""
        named = {"outcome": self.outcome, "amount_fen": self.amount_fen}
        named |= {f"score.{end}": value for end, value in self.ends.items()}
        named |= {f"class.{name}": value for name, value in self.classes.items()}
        named |= {f"condition.{name}": value for name, value in self.checks.items()}
        return {f"{self.programme}.{name}": value for name, value in named.items()}


def read_rules(
    rules: RuleSet, algebra: Algebra[E], numbers: Mapping[str, int | None]
) -> list[Answers[E]]:
    """Read all programmes into an algebra, with the numbers of the day written in."""
    reader = reader_of(rules, algebra, numbers)
    return [answers_of(reader, algebra, each) for each in rules.programmes]


def reader_of(
    rules: RuleSet, algebra: Algebra[E], numbers: Mapping[str, int | None]
) -> Lowering[E]:
    """Make the one reader of a rule set, which reads what programmes share once."""
    facts = {name: each.vocabulary[name] for each in rules.programmes for name in each.facts}
    values = {name: _number(rules, algebra, name, numbers.get(name)) for name in rules.numbers}
    roots = [qualified(node, each) for each in rules.programmes for node in each.nodes]
    return Lowering(algebra, facts, values, repeated(roots))


def _number(rules: RuleSet, algebra: Algebra[E], name: str, value: int | None) -> Whole[E]:
    if value is None:
        return Whole(1, algebra.unknown(Kind.NUMBER), 0, 0)
    low, high = rules.bounds[name]
    if not low <= value <= high:
        found, allowed = str(value), f"{low} to {high}"
        raise RuleError([Issue("out-of-bounds", pointer_to("parameters", name), found, allowed)])
    return Whole(value)


def answers_of(reader: Lowering[E], algebra: Algebra[E], each: ParsedProgramme) -> Answers[E]:
    """Read one programme."""

    def asked(node: Node) -> Node:
        return qualified(node, each)

    checks = {c.id: algebra.shared(reader.value(asked(node))) for c, node in each.checks}
    deciding = [checks[c.id] for c, _ in each.checks if c.decides]
    outcome = algebra.shared(algebra.every(deciding)) if deciding else algebra.unknown(Kind.BOOL)
    granted = reader.fen(asked(each.amount)) if each.amount else Whole[E](0)
    total = each.sheet.total if each.sheet else None
    ends = {} if total is None else {"low": total.low, "high": total.high}
    return Answers(
        programme=each.programme.id,
        outcome=outcome,
        amount_fen=_amount(reader, algebra, granted, outcome)
        if each.amount
        else algebra.literal(0),
        granted_fen=reader.reckoner.written(granted),
        granted_span=granted.span,
        checks=checks,
        ends={end: _written(reader, asked(node)) for end, node in ends.items()},
        classes={name: _written(reader, asked(node)) for name, node in each.classes.items()},
    )


def _amount(reader: Lowering[E], algebra: Algebra[E], granted: Whole[E], outcome: E) -> E:
    """Pay whom the outcome grants, nothing whom it refuses; open is unknown."""
    sides = [(outcome, granted), (algebra.negated(outcome), Whole[E](0))]
    whole = reader.reckoner.choose(sides)
    return reader.reckoner.written(whole)


def _written(reader: Lowering[E], node: Node) -> E:
    """Write out a text, or a number without what it has behind the point."""
    if kind_of(node) is not Kind.NUMBER:
        return reader.value(node)
    whole = reader.number(Floor(node)).top
    return reader.reckoner.written(whole)
