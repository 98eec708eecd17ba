"""Taking a batch on: what fits no case is refused before any is touched."""

from datetime import datetime

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.operations import accept_operation
from services.kernel.tables import Operation
from services.policy.case_batches import queries, rules
from services.policy.case_batches.schemas import NewBatch
from services.policy.cases.rules import CaseEvent, require_reason_to_revoke, require_role

OPERATION = "case-batch"


async def begin_batch(
    session: AsyncSession, response: Response, actor: Actor, new: NewBatch, *, now: datetime
) -> Operation:
    """Begin to do one event to many cases, as the person that the caller is now."""
    rules.require_officers_event(new.event)
    require_role(new.event, actor.roles)
    if new.event is CaseEvent.REVOKE:
        require_reason_to_revoke(new.note)
    rules.require_once(item.case for item in new.items)
    rules.require_room(await queries.open_batches(session, OPERATION, actor.subject))
    operation = accept_operation(
        session, response, "policy", actor, OPERATION,
        input_=new.model_dump(mode="json"), content=None, total=len(new.items), now=now,
    )  # fmt: skip
    await session.flush()
    detail = {"event": new.event, "items": len(new.items)}
    audit(session, actor, "case-batch.begin", "operation", operation.id, now=now, detail=detail)
    return operation
