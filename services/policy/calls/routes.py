from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from services.kernel.clock import city_day
from services.kernel.etags import MATCHED, set_etag
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.call_texts.queries import preview
from services.policy.calls import actions, queries
from services.policy.calls.access import CallMover, CallReader, CallWriter, DraftReader
from services.policy.calls.rules import CallState
from services.policy.calls.schemas import (
    CallDeed,
    CallList,
    CallPreview,
    CallView,
    NewCall,
    RankingView,
)

router = noun_router("policy", "calls")


@router.post("", status_code=201)
async def draft_call(
    body: NewCall, actor: CallWriter, session: Session, now: Now, response: Response
) -> CallView:
    """Write a call down: programme, window, budget, places, proofs; another person publishes it."""
    call = await actions.draft_call(session, actor, body, now=now)
    set_etag(response, call.version)
    response.headers["Location"] = f"/v1/policy/calls/{call.id}"
    return queries.view(call, actor, city_day(now))


@router.post("/previews")
async def preview_draft(
    body: NewCall, actor: CallWriter, session: Session, now: Now
) -> CallPreview:
    """Read a call as a notice before it is written down: the same checks, and nothing is stored."""
    return await preview(session, actions.written(actor, body, now=now), city_day(now))


@router.get("")
async def list_calls(
    *,
    actor: CallReader,
    session: Session,
    page: Page,
    now: Now,
    programme: Annotated[str | None, Query(max_length=80)] = None,
    year: Annotated[int | None, Query(ge=2000, le=2200)] = None,
    state: CallState | None = None,
) -> CallList:
    """List the calls, the newest first; drafts only for their department and auditors."""
    rows = await queries.calls(session, actor, page, programme=programme, year=year, state=state)
    found = page_of(rows, page, lambda row: [row.id])
    items = [queries.view(row, actor, city_day(now)) for row in found["items"]]
    return CallList(items=items, next_cursor=found["next_cursor"])


@router.get("/{call_id}")
async def get_call(
    call_id: UUID, actor: CallReader, session: Session, now: Now, response: Response
) -> CallView:
    """Read one call."""
    call = await queries.call(session, actor, call_id)
    set_etag(response, call.version)
    return queries.view(call, actor, city_day(now))


@router.put("/{call_id}", dependencies=[MATCHED])
async def redraft_call(  # noqa: PLR0917  FastAPI hands each of these over by name
    call_id: UUID,
    body: NewCall,
    actor: CallWriter,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
) -> CallView:
    """Put another draft in place of this one, by the same checks; what was published stands."""
    call = await actions.redraft_call(session, actor, call_id, body, request, now=now)
    set_etag(response, call.version)
    return queries.view(call, actor, city_day(now))


@router.get("/{call_id}/preview")
async def preview_call(call_id: UUID, actor: CallReader, session: Session, now: Now) -> CallPreview:
    """Read the call as a notice: conditions in the words of the clause, numbers as of today."""
    call = await queries.call(session, actor, call_id)
    return await preview(session, call, city_day(now))


@router.post("/{call_id}/events")
async def move_call(
    call_id: UUID,
    body: CallDeed,
    actor: CallMover,
    session: Session,
    now: Now,
    response: Response,
) -> CallView:
    """Publish (another person than its writer), rank its cases, or cancel it with a reason."""
    call = await actions.move_call(session, actor, call_id, body, now=now)
    set_etag(response, call.version)
    return queries.view(call, actor, city_day(now))


@router.get("/{call_id}/ranking")
async def get_ranking(call_id: UUID, actor: DraftReader, session: Session) -> RankingView:
    """Read the latest ranking: who stands where, who has a place, which tie is undecided."""
    call = await queries.call(session, actor, call_id)
    return await queries.ranking_view(session, call)
