"""Audit rows, written in the transaction of the change they tell of; sealer.py chains them."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.database import raw_connection
from services.kernel.ids import new_id
from services.kernel.strict_json import canonical
from services.kernel.trace import current_trace_id

PENDING = "audit_entries"
_WRITE = """
INSERT INTO audit_entry
    (id, at, actor, client, roles, action, outcome, thing, thing_id, detail, trace_id)
SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::text[], $10::text[], $11::text[])
"""


def audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    thing: str,
    thing_id: object,
    *,
    now: datetime,
    outcome: str = "done",
    detail: dict[str, Any] | None = None,
) -> None:
    """Have it recorded with this transaction that the actor did this to that thing.

    `detail` holds ids, amounts and states, never personal data.
    """
    entries: list[tuple[Any, ...]] = session.info.setdefault(PENDING, [])
    entries.append(
        (
            new_id(),
            now,
            actor.subject,
            actor.client_id,
            " ".join(sorted(actor.roles)),
            action,
            outcome,
            thing,
            str(thing_id),
            canonical(detail or {}),
            current_trace_id(),
        )
    )


def has_audit(session: AsyncSession) -> bool:
    """Tell whether this transaction has something to record."""
    return PENDING in session.info


async def write_audit(session: AsyncSession) -> None:
    """Write this transaction's audit rows; called at the edge, just before the commit."""
    entries: list[tuple[Any, ...]] = session.info.pop(PENDING, [])
    if not entries:
        return
    columns = [list(column) for column in zip(*entries, strict=True)]
    connection = await raw_connection(session)
    await connection.execute(_WRITE, *columns)
