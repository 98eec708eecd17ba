from uuid import UUID

from fastapi import Request, Response

from services.kernel.etags import MATCHED, set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.meetings import actions, queries
from services.policy.meetings.schemas import MeetingBody, MeetingDeed, MeetingList, MeetingView
from services.policy.tasks.access import BoardReader, BoardWriter

router = noun_router("policy", "meetings")


@router.post("", status_code=201, dependencies=[KEYED])
async def draft_meeting(
    body: MeetingBody, actor: BoardWriter, session: Session, now: Now, response: Response
) -> MeetingView:
    """Keep a meeting as a draft: day, attendees, agenda, decisions."""
    meeting = await actions.draft_meeting(session, actor, body, now=now)
    set_etag(response, meeting.version)
    response.headers["Location"] = f"/v1/policy/meetings/{meeting.id}"
    return await queries.view(session, actor, meeting)


@router.get("")
async def list_meetings(actor: BoardReader, session: Session, page: Page) -> MeetingList:
    """List meetings, the newest first: a department those that it attended, once published."""
    rows = await queries.meetings(session, actor, page)
    found = page_of(rows, page, lambda row: [row.id])
    items = [queries.summary(row) for row in found["items"]]
    return MeetingList(items=items, next_cursor=found["next_cursor"])


@router.get("/{meeting_id}")
async def get_meeting(
    meeting_id: UUID, actor: BoardReader, session: Session, response: Response
) -> MeetingView:
    """Read one meeting; each decision names the task that it has become."""
    meeting = await queries.meeting(session, actor, meeting_id)
    set_etag(response, meeting.version)
    return await queries.view(session, actor, meeting)


@router.put("/{meeting_id}", dependencies=[MATCHED])
async def redraft_meeting(  # noqa: PLR0917  FastAPI hands each of these over by name
    meeting_id: UUID,
    body: MeetingBody,
    actor: BoardWriter,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
) -> MeetingView:
    """Put another draft in place of this one."""
    meeting = await actions.redraft_meeting(session, actor, meeting_id, body, request, now=now)
    set_etag(response, meeting.version)
    return await queries.view(session, actor, meeting)


@router.post("/{meeting_id}/events", dependencies=[KEYED])
async def move_meeting(
    meeting_id: UUID,
    body: MeetingDeed,
    actor: BoardWriter,
    session: Session,
    now: Now,
    response: Response,
) -> MeetingView:
    """Publish the minutes, which makes decisions tasks; close when all are carried out."""
    meeting = await actions.move_meeting(session, actor, meeting_id, body, now=now)
    set_etag(response, meeting.version)
    return await queries.view(session, actor, meeting)
