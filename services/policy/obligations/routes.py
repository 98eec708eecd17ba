from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.kernel.clock import city_day
from services.kernel.days import Day
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.aftermath.access import MatterMover, MatterReader, Reviewer
from services.policy.cases import queries as cases
from services.policy.obligations import queries
from services.policy.obligations.actions.begin_obligations import add_obligation as add
from services.policy.obligations.actions.move_obligation import move_obligation as move
from services.policy.obligations.queries import Wanted
from services.policy.obligations.rules import ObligationState
from services.policy.obligations.schemas import (
    NewObligation,
    ObligationDeed,
    ObligationList,
    ObligationView,
)

router = noun_router("policy", "obligations")
cases_router = noun_router("policy", "obligations", prefix="/v1/policy/cases")


@cases_router.get("/{case_id}/obligations")
async def list_case_obligations(
    case_id: UUID, actor: MatterReader, session: Session, now: Now
) -> ObligationList:
    """List what a decided case obliges its applicant to."""
    case = await cases.case(session, actor, case_id)
    rows = await queries.of_case(session, case.id)
    return ObligationList(items=[queries.summary(row, case, city_day(now)) for row in rows])


@cases_router.post("/{case_id}/obligations", status_code=201, dependencies=[KEYED])
async def add_obligation(
    case_id: UUID,
    body: NewObligation,
    actor: Reviewer,
    session: Session,
    now: Now,
    response: Response,
) -> ObligationView:
    """Register what a document of the case obliges to; it stands once an approver confirms it."""
    row, case = await add(session, actor, case_id, body, now=now)
    set_etag(response, row.version)
    response.headers["Location"] = f"/v1/policy/obligations/{row.id}"
    return await queries.view(session, actor, row, case, today=city_day(now))


@router.get("")
async def list_obligations(
    *,
    actor: MatterReader,
    session: Session,
    now: Now,
    page: Page,
    state: ObligationState | None = None,
    programme: Annotated[str | None, Query(max_length=100)] = None,
    overdue: bool | None = None,
    due_before: Day | None = None,
) -> ObligationList:
    """List the obligations of cases that the caller may know of, the newest first."""
    today = city_day(now)
    wanted = Wanted(state, programme, overdue, due_before)
    rows = await queries.obligations(session, actor, page, wanted, today=today)
    found = page_of(rows, page, lambda pair: [pair[0].id])
    items = [queries.summary(row, case, today) for row, case in found["items"]]
    return ObligationList(items=items, next_cursor=found["next_cursor"])


@router.get("/{obligation_id}")
async def get_obligation(
    obligation_id: UUID, actor: MatterReader, session: Session, now: Now, response: Response
) -> ObligationView:
    """Read one obligation; `allowed_events` is what the caller may do to it now."""
    row, case = await queries.obligation(session, actor, obligation_id)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case, today=city_day(now))


@router.post("/{obligation_id}/events", dependencies=[KEYED])
async def move_obligation(
    obligation_id: UUID,
    body: ObligationDeed,
    actor: MatterMover,
    session: Session,
    now: Now,
    response: Response,
) -> ObligationView:
    """Do one event to an obligation, at the version that the caller has seen."""
    row, case = await move(session, actor, obligation_id, body, now=now)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case, today=city_day(now))
