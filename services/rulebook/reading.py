"""From a programme as it is written to nodes: every fault of it is named at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.rulebook.columns.widths import check_width
from services.rulebook.compile import Check
from services.rulebook.errors import Issue, RuleError, pointer_to
from services.rulebook.nodes import FactAt, Node, OnceEver, Tally, YearsTotal, walk
from services.rulebook.parse import (
    NO_TALLIES,
    parse_amount,
    parse_class,
    parse_condition,
    parse_points,
)
from services.rulebook.programme import LANGUAGES_UNBOUNDED, Condition, Programme
from services.rulebook.tallies import Sheet, name_clashes, read_sheet, width_issues
from services.rulebook.terms import Reading, Terms, read_terms
from services.rulebook.vocabulary import Vocabulary


@dataclass(frozen=True)
class ParsedProgramme:
    """A programme and the nodes of its expressions.

    `checks` are the conditions that can be computed, in the order of the text; `facts` are the
    names that the expressions look at.
    """

    programme: Programme
    vocabulary: Vocabulary
    checks: tuple[tuple[Condition, Node], ...]
    amount: Node | None
    sheet: Sheet | None
    classes: Mapping[str, Node]
    terms: Terms
    facts: tuple[str, ...]
    asks_history: bool

    @property
    def nodes(self) -> list[Node]:
        """List what is answered by number: conditions, amount, points and classes."""
        found = [node for _, node in self.checks]
        found += [*self.classes.values(), *([self.amount] if self.amount else [])]
        return found + ([self.sheet.total.points] if self.sheet else [])

    @property
    def deciding(self) -> list[Check]:
        return [Check(node, condition.decides) for condition, node in self.checks]


def parse_programme(
    programme: Programme, vocabulary: Vocabulary, *, where: str = ""
) -> ParsedProgramme:
    """Parse every expression, or refuse with all faults."""
    reader = _Reader(programme, vocabulary, where)
    sheet = reader.sheet()
    checks = reader.checks()
    amount = reader.read(parse_amount, programme.amount, "/amount") if programme.amount else None
    classes = reader.classes()
    terms = read_terms(programme, reader.read)
    if reader.issues:
        raise RuleError(reader.issues)
    nodes = [*(node for _, node in checks), *([amount] if amount else []), *terms.nodes]
    nodes += [*classes.values(), *([sheet.total.points] if sheet else [])]
    parts = [part for node in nodes for part in walk(node)]
    return ParsedProgramme(
        programme=programme,
        vocabulary=vocabulary,
        checks=tuple(checks),
        amount=amount,
        sheet=sheet,
        classes=classes,
        terms=terms,
        facts=tuple(sorted({p.name for p in parts if isinstance(p, FactAt | YearsTotal)})),
        asks_history=any(isinstance(part, OnceEver) for part in parts),
    )


@dataclass
class _Reader:
    programme: Programme
    vocabulary: Vocabulary
    where: str
    issues: list[Issue] = field(default_factory=list[Issue])

    def __post_init__(self) -> None:
        declared = self.programme.parameters
        self.bounds = {name: each.bounds for name, each in declared.items()}
        self.tallies: Mapping[str, Tally] = NO_TALLIES
        self.is_bounded = self.programme.language not in LANGUAGES_UNBOUNDED

    def read(self, parse: Reading, text: str, pointer: str) -> Node | None:
        try:
            node = parse(text, self.vocabulary, self.programme.parameters, self.tallies)
            # What points are given for is asked by nothing but the table, which is looked at whole.
            if self.is_bounded and parse is not parse_points:
                check_width(node, self.vocabulary, self.bounds, text)
            return node
        except RuleError as error:
            self.issues.extend(error.within(where=self.where, pointer=pointer).issues)
            return None

    def sheet(self) -> Sheet | None:
        """Read the scoring table; from then on expressions may name its parts."""
        if self.programme.score is None:
            return None
        sheet = read_sheet(self.programme.score, self.read)
        self.issues.extend(name_clashes(sheet, self.vocabulary, self.where))
        if self.is_bounded:
            self.issues.extend(width_issues(sheet, self.vocabulary, self.bounds, self.where))
        self.tallies = sheet.by_name
        return sheet

    def checks(self) -> list[tuple[Condition, Node]]:
        checks: list[tuple[Condition, Node]] = []
        for index, condition in enumerate(self.programme.conditions):
            if condition.when is not None:
                is_line = index == len(self.programme.eligibility)
                pointer = "/score/pass" if is_line else pointer_to("eligibility", index, "when")
                if node := self.read(parse_condition, condition.when, pointer):
                    checks.append((condition, node))
        return checks

    def classes(self) -> dict[str, Node]:
        return {
            name: node
            for name, text in self.programme.classes.items()
            if (node := self.read(parse_class, text, pointer_to("classes", name)))
        }
