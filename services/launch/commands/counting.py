"""How many records serve each measure, counted where they lie.

What bears a programme or a measure is counted by it, titles and lists by the names that a rule
looks at; what serves all measures alike is counted once, and never shown as a measure's own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.plan.rules import Library, Measure, PlanProgramme
from services.rulebook import rule_set
from services.rulebook.columns.naming import columns_of
from services.rulebook.nodes import Holds, OnList

BY_PROGRAMME: Final = "programme = ANY(CAST(:programmes AS text[]))"
# Where the records of a kind are, and which of them are a measure's own.
OWN: Final[Mapping[str, str]] = {
    "enterprise.recognitions": "recognition WHERE recognition = ANY(CAST(:titles AS text[]))",
    "enterprise.lists": "list_version WHERE list = ANY(CAST(:lists AS text[]))",
    "policy.cases": f"policy_case WHERE {BY_PROGRAMME}",
    "policy.calls": f"call WHERE {BY_PROGRAMME}",
    "policy.recommendations": f"recommendation WHERE {BY_PROGRAMME}",
    "policy.panels": f"panel WHERE {BY_PROGRAMME}",
    "policy.tasks": "task WHERE measure = :number",
    "finance.budgets": f"budget WHERE measure = :number OR {BY_PROGRAMME}",
    "finance.awards": f"award WHERE {BY_PROGRAMME}",
    "finance.payouts": (
        "payout WHERE id IN (SELECT payout_id FROM payout_line l JOIN award a ON a.id = l.award_id"
        " WHERE a.programme = ANY(CAST(:programmes AS text[])))"
    ),
    "finance.aid": f"aid WHERE {BY_PROGRAMME}",
}
# What serves several measures alike; nothing keeps a kind that is in neither table yet.
SHARED: Final[Mapping[str, str]] = {
    "enterprise.firms": "firm",
    "enterprise.facts": "fact_statement",
    "policy.meetings": "meeting",
}


@dataclass(frozen=True)
class Counts:
    """The records of each measure by its number and kind, and of each kind that is shared."""

    own: Mapping[tuple[int, str], int]
    shared: Mapping[str, int]

    def joined(self, other: "Counts") -> "Counts":
        return Counts({**self.own, **other.own}, {**self.shared, **other.shared})


NOTHING: Final = Counts({}, {})


@dataclass(frozen=True)
class Names:
    """What the records of a measure are found by."""

    number: int
    programmes: tuple[str, ...]
    titles: tuple[str, ...]
    lists: tuple[str, ...]


async def counted(session: AsyncSession, service: str, names: Iterable[Names]) -> Counts:
    """Count what a service keeps, for every measure and in all."""
    measures = list(names)
    own = {
        (each.number, kind): await _count(session, place, vars(each))
        for kind, place in OWN.items()
        if kind.startswith(f"{service}.")
        for each in measures
    }
    shared = {
        kind: await _count(session, place, {})
        for kind, place in SHARED.items()
        if kind.startswith(f"{service}.")
    }
    return Counts(own, shared)


def names_of(measure: Measure, plans: Library, on: date) -> Names:
    """Give the programmes of a measure, and the titles and lists that their rules look at."""
    programmes = tuple(dict.fromkeys(measure.programmes))
    titles: set[str] = set()
    lists: set[str] = set()
    for each in (edition for name in programmes for edition in plans.editions[name]):
        titles.update(_handed_out(each))
        for column in columns_of(rule_set([each.compiled]), on.year - 1).values():
            if isinstance(column.node, Holds):
                titles.add(column.node.scheme)
            elif isinstance(column.node, OnList):
                lists.add(column.node.list_id)
    return Names(measure.number or 0, programmes, tuple(sorted(titles)), tuple(sorted(lists)))


def _handed_out(each: PlanProgramme) -> list[str]:
    rule = each.compiled.programme
    given = (rule.grants, rule.recommends)
    return [title.recognition for title in given if title is not None and title.recognition]


async def _count(session: AsyncSession, place: str, given: Mapping[str, object]) -> int:
    asked = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if f":{name}" in place
    }
    found = await session.scalar(text(f"SELECT count(*) FROM {place}"), asked)  # noqa: S608
    return found or 0
