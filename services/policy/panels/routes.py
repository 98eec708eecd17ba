import asyncio
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from services.kernel.etags import set_etag
from services.kernel.exports import SUFFIXES, wanted_format
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.panels import queries
from services.policy.panels.access import Convener, PanelMover, PanelReader
from services.policy.panels.actions.convene_panel import convene_panel as convene
from services.policy.panels.actions.move_panel import move_panel as move
from services.policy.panels.actions.tabulate import WRITERS, score_table
from services.policy.panels.rules import PanelState
from services.policy.panels.schemas import NewPanel, PanelDeed, PanelList, PanelView, ScoreTable

router = noun_router("policy", "panels")
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The score table, as JSON or as the file that `Accept` asks for",
        "content": {str(media): {"schema": {"type": "string"}} for media in WRITERS},
    }
}


@router.post("", status_code=201, dependencies=[KEYED])
async def convene_panel(
    body: NewPanel, actor: Convener, session: Session, now: Now, response: Response
) -> PanelView:
    """Convene a panel of the lead department: experts, sheet, terms; another person confirms it."""
    panel = await convene(session, actor, body, now=now)
    set_etag(response, panel.version)
    response.headers["Location"] = f"/v1/policy/panels/{panel.id}"
    return await queries.view(session, actor, panel)


@router.get("")
async def list_panels(
    *,
    actor: PanelReader,
    session: Session,
    page: Page,
    state: PanelState | None = None,
    programme: Annotated[str | None, Query(max_length=80)] = None,
    call: UUID | None = None,
) -> PanelList:
    """List the panels of the caller's department, the newest first; all to approvers and audit."""
    rows = await queries.panels(
        session, actor, page, state=state, programme=programme, call=call
    )  # fmt: skip
    found = page_of(rows, page, lambda row: [row.id])
    return PanelList(
        items=[queries.summary(row) for row in found["items"]], next_cursor=found["next_cursor"]
    )


@router.get("/{panel_id}")
async def get_panel(
    panel_id: UUID, actor: PanelReader, session: Session, response: Response
) -> PanelView:
    """Read one panel: experts, cases, how many sheets are in; nobody's points."""
    panel = await queries.panel(session, actor, panel_id)
    set_etag(response, panel.version)
    return await queries.view(session, actor, panel)


@router.post("/{panel_id}/events", dependencies=[KEYED])
async def move_panel(
    panel_id: UUID,
    body: PanelDeed,
    actor: PanelMover,
    session: Session,
    now: Now,
    response: Response,
) -> PanelView:
    """Confirm (another person), admit cases, describe one, recuse, close, reopen, or cancel."""
    panel = await move(session, actor, panel_id, body, now=now)
    set_etag(response, panel.version)
    return await queries.view(session, actor, panel)


@router.get("/{panel_id}/scores", response_model=ScoreTable, responses=FILES)
async def get_scores(
    panel_id: UUID, actor: PanelReader, session: Session, request: Request
) -> Any:  # fmt: skip
    """Read the score table of a closed panel; as XLSX it is what the minutes enclose."""
    panel = await queries.panel(session, actor, panel_id)
    table = await score_table(session, panel)
    wanted = wanted_format(request.headers.get("accept"), WRITERS)
    if wanted is None:
        return table
    name = f"panel-{panel.id}-{table.edition}.{SUFFIXES[wanted]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(await asyncio.to_thread(WRITERS[wanted], table), 200, headers, wanted)
