"""What may be received together, on plain values: the rules that the plans state as data."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.kernel.errors import Conflict
from services.rulebook.stacking import Clause, Limit, OneClause, StackingMode, StackingTerms

# The level of our own awards.
OWN_LEVEL: Final = "cixi"


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

    def terms(self, mode: StackingMode) -> StackingTerms:
        """Put the rules of all plans together, as they hold under a mode."""
        counted = tuple(rule.counts for rule in self.one_clause if rule.counts is not None)
        return StackingTerms(mode, self.highest.clause, counted)


def require_known(limits: Iterable[Limit]) -> tuple[Limit, ...]:
    """Propose nothing while a ceiling is open: no money is given up to a limit nobody knows."""
    known = tuple(limits)
    if not_known := [limit for limit in known if limit.limit_fen is None]:
        raise Conflict(
            f"限额尚不能计算，不能提请批准：{'；'.join(limit.says for limit in not_known)}；"
            "请补充所缺事实，或先报批所缺参数。",
            f"A ceiling is not known yet: {', '.join(limit.id for limit in not_known)};"
            " state the facts that it lacks, or have its parameter set first.",
            code="ceiling-unknown",
        )
    return known
