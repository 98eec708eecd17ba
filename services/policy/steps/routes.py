"""The steps of a case: who has them, how they stand, and their events."""

from uuid import UUID

from services.kernel.idempotency import KEYED
from services.kernel.unit import Now, Session, noun_router
from services.policy.cases import queries as cases
from services.policy.cases.access import CaseReader
from services.policy.steps import queries
from services.policy.steps.access import StepMover
from services.policy.steps.actions.move_step import move_step as move
from services.policy.steps.schemas import StepDeed, StepList, StepView

router = noun_router("policy", "steps", prefix="/v1/policy/cases")


@router.get("/{case_id}/steps")
async def list_case_steps(case_id: UUID, actor: CaseReader, session: Session) -> StepList:
    """List the steps of a case in their order; empty until its review begins, or without steps."""
    case = await cases.case(session, actor, case_id)
    return StepList(items=await queries.views(session, actor, case))


@router.post("/{case_id}/steps/{step_id}/events", dependencies=[KEYED])
async def move_step(
    *,
    case_id: UUID,
    step_id: UUID,
    body: StepDeed,
    actor: StepMover,
    session: Session,
    now: Now,
) -> StepView:
    """Pass or fail one's own desk's part of a step, or return the case to its applicant."""
    case = await move(session, actor, case_id, step_id, body, now=now)
    shown = await queries.views(session, actor, case)
    return next(each for each in shown if each.id == step_id)
