"""The aid ledger over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from services.finance.aid import actions, queries
from services.finance.aid.access import AidDeclarer, AidReader
from services.finance.aid.schemas import AidBody, AidEventBody, AidPage, AidView
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED_FOR_MONEY
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router("finance", "aid")


@router.post("", status_code=201, dependencies=[KEYED_FOR_MONEY])
async def declare_aid(
    body: AidBody, actor: AidDeclarer, session: Session, now: Now, response: Response
) -> AidView:
    """Declare aid of a level; what competes with it is set off when an award is proposed."""
    aid = await actions.declare_aid(session, actor, body, now=now)
    set_etag(response, aid.version)
    return queries.view(actor, aid)


@router.post("/{aid_id}/events", dependencies=[KEYED_FOR_MONEY])
async def move_aid(
    aid_id: UUID,
    body: AidEventBody,
    actor: AidDeclarer,
    session: Session,
    now: Now,
    response: Response,
) -> AidView:
    """Withdraw declared aid that was entered in error; the entry stays."""
    aid = await actions.withdraw_aid(session, actor, aid_id, body.version, body.note, now=now)
    set_etag(response, aid.version)
    return queries.view(actor, aid)


@router.get("", response_model=AidPage)
async def list_aid(
    actor: AidReader,
    session: Session,
    page: Page,
    beneficiary: Annotated[str | None, Query(max_length=200, description="Its id")] = None,
) -> dict[str, Any]:
    """List aid of all levels, own awards included; a firm sees its own statement."""
    rows = await queries.aids(session, actor, page, beneficiary=beneficiary)
    answer = page_of(rows, page, lambda row: [row.id])
    return {**answer, "items": [queries.view(actor, row) for row in answer["items"]]}


@router.get("/{aid_id}")
async def get_aid(aid_id: UUID, actor: AidReader, session: Session, response: Response) -> AidView:
    """Read one entry of the aid ledger."""
    aid = await queries.aid(session, actor, aid_id)
    set_etag(response, aid.version)
    return queries.view(actor, aid)
