"""Awards over HTTP: read by those concerned; money is asked back by two treasurers."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from services.finance.awards import queries
from services.finance.awards.access import AwardReader, Treasurer
from services.finance.awards.actions.recover_award import move_award as recover
from services.finance.awards.rules import AwardState
from services.finance.awards.schemas import AwardDetail, AwardEventBody, AwardPage
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED_FOR_MONEY
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router("finance", "awards")


@router.get("", response_model=AwardPage)
async def list_awards(
    actor: AwardReader,
    session: Session,
    page: Page,
    state: AwardState | None = None,
    case_id: UUID | None = None,
    beneficiary: Annotated[str | None, Query(max_length=200, description="Its id")] = None,
) -> dict[str, Any]:
    """List awards, the newest first; a firm sees its own, an institution what it is paid."""
    rows = await queries.awards(
        session, actor, page, state=state, case_id=case_id, beneficiary=beneficiary
    )
    answer = page_of(rows, page, lambda row: [row.id])
    return {**answer, "items": [queries.view(row) for row in answer["items"]]}


@router.get("/{award_id}")
async def get_award(
    award_id: UUID, actor: AwardReader, session: Session, response: Response
) -> AwardDetail:
    """Read one award with its frozen terms, the aid that was set off, and its recoveries."""
    award = await queries.award(session, actor, award_id)
    set_etag(response, award.version)
    return await queries.detail(session, actor, award)


@router.post("/{award_id}/events", dependencies=[KEYED_FOR_MONEY])
async def move_award(
    award_id: UUID,
    body: AwardEventBody,
    actor: Treasurer,
    session: Session,
    now: Now,
    response: Response,
) -> AwardDetail:
    """Ask money back: `recover` prepares it, `confirm-recovery` by another treasurer posts it."""
    award = await recover(session, actor, award_id, body, now=now)
    set_etag(response, award.version)
    return await queries.detail(session, actor, award)
