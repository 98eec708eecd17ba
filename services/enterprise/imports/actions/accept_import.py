"""Taking an import on: its header is checked at once, its rows later."""

from datetime import datetime
from hashlib import sha256
from typing import Any

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.firms.rules import PROFILE_FACTS
from services.enterprise.imports.actions.outcome import Outcome
from services.enterprise.imports.rules import (
    REQUIRED,
    Kind,
    columns_known,
    fact_columns,
)
from services.enterprise.vocabulary.queries import require_facts_owned
from services.kernel.actors import Actor
from services.kernel.aside import read_aside
from services.kernel.audit import audit
from services.kernel.operations import accept_operation
from services.kernel.row_files import Media, check_columns, columns_of
from services.kernel.tables import Operation

OPERATION = "import"


async def accept_import(
    session: AsyncSession,
    response: Response,
    actor: Actor,
    kind: Kind,
    media: Media,
    content: bytes,
    *,
    now: datetime,
) -> Operation:
    """Accept a file whose columns are known and whose facts belong to the caller's department."""
    columns = await read_aside(session, lambda: columns_of(media, content))
    check_columns(columns, REQUIRED[kind], columns_known(kind))
    stated = set(columns) & set(fact_columns(kind))
    await require_facts_owned(session, actor, PROFILE_FACTS if kind is Kind.FIRMS else stated)
    input_: dict[str, Any] = {"kind": kind, "media": media, "tally": Outcome().tally()}
    operation = accept_operation(
        session, response, "enterprise", actor, OPERATION,
        input_=input_, content=content, total=None, now=now,
    )  # fmt: skip
    audit(
        session, actor, "import.accept", "operation", operation.id, now=now,
        detail={
            "kind": kind, "bytes": len(content),
            "content_sha256": sha256(content).hexdigest(),
        },
    )  # fmt: skip
    await session.flush()
    return operation
