"""Finding and locking firms, and reading the whole current state of many at once."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import DatedCode, DatedValue, Ground, HeldRecognition
from services.enterprise.firms.access import firm_unknown, may_see, visible_to
from services.enterprise.firms.models import Firm, ProfileChange
from services.enterprise.firms.rules import (
    FISCAL_JURISDICTION,
    PROFILE_FACTS,
    Dated,
    joined_line,
    rests_on_firm,
)
from services.enterprise.firms.schemas import FirmView
from services.kernel.actors import Actor
from services.kernel.database import as_read, raw_connection
from services.kernel.errors import Malformed
from services.kernel.pages import PageRequest

# The nouns after this one keep facts and recognitions. Their rows are read here by name, in one
# statement a kind for any number of firms, because every change announces the whole state.
_YEARLY = """
SELECT uscc, jsonb_object_agg(fact, years)::text AS facts, string_agg(declared, ' ') AS declared
FROM (
    SELECT uscc, fact, jsonb_object_agg(year::text, value) AS years,
           string_agg(fact || ':' || year, ' ') FILTER (WHERE self_declared) AS declared FROM (
        SELECT DISTINCT ON (uscc, fact, year) uscc, fact, year, value, self_declared FROM (
            SELECT DISTINCT ON (uscc, fact, year, self_declared)
                   uscc, fact, year, self_declared, value
            FROM fact_statement WHERE uscc = ANY($1::text[]) AND year IS NOT NULL
            ORDER BY uscc, fact, year, self_declared, statement_id DESC
        ) AS latest WHERE value IS NOT NULL ORDER BY uscc, fact, year, self_declared
    ) AS counting GROUP BY uscc, fact
) AS facts GROUP BY uscc
"""
_DAILY = """
SELECT DISTINCT ON (uscc, fact, valid_from, self_declared)
       uscc, fact, valid_from, self_declared, value::text AS value
FROM fact_statement WHERE uscc = ANY($1::text[]) AND valid_from IS NOT NULL
ORDER BY uscc, fact, valid_from, self_declared, statement_id DESC
"""
_RECOGNITIONS = """
SELECT uscc, id, recognition, grade, valid_from, valid_to, revoked_on, issuer, document
FROM recognition WHERE uscc = ANY($1::text[]) ORDER BY uscc, recognition, valid_from
"""
_JURISDICTIONS = """
SELECT DISTINCT ON (uscc, valid_from) uscc, valid_from, value::text AS value
FROM profile_change WHERE uscc = ANY($1::text[]) AND field = $2
ORDER BY uscc, valid_from, statement_id DESC
"""
# What each value in force rests on, by the rule of `in_force`: the owner's statement, or the firm's
# own where the owner says nothing; facts of one statement together.
_GROUNDS = """
SELECT uscc, statement_id, department, source, recorded_at, valid_from,
       array_agg(name ORDER BY name) AS facts
FROM (
    SELECT DISTINCT ON (uscc, name)
           uscc, name, statement_id, department, source, recorded_at, valid_from
    FROM (
        SELECT * FROM (
            SELECT DISTINCT ON (uscc, fact, year, self_declared)
                   uscc, fact || ':' || year AS name, self_declared, value IS NULL AS is_withdrawn,
                   statement_id, department, source, recorded_at, valid_from
            FROM fact_statement WHERE uscc = ANY($1::text[]) AND year IS NOT NULL
            ORDER BY uscc, fact, year, self_declared, statement_id DESC
        ) AS yearly
        UNION ALL
        SELECT * FROM (
            SELECT DISTINCT ON (uscc, fact, self_declared)
                   uscc, fact AS name, self_declared, value IS NULL AS is_withdrawn,
                   statement_id, department, source, recorded_at, valid_from
            FROM fact_statement WHERE uscc = ANY($1::text[]) AND valid_from <= $2
            ORDER BY uscc, fact, self_declared, valid_from DESC, statement_id DESC
        ) AS daily
        UNION ALL
        SELECT * FROM (
            SELECT DISTINCT ON (uscc, field)
                   uscc, field AS name, FALSE AS self_declared, FALSE AS is_withdrawn,
                   statement_id, department, source, recorded_at, valid_from
            FROM profile_change
            WHERE uscc = ANY($1::text[]) AND valid_from <= $2 AND field = ANY($3::text[])
            ORDER BY uscc, field, valid_from DESC, statement_id DESC
        ) AS profile
    ) AS lines WHERE NOT is_withdrawn ORDER BY uscc, name, self_declared
) AS counting GROUP BY uscc, statement_id, department, source, recorded_at, valid_from
ORDER BY uscc, statement_id, valid_from
"""

_LOCK = f"""
SELECT {", ".join(column.name for column in Firm.__table__.columns)}
FROM firm WHERE uscc = $1 FOR UPDATE
"""  # noqa: S608  names of our own columns

CHANGES_SHOWN_MAX = 500
Lines = dict[str, tuple[list[Dated], list[Dated]]]


@dataclass
class FirmState:
    """Everything about a firm that is kept outside its own row."""

    fiscal_jurisdictions: list[DatedCode] = field(default_factory=list[DatedCode])
    yearly: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    daily: dict[str, list[DatedValue]] = field(default_factory=dict[str, list[DatedValue]])
    recognitions: list[HeldRecognition] = field(default_factory=list[HeldRecognition])
    declared: list[str] = field(default_factory=list[str])
    grounds: list[Ground] = field(default_factory=list[Ground])


async def find_firm(session: AsyncSession, actor: Actor, uscc: str) -> Firm:
    """Find a firm that the actor may know of."""
    firm = await session.scalar(select(Firm).where(Firm.uscc == uscc, visible_to(actor)))
    if firm is None:
        raise firm_unknown()
    return firm


async def lock_firm(session: AsyncSession, actor: Actor, uscc: str) -> Firm:
    """Find a firm and keep others from changing it until the transaction ends."""
    row = None
    if may_see(actor, uscc):
        connection = await raw_connection(session)
        row = await connection.fetchrow(_LOCK, uscc)
    if row is None:
        raise firm_unknown()
    return as_read(session, Firm, row)


async def lock_firms(session: AsyncSession, usccs: Collection[str]) -> dict[str, Firm]:
    """Lock many firms in the order of their codes, so that two writers never wait in a ring."""
    them = select(Firm).where(Firm.uscc.in_(usccs)).order_by(Firm.uscc).with_for_update()
    rows = await session.scalars(them.execution_options(populate_existing=True))
    return {firm.uscc: firm for firm in rows}


async def last_days_of_profile(
    session: AsyncSession, uscc: str, fields: Collection[str]
) -> dict[str, date]:
    """Give the latest day from which each field was ever stated."""
    latest = (
        select(ProfileChange.field, func.max(ProfileChange.valid_from))
        .where(ProfileChange.uscc == uscc, ProfileChange.field.in_(fields))
        .group_by(ProfileChange.field)
    )
    return dict((await session.execute(latest)).tuples().all())


async def profile_changes(session: AsyncSession, uscc: str) -> list[ProfileChange]:
    """List the latest changes of a profile, the newest first."""
    changes = select(ProfileChange).where(ProfileChange.uscc == uscc).limit(CHANGES_SHOWN_MAX)
    ordered = changes.order_by(ProfileChange.statement_id.desc(), ProfileChange.id)
    return list((await session.scalars(ordered)).all())


async def firm_states(
    session: AsyncSession, usccs: Collection[str], today: date
) -> dict[str, FirmState]:
    """Read the current state of firms; the caller has flushed what it changed."""
    states = {uscc: FirmState() for uscc in usccs}
    for uscc, code in await fiscal_jurisdictions(session, usccs):
        states[uscc].fiscal_jurisdictions.append(code)
    connection = await raw_connection(session)
    for uscc, facts, declared in await connection.fetch(_YEARLY, list(usccs)):
        states[uscc].yearly = orjson.loads(facts)
        states[uscc].declared = sorted((declared or "").split())
    for uscc, lines in _lines_by_firm(await connection.fetch(_DAILY, list(usccs))).items():
        states[uscc].daily = {name: _line(*each) for name, each in lines.items()}
        states[uscc].declared += [n for n in sorted(lines) if rests_on_firm(*lines[n], today)]
    for row in await connection.fetch(_RECOGNITIONS, list(usccs)):
        held = HeldRecognition(**{name: row[name] for name in HeldRecognition.model_fields})
        states[row["uscc"]].recognitions.append(held)
    grounded = [*PROFILE_FACTS, FISCAL_JURISDICTION]
    for row in await connection.fetch(_GROUNDS, list(usccs), today, grounded):
        ground = Ground(**{name: row[name] for name in Ground.model_fields})
        states[row["uscc"]].grounds.append(ground)
    return states


async def fiscal_jurisdictions(
    session: AsyncSession, usccs: Collection[str]
) -> list[tuple[str, DatedCode]]:
    """Give the fiscal jurisdictions of firms in the order of their days."""
    connection = await raw_connection(session)
    rows = await connection.fetch(_JURISDICTIONS, list(usccs), FISCAL_JURISDICTION)
    return [
        (row["uscc"], DatedCode(code=str(orjson.loads(row["value"])), valid_from=row["valid_from"]))
        for row in rows
    ]


async def firm_view(session: AsyncSession, firm: Firm, on: date) -> FirmView:
    """Show a firm's profile as it stands on a day."""
    codes = [code for _, code in await fiscal_jurisdictions(session, [firm.uscc])]
    begun = [each.code for each in codes if each.valid_from <= on]
    columns: dict[str, Any] = {name: getattr(firm, name, None) for name in FirmView.model_fields}
    columns["fiscal_jurisdiction"] = begun[-1] if begun else None
    columns["fiscal_jurisdictions"] = codes
    columns["statement_id"] = firm.last_statement_id
    return FirmView(**columns)


def after_text(page: PageRequest) -> str:
    """Give the code that a page begins after; nothing readable is the first page."""
    after = str(page.after[0]) if page.after else ""
    return after if after.isascii() and after.isprintable() else ""


def after_id(page: PageRequest) -> UUID | None:
    """Give the id that a page begins after."""
    try:
        return UUID(str(page.after[0])) if page.after else None
    except ValueError:
        raise Malformed(
            "cursor无法识别，请使用上一页返回的next_cursor。",
            "The cursor cannot be read; use next_cursor of the previous page.",
            code="cursor-invalid",
        ) from None


def _lines_by_firm(rows: list[Any]) -> dict[str, Lines]:
    firms: dict[str, Lines] = defaultdict(lambda: defaultdict(lambda: ([], [])))
    for row in rows:
        value = None if row["value"] is None else orjson.loads(row["value"])
        line = firms[row["uscc"]][row["fact"]][row["self_declared"]]
        line.append(Dated(row["valid_from"], value))
    return firms


def _line(owned: list[Dated], declared: list[Dated]) -> list[DatedValue]:
    return [
        DatedValue(value=each.value, valid_from=each.valid_from)
        for each in joined_line(owned, declared)
    ]
