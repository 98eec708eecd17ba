"""Payment batches over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import Response

from services.finance.payouts import actions, queries
from services.finance.payouts.access import PayoutReader, Treasurer
from services.finance.payouts.rules import PayoutState
from services.finance.payouts.schemas import PayoutBody, PayoutEventBody, PayoutPage, PayoutView
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED_FOR_MONEY
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router("finance", "payouts")


@router.post("", status_code=201, dependencies=[KEYED_FOR_MONEY])
async def prepare_payout(
    body: PayoutBody, actor: Treasurer, session: Session, now: Now, response: Response
) -> PayoutView:
    """Put awards into a payment batch under one document; another treasurer checks it."""
    payout = await actions.prepare_payout(session, actor, body, now=now)
    set_etag(response, payout.version)
    return await queries.view(session, actor, payout)


@router.post("/{payout_id}/events", dependencies=[KEYED_FOR_MONEY])
async def move_payout(
    payout_id: UUID,
    body: PayoutEventBody,
    actor: Treasurer,
    session: Session,
    now: Now,
    response: Response,
) -> PayoutView:
    """Check another's batch, send it to the treasury, settle it, take lines back, or cancel it."""
    payout = await actions.move_payout(session, actor, payout_id, body, now=now)
    set_etag(response, payout.version)
    return await queries.view(session, actor, payout)


@router.get("", response_model=PayoutPage)
async def list_payouts(
    actor: PayoutReader, session: Session, page: Page, state: PayoutState | None = None
) -> dict[str, Any]:
    """List payment batches, the newest first."""
    rows = await queries.payouts(session, page, state=state)
    answer = page_of(rows, page, lambda row: [row.id])
    return {**answer, "items": await queries.views(session, actor, answer["items"])}


@router.get("/{payout_id}")
async def get_payout(
    payout_id: UUID, actor: PayoutReader, session: Session, response: Response
) -> PayoutView:
    """Read one payment batch with what became of each line."""
    payout = await queries.payout(session, payout_id)
    set_etag(response, payout.version)
    return await queries.view(session, actor, payout)
