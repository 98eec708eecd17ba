"""Lists and their versions."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Response

from services.enterprise.firms.access import Registrar
from services.enterprise.lists.access import ListReader
from services.enterprise.lists.actions import publish_version
from services.enterprise.lists.queries import (
    find_version,
    item_view,
    items_page,
    lists_page,
    version_view,
)
from services.enterprise.lists.schemas import (
    ItemPage,
    ListId,
    ListPage,
    NewVersion,
    VersionPublished,
    VersionView,
)
from services.kernel.etags import set_etag
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router("enterprise", "lists")
ListPath = Annotated[ListId, Path(alias="list")]


@router.get("", response_model=ListPage)
async def list_lists(actor: ListReader, session: Session, page: Page) -> dict[str, Any]:
    """List the lists with their versions, without the firms on them."""
    return page_of(await lists_page(session, actor, page), page, lambda each: [each.list])


@router.post("/{list}/versions", status_code=201)
async def post_list_version(
    list_id: ListPath,
    new: NewVersion,
    actor: Registrar,
    session: Session,
    now: Now,
    response: Response,
) -> VersionPublished:
    """Publish a version of a list as a whole."""
    version = await publish_version(session, actor, list_id, new, now=now)
    response.headers["Location"] = f"/v1/enterprise/lists/{list_id}/versions/{version.id}"
    return VersionPublished(
        list=list_id, version_id=version.id, statement_id=version.id,
        item_count=version.item_count,
    )  # fmt: skip


@router.get("/{list}/versions/{version_id}")
async def get_list_version(
    list_id: ListPath, version_id: UUID, actor: ListReader, session: Session, response: Response
) -> VersionView:
    """Read what a version says of itself."""
    version = await find_version(session, actor, list_id, version_id)
    set_etag(response, 1)
    return version_view(version)


@router.get("/{list}/versions/{version_id}/items", response_model=ItemPage)
async def list_list_items(
    list_id: ListPath, version_id: UUID, actor: ListReader, session: Session, page: Page
) -> dict[str, Any]:
    """List the firms on a version; of a list that is not public a firm sees itself only."""
    version = await find_version(session, actor, list_id, version_id)
    answer = page_of(
        await items_page(session, actor, version, page), page, lambda item: [item.position]
    )
    return answer | {"items": [item_view(each) for each in answer["items"]]}
