from uuid import UUID

from fastapi import Response

from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.aftermath.access import MatterMover, MatterReader, Reviewer
from services.policy.recoveries import queries
from services.policy.recoveries.actions.move_recovery import move_recovery as move
from services.policy.recoveries.actions.propose_recovery import propose_on_finding
from services.policy.recoveries.rules import RecoveryState
from services.policy.recoveries.schemas import (
    NewRecovery,
    RecoveryDeed,
    RecoveryList,
    RecoveryView,
)

router = noun_router("policy", "recoveries")
cases_router = noun_router("policy", "recoveries", prefix="/v1/policy/cases")


@cases_router.post("/{case_id}/recoveries", status_code=201, dependencies=[KEYED])
async def propose_recovery(
    case_id: UUID,
    body: NewRecovery,
    actor: Reviewer,
    session: Session,
    now: Now,
    response: Response,
) -> RecoveryView:
    """Propose to revoke an award upon a finding; an approver decides once its holder was heard."""
    row, case = await propose_on_finding(session, actor, case_id, body, now=now)
    set_etag(response, row.version)
    response.headers["Location"] = f"/v1/policy/recoveries/{row.id}"
    return await queries.view(session, actor, row, case)


@router.get("")
async def list_recoveries(
    actor: MatterReader,
    session: Session,
    page: Page,
    state: RecoveryState | None = None,
    case: UUID | None = None,
) -> RecoveryList:
    """List the proposals about cases that the caller may know of, the newest first."""
    rows = await queries.recoveries(session, actor, page, state=state, case=case)
    found = page_of(rows, page, lambda pair: [pair[0].id])
    items = [queries.summary(row, of) for row, of in found["items"]]
    return RecoveryList(items=items, next_cursor=found["next_cursor"])


@router.get("/{recovery_id}")
async def get_recovery(
    recovery_id: UUID, actor: MatterReader, session: Session, response: Response
) -> RecoveryView:
    """Read one proposal; `allowed_events` is what the caller may do to it now."""
    row, case = await queries.recovery(session, actor, recovery_id)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case)


@router.post("/{recovery_id}/events", dependencies=[KEYED])
async def move_recovery(
    recovery_id: UUID,
    body: RecoveryDeed,
    actor: MatterMover,
    session: Session,
    now: Now,
    response: Response,
) -> RecoveryView:
    """Do one event to a proposal; approved, the case is revoked and finance hears of its end."""
    row, case = await move(session, actor, recovery_id, body, now=now)
    set_etag(response, row.version)
    return await queries.view(session, actor, row, case)
