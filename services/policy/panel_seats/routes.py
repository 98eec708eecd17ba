from uuid import UUID

from fastapi import Response

from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.panel_seats import actions, queries
from services.policy.panel_seats.access import Expert
from services.policy.panel_seats.schemas import (
    NewSheet,
    SeatList,
    SeatView,
    SheetDeed,
    SheetView,
)

router = noun_router("policy", "panel-seats")


@router.get("")
async def list_seats(actor: Expert, session: Session, page: Page) -> SeatList:
    """List the panels that the caller sits on, the newest first, and what is still to be judged."""
    rows = await queries.seats(session, actor, page)
    found = page_of(rows, page, lambda row: [row.id])
    items = await queries.seat_summaries(session, actor, found["items"])
    return SeatList(items=items, next_cursor=found["next_cursor"])


@router.get("/{panel_id}")
async def get_seat(panel_id: UUID, actor: Expert, session: Session) -> SeatView:
    """Read what one judges: numbers and summaries without names, and one's own sheets."""
    panel = await actions.open_seat(session, actor, panel_id)
    return await queries.seat_view(session, actor, panel)


@router.post("/{panel_id}/sheets", status_code=201, dependencies=[KEYED])
async def hand_in_sheet(
    panel_id: UUID, body: NewSheet, actor: Expert, session: Session, now: Now, response: Response
) -> SheetView:
    """Hand in the sheet for one case: points for every criterion, or why one stands aside."""
    panel, sheet = await actions.hand_in_sheet(session, actor, panel_id, body, now=now)
    set_etag(response, sheet.version)
    return await queries.sheet_view(session, panel, sheet, body.number)


@router.post("/{panel_id}/sheets/{sheet_id}/events", dependencies=[KEYED])
async def move_sheet(
    *,
    panel_id: UUID,
    sheet_id: UUID,
    body: SheetDeed,
    actor: Expert,
    session: Session,
    now: Now,
    response: Response,
) -> SheetView:
    """Correct one's own sheet, or stand aside after all, while the panel is open; all is kept."""
    panel, sheet, number = await actions.move_sheet(
        session, actor, panel_id, sheet_id, body, now=now
    )
    set_etag(response, sheet.version)
    return await queries.sheet_view(session, panel, sheet, number)
