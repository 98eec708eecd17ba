"""Reading statements: those that stand, and those that stood at an instant."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.facts.models import FactStatement
from services.enterprise.facts.rules import in_force
from services.enterprise.facts.schemas import DayFactsView, IndicatorsView, StatementView
from services.enterprise.firms.models import Firm, ProfileChange
from services.enterprise.firms.rules import PROFILE_FACTS
from services.enterprise.vocabulary.rules import FactValue, fact
from services.kernel.database import raw_connection

OwnedKey = tuple[str, int | date]

# One row a firm and period: what the owners last said of it, whatever the number of facts.
_OWNED_YEARS = """
SELECT uscc, year AS period, jsonb_object_agg(fact, value)::text AS facts FROM (
    SELECT DISTINCT ON (s.uscc, s.fact, s.year) s.uscc, s.fact, s.year, s.value
    FROM unnest($1::text[], $2::bigint[]) AS asked (uscc, year)
    JOIN fact_statement s USING (uscc, year)
    WHERE NOT s.self_declared ORDER BY s.uscc, s.fact, s.year, s.statement_id DESC
) AS latest GROUP BY uscc, year
"""
_STANDING = """
SELECT DISTINCT ON (fact, self_declared)
       fact, value::text, source, department, self_declared, recorded_at, statement_id
FROM fact_statement WHERE uscc = $1 AND year = $2
ORDER BY fact, self_declared, statement_id DESC
"""
_OWNED_DAYS = """
SELECT uscc, valid_from AS period, jsonb_object_agg(fact, value)::text AS facts FROM (
    SELECT DISTINCT ON (s.uscc, s.fact, s.valid_from) s.uscc, s.fact, s.valid_from, s.value
    FROM unnest($1::text[], $2::date[]) AS asked (uscc, valid_from)
    JOIN fact_statement s USING (uscc, valid_from)
    WHERE NOT s.self_declared ORDER BY s.uscc, s.fact, s.valid_from, s.statement_id DESC
) AS latest GROUP BY uscc, valid_from
"""


@dataclass(frozen=True)
class Entry:
    """A statement of a fact or of the profile, in one shape."""

    fact: str
    value: FactValue | None
    year: int | None
    valid_from: date | None
    source: str | None
    department: str | None
    self_declared: bool
    recorded_at: datetime
    statement_id: UUID


async def indicators(
    session: AsyncSession, firm: Firm, year: int, as_of: datetime | None = None
) -> IndicatorsView:
    """Give a firm's facts of a year, as they stand or as they stood recorded at an instant."""
    entries = await yearly_entries(session, firm.uscc, as_of, year=year)
    values, statements = told(entries)
    return IndicatorsView(
        uscc=firm.uscc, year=year, as_of=as_of, statement_id=firm.last_statement_id,
        facts=values, statements=statements,
    )  # fmt: skip


async def day_facts(
    session: AsyncSession, firm: Firm, on: date, as_of: datetime | None = None
) -> DayFactsView:
    """Give a firm's facts as of a day, as they stand or as they stood recorded at an instant."""
    values, statements = told(await daily_entries(session, firm.uscc, as_of), on)
    return DayFactsView(
        uscc=firm.uscc, on=on, as_of=as_of, statement_id=firm.last_statement_id,
        facts=values, statements=statements,
    )  # fmt: skip


async def yearly_entries(
    session: AsyncSession, uscc: str, as_of: datetime | None = None, *, year: int | None = None
) -> list[Entry]:
    """List the newest statement of each party for each fact and year."""
    if year is not None and as_of is None:
        return await _entries_of_year(session, uscc, year)
    in_year = FactStatement.year == year if year is not None else FactStatement.year.is_not(None)
    newest = (
        select(FactStatement)
        .distinct(FactStatement.fact, FactStatement.year, FactStatement.self_declared)
        .where(FactStatement.uscc == uscc, in_year, _recorded(FactStatement, as_of))
        .order_by(
            FactStatement.fact, FactStatement.year, FactStatement.self_declared,
            FactStatement.statement_id.desc(),
        )
    )  # fmt: skip
    return await _entries(session, newest)


async def daily_entries(
    session: AsyncSession, uscc: str, as_of: datetime | None = None
) -> list[Entry]:
    """List the newest statement of each party for each fact and day, the profile's among them."""
    newest = (
        select(FactStatement)
        .distinct(FactStatement.fact, FactStatement.valid_from, FactStatement.self_declared)
        .where(
            FactStatement.uscc == uscc, FactStatement.valid_from.is_not(None),
            _recorded(FactStatement, as_of),
        )
        .order_by(
            FactStatement.fact, FactStatement.valid_from, FactStatement.self_declared,
            FactStatement.statement_id.desc(),
        )
    )  # fmt: skip
    return await _profile_entries(session, uscc, as_of) + await _entries(session, newest)


def told(
    entries: Iterable[Entry], on: date | None = None
) -> tuple[dict[str, FactValue], list[StatementView]]:
    """Tell which values are in force, and show every statement with whether it counts."""
    lines: dict[str, tuple[list[Entry], list[Entry]]] = defaultdict(lambda: ([], []))
    for entry in entries:
        lines[entry.fact][entry.self_declared].append(entry)
    values: dict[str, FactValue] = {}
    statements: list[StatementView] = []
    for name, (owned, declared) in lines.items():
        counting = in_force(owned, declared, on)
        if counting is not None and counting.value is not None:
            values[name] = counting.value
        statements += [_view(each, counts=each is counting) for each in (*owned, *declared)]
    return values, statements


async def owned_values(
    session: AsyncSession, asked: Collection[OwnedKey]
) -> dict[OwnedKey, dict[str, FactValue | None]]:
    """Give what the owners last said of firms, for years or for days."""
    if not asked:
        return {}
    usccs, periods = zip(*asked, strict=True)
    statement = _OWNED_YEARS if isinstance(periods[0], int) else _OWNED_DAYS
    connection = await raw_connection(session)
    rows = await connection.fetch(statement, list(usccs), list(periods))
    return {(row["uscc"], row["period"]): orjson.loads(row["facts"]) for row in rows}


async def _entries(session: AsyncSession, newest: Select[tuple[FactStatement]]) -> list[Entry]:
    return [
        Entry(
            s.fact, s.value, s.year, s.valid_from, s.source, s.department, s.self_declared,
            s.recorded_at, s.statement_id,
        )
        for s in await session.scalars(newest)
    ]  # fmt: skip


async def _entries_of_year(session: AsyncSession, uscc: str, year: int) -> list[Entry]:
    """Read what stands for a year without building an object a row: every statement ends so."""
    connection = await raw_connection(session)
    rows = await connection.fetch(_STANDING, uscc, year)
    return [
        Entry(
            fact, None if value is None else orjson.loads(value), year, None, source, department,
            self_declared, recorded_at, statement_id,
        )
        for fact, value, source, department, self_declared, recorded_at, statement_id in rows
    ]  # fmt: skip


async def _profile_entries(session: AsyncSession, uscc: str, as_of: datetime | None) -> list[Entry]:
    newest = (
        select(ProfileChange)
        .distinct(ProfileChange.field, ProfileChange.valid_from)
        .where(
            ProfileChange.uscc == uscc, ProfileChange.field.in_(PROFILE_FACTS),
            _recorded(ProfileChange, as_of),
        )
        .order_by(
            ProfileChange.field, ProfileChange.valid_from, ProfileChange.statement_id.desc()
        )
    )  # fmt: skip
    return [
        Entry(
            fact=c.field, value=c.value, year=None, valid_from=c.valid_from, source=c.source,
            department=c.department, self_declared=False, recorded_at=c.recorded_at,
            statement_id=c.statement_id,
        )
        for c in await session.scalars(newest)
    ]  # fmt: skip


def _recorded(model: Any, as_of: datetime | None) -> Any:
    return true() if as_of is None else model.recorded_at <= as_of


def _view(entry: Entry, *, counts: bool) -> StatementView:
    known = fact(entry.fact)
    return StatementView(
        fact=entry.fact, value=entry.value, year=entry.year, valid_from=entry.valid_from,
        unit=known.unit if known else None, source=entry.source,
        lawful_source=known.source if known else "", department=entry.department,
        self_declared=entry.self_declared, counts=counts, recorded_at=entry.recorded_at,
        statement_id=entry.statement_id,
    )  # fmt: skip
