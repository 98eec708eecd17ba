from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Path, Query, Request, Response

from services.kernel.actors import Anyone
from services.kernel.errors import NotFound
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, PageRequest, page_of
from services.kernel.problems import answer, prefers_english
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router
from services.policy.notices import queries, rules
from services.policy.notices.access import ObjectionHandler, ObjectionReader
from services.policy.notices.actions.handle_objection import handle_objection as handle
from services.policy.notices.actions.receive_objection import Received, receive_objection
from services.policy.notices.actions.write_page import feed, list_page, notice_page, rss
from services.policy.notices.rules import NoticeState, ObjectionState
from services.policy.notices.schemas import (
    Feed,
    NewObjection,
    NoticeList,
    NoticeView,
    ObjectionDeed,
    ObjectionList,
    ObjectionReceipt,
    ObjectionView,
    Receipt,
)
from services.policy.pages import PAGES, Accept, problem, wants_page

router = noun_router("policy", "notices")
FEED_ROWS = 50
JSON_FEED, RSS = "application/feed+json", "application/rss+xml"
XML_WORDS = ("application/rss+xml", "application/atom+xml", "application/xml", "text/xml")
FEEDS: dict[int | str, dict[str, Any]] = {
    200: {"content": {RSS: {"schema": {"type": "string"}}}, "description": "JSON Feed, or RSS"}
}
LATE: dict[int | str, dict[str, Any]] = {
    200: {"model": ObjectionReceipt, "description": "The same was received before"}
}


@router.get("", responses=PAGES)
async def list_notices(
    _: Anyone,
    session: Session,
    page: Page,
    now: Now,
    state: Annotated[
        NoticeState, Query(description="`running` has those that are suspended, too")
    ] = NoticeState.RUNNING,
    accept: Accept = "",
) -> NoticeList:
    """List the public notices that run today, or those of the past: who is proposed for what."""
    running = state is not NoticeState.ENDED
    rows = await queries.notices(session, page, running=running, now=now)
    found = page_of(rows, page, lambda row: [row.notice.id])
    items = [queries.summary(row, now) for row in found["items"]]
    if wants_page(accept):
        more: str | None = found["next_cursor"]
        return list_page(items, state, limit=page.limit, more=more)  # pyright: ignore[reportReturnType]
    return NoticeList(items=items, next_cursor=found["next_cursor"])


@router.get("/feed", responses=FEEDS)
async def follow_notices(
    *,
    _: Anyone,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    response: Response,
    accept: Annotated[str, Header(description="RSS where XML is asked for, else JSON Feed")] = "",
) -> Feed:
    """Follow the notices that run today in a feed reader: JSON Feed, or RSS by Accept."""
    page = PageRequest(limit=FEED_ROWS, seal_key=b"")
    rows = await queries.notices(session, page, running=True, now=now)
    followed = feed(rows[:FEED_ROWS], runtime.settings.issuer, now)
    headers = {"Vary": "Accept"}
    if any(word in accept for word in XML_WORDS) and JSON_FEED not in accept:
        return Response(rss(followed), headers=headers, media_type=RSS)  # pyright: ignore[reportReturnType]
    response.headers.update(headers)
    return followed


@router.get("/{notice_id}", responses=PAGES)
async def get_notice(
    *,
    notice_id: UUID,
    _: Anyone,
    session: Session,
    now: Now,
    accept: Accept = "",
    accept_language: Annotated[str, Header()] = "",
) -> NoticeView:
    """Read a notice, running or past: its list as frozen, and what came of each item."""
    try:
        found = await queries.view(session, await queries.notice(session, notice_id), now)
    except NotFound as refusal:
        if not wants_page(accept):
            raise
        return problem(refusal, english=prefers_english(accept_language))  # pyright: ignore[reportReturnType]
    if wants_page(accept):
        return notice_page(found)  # pyright: ignore[reportReturnType]
    return found


@router.post("/{notice_id}/objections", status_code=201, responses=LATE)
async def object_to_notice(
    *,
    notice_id: UUID,
    body: NewObjection,
    actor: Anyone,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
) -> ObjectionReceipt:
    """Object to an item of a notice, with name and evidence; in time, the item is suspended.

    A late objection is kept as well and answers 409 `objection-late`. The same objection sent
    again answers 200 with the receipt of the first.
    """
    received = await receive_objection(session, actor, notice_id, body, now=now)
    objection = received.objection
    location = f"{queries.NOTICES}/{notice_id}/objections/{objection.id}"
    if objection.state == ObjectionState.LATE:
        # Answered and not raised: what is refused here is kept all the same.
        return answer(request, rules.late(objection.receipt, location))  # pyright: ignore[reportReturnType]
    response.headers["Location"] = location
    if not received.is_new:
        response.status_code = 200
    return _receipt(received)


@router.get("/{notice_id}/objections")
async def list_objections(
    notice_id: UUID, actor: ObjectionReader, session: Session, page: Page
) -> ObjectionList:
    """List the objections to a notice; names and contacts in full for who may handle them."""
    rows = await queries.objections(session, actor, notice_id, page)
    found = page_of(rows, page, lambda row: [row[0].id])
    items = [await queries.objection_view(session, actor, *row) for row in found["items"]]
    return ObjectionList(items=items, next_cursor=found["next_cursor"])


@router.get("/{notice_id}/objections/{objection_id}")
async def get_objection(
    notice_id: UUID,
    objection_id: Annotated[UUID | Receipt, Path(description="The id, or the receipt's number")],
    actor: Anyone,
    session: Session,
    response: Response,
) -> ObjectionView:
    """Read what became of an objection, by its id or the number of its receipt."""
    found, item = await queries.objection(session, notice_id, objection_id)
    set_etag(response, found.version)
    return await queries.objection_view(session, actor, found, item)


@router.post("/{notice_id}/objections/{objection_id}/events", dependencies=[KEYED])
async def handle_objection(
    *,
    notice_id: UUID,
    objection_id: UUID,
    body: ObjectionDeed,
    actor: ObjectionHandler,
    session: Session,
    now: Now,
    response: Response,
) -> ObjectionView:
    """Uphold or dismiss an objection, with reasons and a reply; who does, decides not the case."""
    found, item = await handle(session, actor, notice_id, objection_id, body, now=now)
    set_etag(response, found.version)
    return await queries.objection_view(session, actor, found, item)


def _receipt(received: Received) -> ObjectionReceipt:
    objection, item = received.objection, received.item
    state = ObjectionState(objection.state)
    zh, en = rules.RECEIPT_WORDS[state]
    return ObjectionReceipt(
        id=objection.id, receipt=objection.receipt, notice=item.notice_id, item=item.id,
        case=item.case_id, state=state, suspends=state is ObjectionState.RECEIVED,
        received_at=objection.received_at, says=zh, says_en=en,
    )  # fmt: skip
