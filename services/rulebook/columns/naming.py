"""How the columns are called: facts by name and year, and what is held, listed or won by id."""

from dataclasses import dataclass
from typing import Final

from services.rulebook.columns.whole import Asked, span_of
from services.rulebook.nodes import (
    FactAt,
    Grade,
    Holds,
    Kind,
    Node,
    OnceEver,
    OnList,
    YearsTotal,
    kind_of,
    walk,
)
from services.rulebook.ruleset import RuleSet

RECOGNITION: Final = "recognition"
GRADE: Final = "grade"
LIST: Final = "list"
WON: Final = "won"


@dataclass(frozen=True)
class Column:
    """A column that the rules look at, and what it may hold."""

    name: str
    node: Asked
    low: int
    high: int

    @property
    def kind(self) -> Kind:
        return kind_of(self.node)

    @property
    def is_number(self) -> bool:
        return self.kind is Kind.NUMBER


def column_name(node: Asked, year: int) -> str:
    match node:
        case FactAt(name, _, back):
            return name if back is None else f"{name}.{year - back}"
        case Holds(scheme):
            return f"{RECOGNITION}.{scheme}"
        case Grade(scheme):
            return f"{GRADE}.{scheme}"
        case OnList(list_id):
            return f"{LIST}.{list_id}"
        case OnceEver(programme):
            return f"{WON}.{programme}"


def columns_of(rules: RuleSet, year: int) -> dict[str, Column]:
    """List every column that a rule set looks at; one that is absent is unknown for everyone."""
    columns: dict[str, Column] = {}
    for parsed in rules.programmes:
        for node in (part for root in parsed.nodes for part in walk(root)):
            for asked in _asked(node):
                name = column_name(asked, year)
                span = (0, 0)
                if isinstance(asked, FactAt) and asked.kind is Kind.NUMBER:
                    span = span_of(parsed.vocabulary[asked.name])
                columns[name] = Column(name, asked, *span)
    return dict(sorted(columns.items()))


def _asked(node: Node) -> list[Asked]:
    match node:
        case YearsTotal(name, years):
            return [FactAt(name, Kind.NUMBER, back) for back in range(years)]
        case Grade(scheme):
            return [node, Holds(scheme)]
        case FactAt() | Holds() | OnList() | OnceEver():
            return [node]
        case _:
            return []
