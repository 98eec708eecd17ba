from uuid import UUID

from fastapi import Response

from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.aftermath.access import MatterMover, MatterReader, Officer
from services.policy.appeals import queries
from services.policy.appeals.actions.lodge_appeal import lodge_appeal as lodge
from services.policy.appeals.actions.move_appeal import move_appeal as move
from services.policy.appeals.rules import AppealKind, AppealState
from services.policy.appeals.schemas import AppealDeed, AppealList, AppealView, NewAppeal
from services.policy.cases import queries as cases

router = noun_router("policy", "appeals")
cases_router = noun_router("policy", "appeals", prefix="/v1/policy/cases")


@cases_router.get("/{case_id}/appeals")
async def list_case_appeals(case_id: UUID, actor: MatterReader, session: Session) -> AppealList:
    """List what was brought against the decisions of a case."""
    case = await cases.case(session, actor, case_id)
    rows = await queries.of_case(session, case.id)
    return AppealList(items=[queries.summary(row, case) for row in rows])


@cases_router.post("/{case_id}/appeals", status_code=201, dependencies=[KEYED])
async def lodge_appeal(
    case_id: UUID,
    body: NewAppeal,
    actor: MatterMover,
    session: Session,
    now: Now,
    response: Response,
) -> AppealView:
    """Record a reconsideration or litigation against a decision; a late one is recorded as late."""
    row, case = await lodge(session, actor, case_id, body, now=now)
    set_etag(response, row.version)
    response.headers["Location"] = f"/v1/policy/appeals/{row.id}"
    return await queries.view(session, actor, row, case)


@router.get("")
async def list_appeals(
    actor: MatterReader,
    session: Session,
    page: Page,
    state: AppealState | None = None,
    kind: AppealKind | None = None,
) -> AppealList:
    """List the appeals of cases that the caller may know of, the newest first."""
    rows = await queries.appeals(session, actor, page, state=state, kind=kind)
    found = page_of(rows, page, lambda pair: [pair[0].id])
    items = [queries.summary(row, case) for row, case in found["items"]]
    return AppealList(items=items, next_cursor=found["next_cursor"])


@router.get("/{appeal_id}")
async def get_appeal(
    appeal_id: UUID, actor: MatterReader, session: Session, response: Response
) -> AppealView:
    """Read one appeal; `allowed_events` is what the caller may do to it now."""
    row, case = await queries.appeal(session, actor, appeal_id)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case)


@router.post("/{appeal_id}/events", dependencies=[KEYED])
async def move_appeal(
    appeal_id: UUID,
    body: AppealDeed,
    actor: Officer,
    session: Session,
    now: Now,
    response: Response,
) -> AppealView:
    """Record what the reviewing body said, by someone who had no hand in the decision."""
    row, case = await move(session, actor, appeal_id, body, now=now)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case)
