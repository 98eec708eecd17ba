"""Reading seats: what an expert may see of the cases that he judges."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.cases.access import visible_to as cases_visible_to
from services.policy.cases.models import Case
from services.policy.panel_seats.access import seated
from services.policy.panel_seats.schemas import (
    PaperView,
    SeatSummary,
    SeatView,
    SheetVersionView,
    SheetView,
)
from services.policy.panels.models import Panel, PanelCase, PanelSheet, PanelSheetVersion
from services.policy.panels.queries import (
    cases,
    criterion_views,
    panel_not_found,
    results,
    score_line,
    sheets,
    total_of,
)
from services.policy.panels.rules import PanelState, SheetEvent, SheetState
from services.policy.panels.schemas import GivenPoints
from services.policy.plan.actions.load_library import library

# Drafts and what was cancelled are none of an expert's business.
SHOWN_TO_EXPERTS = (PanelState.OPEN, PanelState.CLOSED)


async def seat(
    session: AsyncSession, actor: Actor, panel_id: UUID, *, for_share: bool = False
) -> Panel:
    """Find a panel on which the caller sits; shared, so that experts write at once, none closes."""
    statement = select(Panel).where(
        Panel.id == panel_id, seated(actor), Panel.state.in_(SHOWN_TO_EXPERTS)
    )
    if for_share:
        statement = statement.with_for_update(read=True)
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise panel_not_found()
    return found


async def seats(session: AsyncSession, actor: Actor, page: PageRequest) -> list[Panel]:
    """List the panels on which the caller sits, the newest first."""
    statement = select(Panel).where(seated(actor), Panel.state.in_(SHOWN_TO_EXPERTS))
    if page.after is not None:
        statement = statement.where(Panel.id < UUID(page.after[0]))
    return list(await session.scalars(statement.order_by(Panel.id.desc()).limit(page.limit + 1)))


async def knows_a_case(session: AsyncSession, actor: Actor, panel_id: UUID) -> bool:
    """Tell whether the caller may read one of a panel's cases by any other right."""
    ids = select(PanelCase.case_id).where(PanelCase.panel_id == panel_id)
    statement = select(Case.id).where(Case.id.in_(ids), cases_visible_to(actor)).limit(1)
    return await session.scalar(statement) is not None


async def own_sheet(
    session: AsyncSession, actor: Actor, panel_id: UUID, sheet_id: UUID
) -> tuple[PanelSheet, PanelCase]:
    """Find and lock a sheet of the caller's own."""
    statement = (
        select(PanelSheet, PanelCase)
        .join(PanelCase, PanelCase.id == PanelSheet.panel_case_id)
        .where(
            PanelSheet.id == sheet_id, PanelSheet.panel_id == panel_id,
            PanelSheet.expert == actor.subject,
        )
        .with_for_update(of=PanelSheet)
    )  # fmt: skip
    found = (await session.execute(statement.execution_options(populate_existing=True))).first()
    if found is None:
        raise NotFound("没有这份评分表。", "There is no such sheet.")
    return found[0], found[1]


async def seat_summaries(
    session: AsyncSession, actor: Actor, found: Sequence[Panel]
) -> list[SeatSummary]:
    """Show an expert his panels, with how many sheets are still to be given."""
    ids = [each.id for each in found]
    papers = dict(
        (await session.execute(
            select(PanelCase.panel_id, func.count()).where(PanelCase.panel_id.in_(ids))
            .group_by(PanelCase.panel_id)
        )).tuples().all()
    )  # fmt: skip
    given = dict(
        (await session.execute(
            select(PanelSheet.panel_id, func.count())
            .where(PanelSheet.panel_id.in_(ids), PanelSheet.expert == actor.subject)
            .group_by(PanelSheet.panel_id)
        )).tuples().all()
    )  # fmt: skip
    return [
        SeatSummary(
            id=each.id, title=each.title, programme=each.programme, state=PanelState(each.state),
            edition=each.edition, papers=papers.get(each.id, 0),
            outstanding=papers.get(each.id, 0) - given.get(each.id, 0),
        )
        for each in found
    ]  # fmt: skip


async def seat_view(session: AsyncSession, actor: Actor, found: Panel) -> SeatView:
    """Show an expert what he judges: numbers, summaries and his own sheets; scores at the end."""
    own = {key: rows[0] for key, rows in (await sheets(session, found.id, actor.subject)).items()}
    kept = await _versions(session, own.values())
    programme = library().programmes.get(found.programme)
    closed = found.state == PanelState.CLOSED
    return SeatView(
        id=found.id, title=found.title, programme=found.programme,
        programme_title=programme.compiled.programme.title if programme else found.programme,
        state=PanelState(found.state), edition=found.edition, criteria=criterion_views(found),
        total_points=found.total_points,
        papers=[
            PaperView(
                number=row.number, summary=row.summary,
                sheet=_sheet_view(found, own[row.id], row.number, kept) if row.id in own else None,
            )
            for row, _ in await cases(session, found.id)
        ],
        results=[score_line(each) for each in await results(session, found.id, found.edition)]
        if closed else None,
    )  # fmt: skip


async def sheet_view(
    session: AsyncSession, found: Panel, row: PanelSheet, number: int
) -> SheetView:
    """Show an expert his own sheet with all its versions."""
    return _sheet_view(found, row, number, await _versions(session, [row]))


async def _versions(
    session: AsyncSession, own: Iterable[PanelSheet]
) -> dict[UUID, list[PanelSheetVersion]]:
    ids = [each.id for each in own]
    statement = select(PanelSheetVersion).where(PanelSheetVersion.sheet_id.in_(ids))
    found: dict[UUID, list[PanelSheetVersion]] = defaultdict(list)
    for row in await session.scalars(statement.order_by(PanelSheetVersion.version)):
        found[row.sheet_id].append(row)
    return found


def _sheet_view(
    found: Panel, row: PanelSheet, number: int, kept: dict[UUID, list[PanelSheetVersion]]
) -> SheetView:
    is_open = found.state == PanelState.OPEN
    return SheetView(
        id=row.id, number=number, state=SheetState(row.state), version=row.version,
        points=_given(row.points), total_thousandths=total_of(found, row), comment=row.comment,
        changed_at=row.changed_at, allowed_events=list(SheetEvent) if is_open else [],
        history=[
            SheetVersionView(
                version=each.version, state=SheetState(each.state), comment=each.comment,
                points=_given(each.points), reason=each.reason, at=each.at,
            )
            for each in kept[row.id]
        ],
    )  # fmt: skip


def _given(points: Sequence[Mapping[str, Any]]) -> list[GivenPoints]:
    return [GivenPoints.model_validate(each) for each in points]
