"""Finding firms, and gathering everything of one."""

from collections.abc import AsyncIterator
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.enterprise.codes.industries import industry
from services.enterprise.codes.towns import town
from services.enterprise.codes.uscc import UsccInvalid, canonical_uscc
from services.enterprise.facts.queries import daily_entries, told, yearly_entries
from services.enterprise.facts.schemas import StatementView
from services.enterprise.files.schemas import (
    FirmFile,
    FirmRow,
    Membership,
    ProfileChangeView,
    Search,
)
from services.enterprise.firms.access import visible_to
from services.enterprise.firms.models import Firm
from services.enterprise.firms.queries import (
    firm_view,
    fiscal_jurisdictions,
    profile_changes,
)
from services.enterprise.firms.rules import normal_name, search_tokens
from services.enterprise.lists.queries import item_view, memberships, version_view
from services.enterprise.recognitions.models import Recognition
from services.enterprise.recognitions.queries import holding, recognition_views, recognitions_of
from services.enterprise.vocabulary.rules import FactValue
from services.kernel.actors import Actor

EXPORTED_AT_ONCE = 1000


async def search_firms(
    session: AsyncSession, actor: Actor, search: Search, on: date, *, after: str, limit: int
) -> list[FirmRow]:
    """List the firms that the actor may see and that the search finds, by their codes."""
    found = _found(actor, search, on).where(Firm.uscc > after).order_by(Firm.uscc).limit(limit)
    firms = (await session.scalars(found)).all()
    jurisdictions: dict[str, str] = {}
    for uscc, code in await fiscal_jurisdictions(session, [firm.uscc for firm in firms]):
        if code.valid_from <= on:
            jurisdictions[uscc] = code.code
    return [_row(firm, jurisdictions.get(firm.uscc)) for firm in firms]


async def count_firms(
    session: AsyncSession, actor: Actor, search: Search, on: date, *, limit: int
) -> int:
    """Count what a search finds, up to a limit."""
    found = _found(actor, search, on).with_only_columns(Firm.uscc).limit(limit).subquery()
    return await session.scalar(select(func.count()).select_from(found)) or 0


async def every_firm(
    sessions: async_sessionmaker[AsyncSession], actor: Actor, search: Search, on: date
) -> AsyncIterator[list[FirmRow]]:
    """Give all that a search finds, some at a time; no transaction waits for a slow reader."""
    after = ""
    while True:
        async with sessions() as session:
            rows = await search_firms(
                session, actor, search, on, after=after, limit=EXPORTED_AT_ONCE
            )
        if not rows:
            return
        yield rows
        after = rows[-1].uscc


async def firm_file(session: AsyncSession, actor: Actor, firm: Firm, on: date) -> FirmFile:
    """Gather everything that the register holds of a firm."""
    yearly: dict[str, dict[str, FactValue]] = {}
    statements: list[StatementView] = []
    by_year = sorted(await yearly_entries(session, firm.uscc), key=lambda entry: entry.year or 0)
    for year, entries in groupby(by_year, key=lambda entry: entry.year):
        yearly[str(year)], said = told(entries)
        statements += said
    daily, said = told(await daily_entries(session, firm.uscc), on)
    view = await firm_view(session, firm, on)
    return FirmFile(
        **view.model_dump(),
        industry=known.zh if (known := industry(firm.industry_code)) else None,
        town=place.zh if (place := town(firm.town_code)) else None,
        yearly=yearly,
        daily=daily,
        statements=statements + said,
        recognitions=await recognition_views(
            session, actor, await recognitions_of(session, firm.uscc), on
        ),
        lists=await _memberships(session, actor, firm.uscc),
        profile_changes=await _changes(session, firm.uscc),
    )


def _found(actor: Actor, search: Search, on: date) -> Select[tuple[Firm]]:
    found = select(Firm).where(visible_to(actor))
    if search.q is not None:
        found = found.where(_named(search.q))
    if search.town_code is not None:
        found = found.where(Firm.town_code == search.town_code)
    if search.industry_code is not None:
        found = found.where(Firm.industry_code.startswith(search.industry_code))
    if search.recognition is not None:
        found = found.where(
            Firm.uscc.in_(select(Recognition.uscc).where(holding(search.recognition, on)))
        )
    return found


def _named(q: str) -> ColumnElement[bool]:
    """Match a part of the name by its pairs of characters, or a whole code."""
    normal = normal_name(q)
    if not normal:
        return true()
    named = Firm.name_tokens.contains(search_tokens(normal)) & (
        func.strpos(Firm.name_normal, normal) > 0
    )
    try:
        return or_(named, Firm.uscc == canonical_uscc(q))
    except UsccInvalid:
        return named


def _row(firm: Firm, fiscal_jurisdiction: str | None) -> FirmRow:
    columns: dict[str, Any] = {
        name: getattr(firm, name) for name in FirmRow.model_fields if name != "fiscal_jurisdiction"
    }
    return FirmRow(**columns, fiscal_jurisdiction=fiscal_jurisdiction)


async def _memberships(session: AsyncSession, actor: Actor, uscc: str) -> list[Membership]:
    return [
        Membership(
            list=version.list, version=version_view(version),
            data=item_view(item).model_dump(exclude={"uscc"}),
        )
        for version, item in await memberships(session, actor, uscc)
    ]  # fmt: skip


async def _changes(session: AsyncSession, uscc: str) -> list[ProfileChangeView]:
    return [
        ProfileChangeView.model_validate(change, from_attributes=True)
        for change in await profile_changes(session, uscc)
    ]
