from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.aftermath.access import (
    Approver,
    MatterReader,
    Officer,
    OfficeReader,
    Reviewer,
)
from services.policy.checks import queries
from services.policy.checks.actions import draw_lots as drawing
from services.policy.checks.actions.move_check import move_check as move
from services.policy.checks.rules import CheckState
from services.policy.checks.schemas import (
    CheckDeed,
    CheckList,
    CheckView,
    DrawCheck,
    DrawDeed,
    DrawList,
    DrawView,
    NewDraw,
)
from services.policy.self_evaluations.queries import call_of

router = noun_router("policy", "checks")
draws_router = noun_router("policy", "check-draws")
calls_router = noun_router("policy", "checks", prefix="/v1/policy/calls")


@calls_router.get("/{call_id}/check-draws")
async def list_draws(call_id: UUID, actor: OfficeReader, session: Session) -> DrawList:
    """List the draws among a call's awarded cases."""
    call = await call_of(session, actor, call_id)
    rows = await queries.draws(session, call.id)
    return DrawList(items=[queries.draw_view(actor, row) for row in rows])


@calls_router.post("/{call_id}/check-draws", status_code=201, dependencies=[KEYED])
async def plan_draw(
    call_id: UUID, body: NewDraw, actor: Reviewer, session: Session, now: Now, response: Response
) -> DrawView:
    """Freeze the call's awarded cases and the inspectors; a later public value draws from them."""
    row = await drawing.plan_draw(session, actor, call_id, body, now=now)
    set_etag(response, row.version)
    response.headers["Location"] = f"/v1/policy/check-draws/{row.id}"
    return queries.draw_view(actor, row)


@draws_router.get("/{draw_id}")
async def get_draw(
    draw_id: UUID, actor: OfficeReader, session: Session, response: Response
) -> DrawView:
    """Read a draw with everything that it takes to draw it again."""
    row = await queries.draw(session, actor, draw_id)
    set_etag(response, row.version)
    return queries.draw_view(actor, row)


@draws_router.get("/{draw_id}/verification")
async def verify_draw(draw_id: UUID, actor: OfficeReader, session: Session) -> DrawCheck:
    """Draw again from the frozen list and the seed, and compare."""
    return await queries.verified(session, await queries.draw(session, actor, draw_id))


@draws_router.post("/{draw_id}/events", dependencies=[KEYED])
async def move_draw(
    draw_id: UUID,
    body: DrawDeed,
    actor: Approver,
    session: Session,
    now: Now,
    response: Response,
) -> DrawView:
    """Draw the lots as a second person, with the public value of the day that the plan names."""
    row = await drawing.draw_lots(session, actor, draw_id, body, now=now)
    set_etag(response, row.version)
    return queries.draw_view(actor, row)


@router.get("")
async def list_checks(
    actor: MatterReader,
    session: Session,
    page: Page,
    draw: Annotated[UUID | None, Query(description="Of one draw")] = None,
    state: CheckState | None = None,
) -> CheckList:
    """List the checks that the caller may know of; applicants see what is concluded."""
    rows = await queries.checks(session, actor, page, draw_id=draw, state=state)
    found = page_of(rows, page, lambda pair: [pair[0].id])
    items = [queries.summary(actor, row, case) for row, case in found["items"]]
    return CheckList(items=items, next_cursor=found["next_cursor"])


@router.get("/{check_id}")
async def get_check(
    check_id: UUID, actor: MatterReader, session: Session, response: Response
) -> CheckView:
    """Read one check; `allowed_events` is what the caller may do to it now."""
    row, case = await queries.check(session, actor, check_id)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case)


@router.post("/{check_id}/events", dependencies=[KEYED])
async def move_check(
    check_id: UUID, body: CheckDeed, actor: Officer, session: Session, now: Now, response: Response
) -> CheckView:
    """Report a check as one of its inspectors; the other one confirms or returns it."""
    row, case = await move(session, actor, check_id, body, now=now)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case)
