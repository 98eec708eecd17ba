from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.kernel.clock import city_day
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.aftermath.access import (
    Approver,
    MatterReader,
    OfficeReader,
    Reviewer,
    SheetMover,
)
from services.policy.self_evaluations import actions, queries
from services.policy.self_evaluations.rules import SheetState
from services.policy.self_evaluations.schemas import (
    NewRound,
    RoundDeed,
    RoundList,
    RoundView,
    SheetDeed,
    SheetList,
    SheetView,
)

router = noun_router("policy", "self-evaluations")
rounds_router = noun_router("policy", "self-evaluation-rounds")
calls_router = noun_router("policy", "self-evaluations", prefix="/v1/policy/calls")


@calls_router.get("/{call_id}/self-evaluation-rounds")
async def list_rounds(call_id: UUID, actor: OfficeReader, session: Session) -> RoundList:
    """List what was asked of those who were awarded under a call."""
    call = await queries.call_of(session, actor, call_id)
    rows = await queries.rounds(session, call.id)
    return RoundList(items=[await queries.round_view(session, actor, row) for row in rows])


@calls_router.post("/{call_id}/self-evaluation-rounds", status_code=201, dependencies=[KEYED])
async def draft_round(
    call_id: UUID, body: NewRound, actor: Reviewer, session: Session, now: Now, response: Response
) -> RoundView:
    """Draft a self-evaluation of a call; another person sends it out."""
    row = await actions.draft_round(session, actor, call_id, body, now=now)
    set_etag(response, row.version)
    response.headers["Location"] = f"/v1/policy/self-evaluation-rounds/{row.id}"
    return await queries.round_view(session, actor, row)


@rounds_router.get("/{round_id}")
async def get_round(
    round_id: UUID, actor: OfficeReader, session: Session, response: Response
) -> RoundView:
    """Read a round, with how many sheets were handed in and assessed."""
    row = await queries.round_(session, actor, round_id)
    set_etag(response, row.version)
    return await queries.round_view(session, actor, row)


@rounds_router.post("/{round_id}/events", dependencies=[KEYED])
async def move_round(
    round_id: UUID,
    body: RoundDeed,
    actor: Approver,
    session: Session,
    now: Now,
    response: Response,
) -> RoundView:
    """Send a round out to every case of the call whose award stands."""
    row = await actions.move_round(session, actor, round_id, body, now=now)
    set_etag(response, row.version)
    return await queries.round_view(session, actor, row)


@router.get("")
async def list_self_evaluations(
    *,
    actor: MatterReader,
    session: Session,
    now: Now,
    page: Page,
    round_id: Annotated[UUID | None, Query(alias="round")] = None,
    case: UUID | None = None,
    state: SheetState | None = None,
) -> SheetList:
    """List the sheets of cases that the caller may know of, the newest first."""
    rows = await queries.sheets(session, actor, page, round_id=round_id, case=case, state=state)
    found = page_of(rows, page, lambda pair: [pair[0].id])
    items = [queries.summary(row, of, city_day(now)) for row, of in found["items"]]
    return SheetList(items=items, next_cursor=found["next_cursor"])


@router.get("/{self_evaluation_id}")
async def get_self_evaluation(
    self_evaluation_id: UUID, actor: MatterReader, session: Session, now: Now, response: Response
) -> SheetView:
    """Read one sheet; `allowed_events` is what the caller may do to it now."""
    row, case = await queries.sheet(session, actor, self_evaluation_id)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case, today=city_day(now))


@router.post("/{self_evaluation_id}/events", dependencies=[KEYED])
async def move_self_evaluation(
    self_evaluation_id: UUID,
    body: SheetDeed,
    actor: SheetMover,
    session: Session,
    now: Now,
    response: Response,
) -> SheetView:
    """Answer a sheet, or return or assess it, at the version that the caller has seen."""
    row, case = await actions.move_sheet(session, actor, self_evaluation_id, body, now=now)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case, today=city_day(now))
