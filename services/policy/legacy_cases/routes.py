from typing import Any

from fastapi import Request, Response

from services.kernel.idempotency import KEYED
from services.kernel.operations import OperationView, operation_view
from services.kernel.problems import prefers_english
from services.kernel.row_files import Media, content_of, require_media
from services.kernel.unit import Now, Session, noun_router
from services.policy.legacy_cases.access import Importer
from services.policy.legacy_cases.actions.accept_import import accept_import
from services.policy.legacy_cases.rules import FILE_BYTES_MAX, OPTIONAL, REQUIRED

router = noun_router("policy", "cases")
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": f"The raw file. Columns: {', '.join(REQUIRED)}; where they apply:"
        f" {', '.join(OPTIONAL)}",
        "content": {
            str(each): {"schema": {"type": "string", "format": "binary"}} for each in Media
        },
    }
}


@router.post("/imports", status_code=202, openapi_extra=FILE, dependencies=[KEYED])
async def import_legacy_cases(
    actor: Importer, session: Session, now: Now, request: Request, response: Response
) -> OperationView:
    """Import cases of earlier years: how each ended, by which document, what was paid.

    The operation answers for every row, and a bad one stops no other. What was paid counts for
    `once_ever` and, at finance, as aid of the city for its matter.
    """
    media = require_media(request.headers.get("content-type"))
    content = await content_of(request.stream(), FILE_BYTES_MAX)
    operation = await accept_import(session, response, actor, media, content, now=now)
    english = prefers_english(request.headers.get("accept-language"))
    return await operation_view(session, operation, english=english)
