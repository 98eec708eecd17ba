"""Bulk import."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from services.enterprise.firms.access import Registrar
from services.enterprise.imports.actions.accept_import import accept_import
from services.enterprise.imports.rules import FILE_BYTES_MAX, Kind
from services.kernel.operations import OperationView, operation_view
from services.kernel.problems import prefers_english
from services.kernel.row_files import Media, content_of, require_media
from services.kernel.unit import Now, Session, noun_router

router = noun_router("enterprise", "imports")

FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The raw file; its columns are the field names, `year` for indicators",
        "content": {
            str(each): {"schema": {"type": "string", "format": "binary"}} for each in Media
        },
    }
}
KindOf = Annotated[Kind, Query(description="What each row of the file is")]


@router.post("", status_code=202, openapi_extra=FILE)
async def post_import(
    kind: KindOf,
    actor: Registrar,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
) -> OperationView:
    """Import a file; the operation answers for every row, and a bad one stops no other."""
    media = require_media(request.headers.get("content-type"))
    content = await content_of(request.stream(), FILE_BYTES_MAX)
    operation = await accept_import(session, response, actor, kind, media, content, now=now)
    english = prefers_english(request.headers.get("accept-language"))
    return await operation_view(session, operation, english=english)
