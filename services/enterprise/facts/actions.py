"""Stating facts: each statement is added, none is changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.facts.access import declares_itself, require_self_declarable
from services.enterprise.facts.rules import Values, checked_facts, require_year
from services.enterprise.firms.actions import (
    advance,
    announce_firms,
    remind_of_day,
    require_begun,
    state_profile,
    write_advance,
)
from services.enterprise.firms.models import Firm
from services.enterprise.firms.queries import lock_firm
from services.enterprise.firms.rules import PROFILE_FACTS
from services.enterprise.vocabulary.actions import own_every_fact
from services.enterprise.vocabulary.queries import require_facts_owned
from services.enterprise.vocabulary.rules import Period
from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.database import raw_connection
from services.kernel.days import parse_day
from services.kernel.strict_json import canonical

__all__ = ["Statement", "own_every_fact", "record_statements", "state_day", "state_year"]

# One statement whatever the number of facts: an import states ten thousands of them.
_INSERT = """
INSERT INTO fact_statement (statement_id, uscc, fact, year, value, valid_from, source,
                            recorded_at, stated_by, department, self_declared)
SELECT t.statement_id, t.uscc, t.fact, t.year, t.value::jsonb, t.valid_from, t.source,
       $8, $9, $10, $11
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::date[],
            $7::text[]) AS t (statement_id, uscc, fact, year, value, valid_from, source)
"""


@dataclass(frozen=True)
class Statement:
    """What is said of one firm at once: of a year, or from a day on."""

    values: Values
    source: str | None = None
    year: int | None = None
    valid_from: date | None = None


async def state_year(
    session: AsyncSession,
    actor: Actor,
    uscc: str,
    year: int,
    given: Mapping[str, Any],
    source: str | None,
    *,
    now: datetime,
) -> Firm:
    """State facts of a year: all of them, or none if one does not fit or is not the actor's."""
    firm = await lock_firm(session, actor, uscc)
    require_year(year, city_day(now))
    values = checked_facts(Period.YEARLY, given)
    await _require_may_state(session, actor, values)
    await _state(session, actor, firm, Statement(values, source, year=year), now=now)
    return firm


async def state_day(
    session: AsyncSession,
    actor: Actor,
    uscc: str,
    given: Mapping[str, Any],
    valid_from: date | None,
    source: str | None,
    *,
    now: datetime,
) -> Firm:
    """State facts from a day on: all of them, or none if one does not fit or is not the actor's."""
    firm = await lock_firm(session, actor, uscc)
    values = checked_facts(Period.DAY, given)
    await _require_may_state(session, actor, values)
    today = city_day(now)
    since = valid_from or today
    if values.keys() & set(PROFILE_FACTS):
        require_begun(values, since, today)
    await _state(session, actor, firm, Statement(values, source, valid_from=since), now=now)
    return firm


async def record_statements(
    session: AsyncSession,
    actor: Actor,
    firms: Mapping[str, Firm],
    statements: Sequence[tuple[str, Statement]],
    *,
    now: datetime,
) -> None:
    """Record checked statements of locked firms, each under an id of its own."""
    rows: list[tuple[Any, ...]] = []
    for uscc, statement in statements:
        firm = firms[uscc]
        advance(firm, now)
        profile = {n: v for n, v in statement.values.items() if n in PROFILE_FACTS}
        if profile and statement.valid_from is not None:
            typed = {n: parse_day(v) if n == "established_on" else v for n, v in profile.items()}
            await state_profile(
                session, actor, firm, typed, statement.valid_from, statement.source, now=now
            )
            await session.flush()
        rows += [
            (
                firm.last_statement_id, uscc, name, statement.year,
                None if value is None else canonical(value), statement.valid_from, statement.source,
            )
            for name, value in statement.values.items()
            if name not in profile
        ]  # fmt: skip
    today = city_day(now)
    days = {(uscc, s.valid_from) for uscc, s in statements if s.valid_from is not None}
    for uscc, day in sorted(each for each in days if each[1] > today):
        await remind_of_day(session, uscc, day)
    await write_advance(session, [firms[uscc] for uscc in sorted({u for u, _ in statements})])
    if not rows:
        return
    declared = declares_itself(actor)
    connection = await raw_connection(session)
    await connection.execute(
        _INSERT, *(list(column) for column in zip(*rows, strict=True)), now, actor.subject,
        None if declared else actor.department, declared,
    )  # fmt: skip


async def _require_may_state(session: AsyncSession, actor: Actor, values: Values) -> None:
    if declares_itself(actor):
        require_self_declarable(values)
    else:
        await require_facts_owned(session, actor, values)


async def _state(
    session: AsyncSession, actor: Actor, firm: Firm, statement: Statement, *, now: datetime
) -> None:
    await record_statements(session, actor, {firm.uscc: firm}, [(firm.uscc, statement)], now=now)
    period = str(statement.year) if statement.year else str(statement.valid_from)
    audit(
        session, actor, "fact.state", "firm", firm.uscc, now=now,
        detail={
            "statement_id": str(firm.last_statement_id), "period": period,
            "facts": sorted(statement.values), "self_declared": declares_itself(actor),
        },
    )  # fmt: skip
    await announce_firms(session, [firm], now=now)
