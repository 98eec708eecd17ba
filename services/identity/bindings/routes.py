from typing import Any
from uuid import UUID

from fastapi import Response

from services.identity.bindings import actions, queries
from services.identity.bindings.access import BindingReader, BindingWriter
from services.identity.bindings.schemas import BindingEvent, BindingList, BindingView, NewBinding
from services.kernel.etags import set_etag
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router("identity", "bindings")


@router.post("", status_code=201)
async def bind(
    body: NewBinding, actor: BindingWriter, session: Session, now: Now, response: Response
) -> BindingView:
    """Let a person of a trusted provider act for a firm; a firm binds its own people only."""
    binding = await actions.bind(session, actor, body, now=now)
    response.headers["Location"] = f"/v1/identity/bindings/{binding.id}"
    set_etag(response, binding.version)
    return BindingView.model_validate(binding)


@router.get("")
async def list_bindings(actor: BindingReader, session: Session, page: Page) -> BindingList:
    """List who may act for whom, newest first."""
    views: list[Any] = [
        BindingView.model_validate(b) for b in await queries.bindings(session, actor, page)
    ]
    return BindingList(**page_of(views, page, lambda v: [str(v.id)]))


@router.get("/{id}")
async def get_binding(
    id: UUID, actor: BindingReader, session: Session, response: Response
) -> BindingView:
    """Read one binding."""
    binding = await queries.binding(session, actor, id)
    set_etag(response, binding.version)
    return BindingView.model_validate(binding)


@router.post("/{id}/events")
async def move_binding(
    id: UUID,
    body: BindingEvent,
    actor: BindingWriter,
    session: Session,
    now: Now,
    response: Response,
) -> BindingView:
    """Revoke a binding; the person's tokens stop counting at once."""
    binding = await actions.revoke_binding(session, actor, id, body.version, body.note, now=now)
    set_etag(response, binding.version)
    return BindingView.model_validate(binding)
