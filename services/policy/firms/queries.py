"""Reading what was heard of firms and lists."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.enterprise.contract.events import FirmChanged, Ground
from services.kernel.database import raw_connection
from services.kernel.errors import NotFound, Unavailable
from services.policy.firms.models import Firm, ListItem, ListVersion
from services.policy.firms.rules import KeptFirms, KnownFirm, ListEntry, StoredFirm

_STATES = "SELECT uscc, state::text FROM firm WHERE uscc = ANY($1::text[]) ORDER BY uscc"
_ITEMS = """
SELECT uscc, version_id FROM list_item
WHERE version_id = ANY($1::uuid[]) AND uscc = ANY($2::text[])
"""
HEARD_WAIT_S_MAX = 2
POLL_MS = 20


async def firm(session: AsyncSession, uscc: str, *, on: date, after: UUID | None) -> KnownFirm:
    """Find a firm with its lists of the day, having heard at least the given statement."""
    if after is not None:
        await wait_until_heard(session, uscc, after)
    found = await session.execute(select(Firm.state, Firm.grounds).where(Firm.uscc == uscc))
    row = found.one_or_none()
    if row is None:
        raise firm_not_found()
    grounds = tuple(Ground.model_validate(each) for each in row.grounds)
    return KnownFirm(
        FirmChanged.model_validate(row.state), await _lists(session, uscc, on), grounds
    )


async def grounds_of(session: AsyncSession, usccs: Iterable[str]) -> dict[str, tuple[Ground, ...]]:
    """Read what the facts of many firms rest on."""
    statement = select(Firm.uscc, Firm.grounds).where(Firm.uscc.in_(list(usccs)))
    rows = await session.execute(statement)
    return {uscc: tuple(Ground.model_validate(each) for each in said) for uscc, said in rows}


async def firms_on(session: AsyncSession, usccs: Iterable[str], on: date) -> list[StoredFirm]:
    """Read many firms at once, each with its lists of the day."""
    kept = await kept_firms(session, usccs, on)
    return [kept.stored(place) for place in range(len(kept.states))]


async def kept_firms(session: AsyncSession, usccs: Iterable[str], on: date) -> KeptFirms:
    """Read many firms at once, with the lists of the day; what they say is read later."""
    wanted = list(usccs)
    connection = await raw_connection(session)
    states = await connection.fetch(_STATES, wanted)
    versions = await versions_on(session, on)
    items = await connection.fetch(_ITEMS, [each.id for each in versions], wanted)
    members: dict[str, set[UUID]] = {}
    for uscc, version_id in items:
        members.setdefault(uscc, set()).add(version_id)
    return KeptFirms([(uscc, state) for uscc, state in states], versions, members)


async def versions_on(session: AsyncSession, on: date) -> Sequence[ListVersion]:
    """Read the versions of lists that cover a day."""
    return (await session.scalars(select(ListVersion).where(_covers(on)))).all()


async def wait_until_heard(session: AsyncSession, uscc: str, after: UUID) -> None:
    """Wait for a statement to arrive here, or say when to come back.

    Each look is a statement of its own, so that at READ COMMITTED it sees what has come since.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + HEARD_WAIT_S_MAX
    while not await _is_heard(session, uscc, after):
        if loop.time() >= deadline:
            raise Unavailable(
                "该陈述尚未送达本服务，请稍后重试。",
                "That statement has not arrived here yet; try again shortly.",
                code="facts-not-heard-yet",
                retry_after_s=1,
            )
        await asyncio.sleep(POLL_MS / 1000)


async def name_of(session: AsyncSession, uscc: str) -> str | None:
    return await session.scalar(select(Firm.name).where(Firm.uscc == uscc))


async def town_of(session: AsyncSession, uscc: str) -> str | None:
    return await session.scalar(select(Firm.town_code).where(Firm.uscc == uscc))


def is_in_town(uscc: InstrumentedAttribute[str], town_code: str) -> ColumnElement[bool]:
    """Filter by the town that a firm is in today."""
    return exists().where(Firm.uscc == uscc, Firm.town_code == town_code)


def firm_not_found() -> NotFound:
    return NotFound("没有这家企业。", "There is no such firm.")


async def _is_heard(session: AsyncSession, uscc: str, after: UUID) -> bool:
    of_firm = exists().where(Firm.uscc == uscc, Firm.statement_id >= after)
    of_list = exists().where(ListVersion.id == after, ListVersion.is_active)
    return bool(await session.scalar(select(or_(of_firm, of_list))))


async def _lists(session: AsyncSession, uscc: str, on: date) -> tuple[ListEntry, ...]:
    is_member = exists().where(ListItem.version_id == ListVersion.id, ListItem.uscc == uscc)
    columns: tuple[Any, ...] = (
        ListVersion.list, ListVersion.id, ListVersion.valid_from, ListVersion.recorded_at,
        ListVersion.complete, is_member, ListVersion.valid_to, ListVersion.document,
        ListVersion.department,
    )  # fmt: skip
    rows = await session.execute(select(*columns).where(_covers(on)))
    return tuple(ListEntry(*row) for row in rows)


def _covers(on: date) -> ColumnElement[bool]:
    return and_(
        ListVersion.is_active,
        ListVersion.valid_from <= on,
        or_(ListVersion.valid_to.is_(None), ListVersion.valid_to >= on),
    )
