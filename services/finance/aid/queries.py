"""Reading the aid ledger."""

from collections.abc import AsyncIterator
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.aid.access import allowed_events, visible_to
from services.finance.aid.models import HAS_YEAR_CEILING, Aid
from services.finance.aid.rules import COUNTED, AidState, Purpose
from services.finance.aid.schemas import AidView
from services.finance.contract.events import AidChanged
from services.finance.paging import newest_first
from services.finance.parties import FIRM, MatterView, PartyView, canonical_id
from services.kernel.actors import Actor
from services.kernel.database import raw_connection
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest, in_portions
from services.rulebook import stacking
from services.rulebook.stacking import limits_from

# What somebody declares, apart from what our awards enter.
DECLARABLE = (AidState.DECLARED, AidState.WITHDRAWN)
# In this order everywhere: a matter, then the beneficiary, then what a ceiling has left.
_LOCK = "SELECT pg_advisory_xact_lock($1), pg_advisory_xact_lock_shared($2)"
_LOCK_ALONE = "SELECT pg_advisory_xact_lock($1), pg_advisory_xact_lock($2)"
_COUNTED = """
SELECT id, level, programme, amount_fen, document, matter_key, stacking_group, relation, year,
       nullif(limits, '[]')::text AS limits
FROM aid
WHERE beneficiary_kind = $1 AND beneficiary_id = $2
  AND state = ANY($4::text[]) AND ($5::uuid IS NULL OR award_id IS DISTINCT FROM $5)
"""
_STANDING = f"""
{_COUNTED} AND matter_key = $3
UNION ALL
{_COUNTED} AND matter_key <> $3 AND {HAS_YEAR_CEILING}
"""
_ELSEWHERE = f"{_COUNTED} AND matter_key <> $3"


async def lock_purpose(session: AsyncSession, purpose: Purpose, *, alone: bool = False) -> None:
    """Let no one else grant or declare aid for this matter until this transaction ends.

    `alone` is for terms that count other matters: then for none of the beneficiary's.
    """
    keys = purpose.lock_keys()
    connection = await raw_connection(session)
    await connection.execute(_LOCK_ALONE if alone else _LOCK, keys.matter, keys.beneficiary)


async def lock_ceiling(session: AsyncSession, purpose: Purpose) -> None:
    """Let those who share a ceiling that stands take of it one after the other."""
    connection = await raw_connection(session)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", purpose.lock_keys().ceiling)


async def aid(session: AsyncSession, actor: Actor, aid_id: UUID, *, lock: bool = False) -> Aid:
    """Find aid that the caller may know of."""
    statement = select(Aid).where(Aid.id == aid_id, visible_to(actor))
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = await session.scalar(statement)
    if found is None:
        raise NotFound("没有这条补助记录。", "There is no such aid.")
    return found


async def aids(
    session: AsyncSession, actor: Actor, page: PageRequest, *, beneficiary: str | None
) -> list[Aid]:
    """List the aid that the caller may know of, the newest first."""
    statement = select(Aid).where(visible_to(actor))
    if beneficiary is not None:
        written = (beneficiary, canonical_id(FIRM, beneficiary))
        statement = statement.where(Aid.beneficiary_id.in_(written))
    return list(await session.scalars(newest_first(statement, Aid.id, page)))


async def declared_before(session: AsyncSession, candidate: Aid) -> Aid | None:
    """Find what was declared before for the same matter by the same document."""
    return await session.scalar(
        select(Aid).where(
            Aid.state == AidState.DECLARED,
            Aid.beneficiary_kind == candidate.beneficiary_kind,
            Aid.beneficiary_id == candidate.beneficiary_id,
            Aid.matter_key == candidate.matter_key,
            Aid.level == candidate.level,
            Aid.programme == candidate.programme,
            Aid.document == candidate.document,
        )
    )


def purpose_of(row: Aid) -> Purpose:
    return Purpose(row.beneficiary_kind, row.beneficiary_id, row.matter_key, row.stacking_group)


async def may_see(session: AsyncSession, actor: Actor, aid_id: UUID) -> bool:
    found = await session.scalar(select(Aid.id).where(Aid.id == aid_id, visible_to(actor)))
    return found is not None


async def of_award(session: AsyncSession, award_id: UUID) -> Aid | None:
    connection = await raw_connection(session)
    aid_id = await connection.fetchval("SELECT id FROM aid WHERE award_id = $1", award_id)
    return None if aid_id is None else await session.get(Aid, aid_id)


async def standing(
    session: AsyncSession, purpose: Purpose, *, besides_award: UUID | None
) -> list[stacking.Aid]:
    """List what stands for a matter, in the order of its entry.

    Aid for other matters is among it where its own ceiling is one of the year.
    """
    return await _counted(session, _STANDING, purpose, besides_award)


async def elsewhere(
    session: AsyncSession, purpose: Purpose, *, besides_award: UUID | None
) -> list[stacking.Aid]:
    """List what stands for the beneficiary's other matters, in the order of its entry."""
    return await _counted(session, _ELSEWHERE, purpose, besides_award)


async def _counted(
    session: AsyncSession, statement: str, purpose: Purpose, besides_award: UUID | None
) -> list[stacking.Aid]:
    connection = await raw_connection(session)
    rows = await connection.fetch(
        statement, purpose.beneficiary_kind, purpose.beneficiary_id, purpose.matter_key,
        [str(state) for state in COUNTED], besides_award,
    )  # fmt: skip
    # Sorted here: to have them in order, the planner would walk the whole table by its key.
    rows.sort(key=itemgetter("id"))
    return [
        stacking.Aid(
            id=str(row["id"]), level=row["level"], programme=row["programme"],
            amount_fen=row["amount_fen"], document=row["document"], matter=row["matter_key"],
            group=row["stacking_group"], relation=row["relation"], year=row["year"],
            limits=limits_from(orjson.loads(row["limits"])) if row["limits"] else (),
        )
        for row in rows
    ]  # fmt: skip


def view(actor: Actor, row: Aid) -> AidView:
    """Show aid to a caller."""
    return AidView(
        id=row.id,
        award_id=row.award_id,
        level=row.level,
        programme=row.programme,
        beneficiary=PartyView(kind=row.beneficiary_kind, id=row.beneficiary_id),
        matter=MatterView(kind=row.matter_kind, id=row.matter_id, period=row.matter_period),
        stacking_group=row.stacking_group,
        relation=row.relation,
        amount_fen=row.amount_fen,
        paid_on=row.paid_on,
        document=row.document,
        state=row.state,
        version=row.version,
        department=row.department,
        created_at=row.created_at,
        allowed_events=allowed_events(actor, row),
    )


async def restate_aid(session: AsyncSession) -> AsyncIterator[AidChanged]:
    """Give the whole current state of all aid that was declared of firms."""
    declared = select(Aid).where(Aid.beneficiary_kind == FIRM, Aid.state.in_(DECLARABLE))
    async for row in in_portions(session, declared, Aid.id):
        yield state_of(row)


def state_of(row: Aid) -> AidChanged:
    """Put declared aid into the event that announces it; the table's checks hold its words."""
    words: dict[str, Any] = {"level": row.level, "relation": row.relation, "state": row.state}
    return AidChanged(
        version=row.version, aid_id=row.id, beneficiary_id=row.beneficiary_id,
        matter_key=row.matter_key, programme=row.programme, stacking_group=row.stacking_group,
        year=row.year, amount_fen=row.amount_fen, **words,
    )  # fmt: skip
