from typing import Any
from uuid import UUID

from fastapi import Response

from services.identity.clients import actions, queries
from services.identity.clients.access import ClientAdmin, ClientReader
from services.identity.clients.schemas import (
    ClientEvent,
    ClientList,
    ClientView,
    NewClient,
    SecretView,
)
from services.kernel.etags import set_etag
from services.kernel.idempotency import ANSWER_NEVER_KEPT
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router("identity", "clients")


@router.post("", status_code=201, dependencies=[ANSWER_NEVER_KEPT])
async def register_client(
    body: NewClient, actor: ClientAdmin, session: Session, now: Now, response: Response
) -> ClientView:
    """Register a client. The secret is in this answer only."""
    client, secret = await actions.register_client(session, actor, body, now=now)
    response.headers["Location"] = f"/v1/identity/clients/{client.id}"
    set_etag(response, client.version)
    return ClientView.model_validate(client).model_copy(update={"client_secret": secret})


@router.get("")
async def list_clients(_: ClientReader, session: Session, page: Page) -> ClientList:
    """List the clients, newest first."""
    rows = await queries.clients(session, page)
    views: list[Any] = [ClientView.model_validate(row) for row in rows]
    return ClientList(**page_of(views, page, lambda v: [str(v.id)]))


@router.get("/{id}")
async def get_client(id: UUID, _: ClientReader, session: Session, response: Response) -> ClientView:
    """Read one client."""
    client = await queries.client(session, id)
    set_etag(response, client.version)
    return ClientView.model_validate(client)


@router.post("/{id}/events")
async def move_client(
    id: UUID, body: ClientEvent, actor: ClientAdmin, session: Session, now: Now, response: Response
) -> ClientView:
    """Suspend or resume a client. Suspended, it gets no token, and those it holds stop counting."""
    client = await actions.move_client(
        session, actor, id, body.event, body.version, body.note, now=now
    )
    set_etag(response, client.version)
    return ClientView.model_validate(client)


@router.post("/{id}/secrets", status_code=201, dependencies=[ANSWER_NEVER_KEPT])
async def add_secret(id: UUID, actor: ClientAdmin, session: Session, now: Now) -> SecretView:
    """Give a client a second secret, so that it can change over; of two, the older ends."""
    secret = await actions.add_secret(session, actor, id, now=now)
    client = await queries.client(session, id)
    return SecretView(client_id=client.client_id, client_secret=secret)
