"""Taking a file of earlier years' cases on: its columns are checked at once, its rows later."""

from datetime import datetime
from hashlib import sha256

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.aside import read_aside
from services.kernel.audit import audit
from services.kernel.operations import accept_operation
from services.kernel.row_files import Media, check_columns, columns_of
from services.kernel.tables import Operation
from services.policy.legacy_cases import rules

OPERATION = "legacy-cases"
TALLY = {"created": 0, "unchanged": 0, "refused": 0}


async def accept_import(
    session: AsyncSession,
    response: Response,
    actor: Actor,
    media: Media,
    content: bytes,
    *,
    now: datetime,
) -> Operation:
    """Accept a file with the columns of cases of earlier years."""
    rules.require_city_level(actor)
    columns = await read_aside(session, lambda: columns_of(media, content))
    check_columns(columns, rules.REQUIRED, [*rules.REQUIRED, *rules.OPTIONAL])
    operation = accept_operation(
        session, response, "policy", actor, OPERATION,
        input_={"media": media, "is_read": False, "tally": TALLY}, content=content,
        total=None, now=now,
    )  # fmt: skip
    await session.flush()
    detail = {"bytes": len(content), "content_sha256": sha256(content).hexdigest()}
    audit(session, actor, "legacy-case.import", "operation", operation.id, now=now, detail=detail)
    return operation
