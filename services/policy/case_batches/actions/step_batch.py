"""Working a batch off: every item is the single event, in a savepoint, with an answer of its own.

A step commits what it moved with the answers and the progress, so that a crash goes on where it
stopped and no case is moved twice.
"""

from datetime import datetime
from uuid import UUID

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.database_faults import is_database_away, refusal_from_database
from services.kernel.errors import Conflict, Forbidden, NotFound, Refusal, VersionMismatch
from services.kernel.operations import RowError, Step
from services.kernel.savepoints import savepoint
from services.kernel.tables import Operation
from services.policy.case_batches import queries
from services.policy.case_batches.models import CaseBatchAnswer
from services.policy.case_batches.rules import ITEMS_A_STEP, lock_order, problem_of
from services.policy.case_batches.schemas import BatchResult, ItemAnswer, ItemProblem, NewBatch
from services.policy.cases.actions.move_case import move_case
from services.policy.cases.rules import CaseState
from services.policy.cases.schemas import CaseDeed

ON_RECORD = (Forbidden, NotFound, Conflict, VersionMismatch)


async def step_batch(
    session: AsyncSession, operation: Operation, actor: Actor, now: datetime
) -> Step:
    """Do the next items; the last step gathers the answers."""
    batch = NewBatch.model_validate(operation.input)
    total = len(batch.items)
    order = lock_order(item.case for item in batch.items)
    errors: list[RowError] = []
    for position in order[operation.done : operation.done + ITEMS_A_STEP]:
        case_id, deed = batch.items[position].case, batch.deed(position)
        answer = await _answer(session, actor, case_id, deed, now)
        session.add(
            CaseBatchAnswer(
                operation_id=operation.id, position=position, answer=answer.model_dump(mode="json")
            )
        )
        if answer.problem is not None:
            problem = answer.problem
            errors.append(
                RowError(position + 1, "", problem.code, problem.detail, problem.detail_en)
            )
    done = min(operation.done + ITEMS_A_STEP, total)
    await session.flush()
    if done < total:
        return Step(done, total, errors)
    given = await queries.answers(session, operation.id)
    items = [ItemAnswer.model_validate(each) for each in given]
    moved = sum(each.moved for each in items)
    result = BatchResult(event=batch.event, moved=moved, refused=total - moved, items=items)
    return Step(done, total, errors, result.model_dump(mode="json"))


async def _answer(
    session: AsyncSession, actor: Actor, case_id: UUID, deed: CaseDeed, now: datetime
) -> ItemAnswer:
    """Move one case as the single event does, or say why it was not moved."""
    try:
        async with savepoint(session):
            case = await move_case(session, actor, case_id, deed, now=now, after=None)
            state, version = CaseState(case.state), case.version
    except Refusal as refusal:
        return _refused(session, actor, case_id, deed, refusal, now)
    except (DBAPIError, asyncpg.PostgresError) as error:
        # Without its database the step is tried again; what one case alone met is its answer.
        if is_database_away(error):
            raise
        refusal = refusal_from_database(error) or _failed()
        return _refused(session, actor, case_id, deed, refusal, now)
    return ItemAnswer(case=case_id, moved=True, state=state, version=version)


def _refused(
    session: AsyncSession,
    actor: Actor,
    case_id: UUID,
    deed: CaseDeed,
    refusal: Refusal,
    now: datetime,
) -> ItemAnswer:
    """Say why an item was not moved, and have the attempt on record as that of a single event."""
    if isinstance(refusal, ON_RECORD):
        audit(
            session, actor, f"case.{deed.event}", "case", case_id, now=now, outcome="refused",
            detail={"code": refusal.code, "status": refusal.status},
        )  # fmt: skip
    problem = ItemProblem.model_validate(problem_of(refusal))
    return ItemAnswer(case=case_id, moved=False, problem=problem)


def _failed() -> Refusal:
    return Conflict(
        "该件未能办理，已记录；请单独办理该件。",
        "This case could not be moved, which is on record; move it by itself.",
        code="item-failed",
    )
