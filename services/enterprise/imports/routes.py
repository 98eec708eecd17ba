"""Bulk import."""

from typing import Annotated, Any

from fastapi import Query, Request, Response

from services.enterprise.firms.access import Registrar
from services.enterprise.imports.actions.accept_import import accept_import
from services.enterprise.imports.rules import FILE_BYTES_MAX, Kind, Media, media_of
from services.kernel.errors import TooLarge, UnsupportedMedia
from services.kernel.operations import OperationView, operation_view
from services.kernel.problems import prefers_english
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
    media = media_of(request.headers.get("content-type"))
    if media is None:
        raise UnsupportedMedia(
            f"须为以下类型之一：{'、'.join(Media)}。", f"Must be one of: {', '.join(Media)}."
        )
    content = await _content(request)
    operation = await accept_import(session, response, actor, kind, media, content, now=now)
    english = prefers_english(request.headers.get("accept-language"))
    return await operation_view(session, operation, english=english)


async def _content(request: Request) -> bytes:
    """Read the body, and stop reading where it grows too large."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > FILE_BYTES_MAX:
            size = FILE_BYTES_MAX // 1024 // 1024
            raise TooLarge(
                f"文件超过{size} MiB，请拆分。", f"The file has more than {size} MiB; split it.",
                code="file-too-large",
            )  # fmt: skip
    return bytes(content)
