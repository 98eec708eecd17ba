"""What may be received together, on plain values: the rules that the plans state as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.rulebook.stacking import Clause, OneClause


class Confidence(StrEnum):
    """How surely the words of a rule are those of its text."""

    VERBATIM = "verbatim"
    SECONDARY = "secondary"
    READING = "reading"


@dataclass(frozen=True)
class StackingRule:
    """A rule of what may be received together; `counts` is what a one-clause rule names."""

    plan: str
    clause: Clause
    english: str
    confidence: Confidence
    reading: str | None
    counts: OneClause | None = None


@dataclass(frozen=True)
class StackingGroup:
    id: str
    title: str
    english: str


@dataclass(frozen=True)
class Stacking:
    """What may be received together: 从高、不重复 with its mode, one-clause rules, shared groups.

    `open` names, by plan, what its text may say of it that nobody here has read.
    """

    highest: StackingRule
    mode: str
    one_clause: tuple[StackingRule, ...]
    groups: Mapping[str, StackingGroup]
    open: Mapping[str, tuple[str, ...]]

    @property
    def counted(self) -> tuple[OneClause, ...]:
        return tuple(rule.counts for rule in self.one_clause if rule.counts is not None)
