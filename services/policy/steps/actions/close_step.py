"""Ending a step: the next one is opened, and the case's history has a line of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM, Actor, Role
from services.kernel.errors import Conflict, NotFound
from services.kernel.outbox import announce
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.queries import case_of_award
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.clocks.actions.follow_case import finish_step_clock
from services.policy.steps import queries
from services.policy.steps.actions.open_steps import open_next
from services.policy.steps.models import CaseStep
from services.policy.steps.rules import (
    ENDED,
    KIND_NAMES,
    Before,
    StepEvent,
    StepKind,
    StepState,
    move,
    require_in_review,
)

TOLD = {StepState.PASSED: SystemEvent.STEP_PASSED, StepState.FAILED: SystemEvent.STEP_FAILED}


@dataclass(frozen=True)
class Found:
    """What was found, and what it rests on."""

    finding: str | None
    ref: str | None = None
    ref_on: date | None = None
    evidence: UUID | None = None


async def close_step(
    session: AsyncSession,
    case_id: UUID,
    kind: StepKind,
    *,
    outcome: StepEvent,
    finding: str | None,
    ref: str | None,
    by: Actor,
    now: datetime,
) -> list[CaseStep]:
    """End the open step of a kind for another noun, at every desk that has it.

    The caller has seen to it that `by` may do so; the case is locked here, and locks it first.
    """
    case = await case_of_award(session, case_id)
    if case is None:
        raise NotFound("没有这份办件。", "There is no such case.")
    rows = await queries.steps_of(session, case_id)
    parts = [row for row in rows if row.kind == kind and row.state == StepState.OPEN]
    if not parts:
        zh, en = KIND_NAMES[kind]
        raise Conflict(
            f"本件没有待办理的“{zh}”环节。", f"The case has no open step: {en.lower()}.",
            code="step-not-open",
        )  # fmt: skip
    require_in_review(CaseState(case.state), case.proposed_outcome, Before(parts[0].before))
    role = next((each for each in (Role.REVIEWER, Role.APPROVER) if by.has(each)), None)
    hand = Hand(by, role or ("system" if by is SYSTEM else min(by.roles)))
    for row in parts:
        await end_part(session, case, rows, row, outcome, Found(finding, ref), hand, now=now)
    return parts


async def end_part(  # noqa: PLR0917  one deed with its grounds
    session: AsyncSession,
    case: Case,
    rows: Sequence[CaseStep],
    step: CaseStep,
    event: StepEvent,
    found: Found,
    by: Hand,
    *,
    now: datetime,
) -> None:
    """Close one desk's part; when the whole step has passed, the next one is open."""
    step.state = move(StepState(step.state), event)
    step.closed_at, step.closed_by = now, by.actor.subject
    step.finding, step.ref, step.ref_on = found.finding, found.ref, found.ref_on
    step.evidence_id = found.evidence
    step.version += 1
    announce(session, queries.changed(step), now=now)
    await session.flush()
    parts = {StepState(row.state) for row in rows if row.ordinal == step.ordinal}
    told = told_of(step)
    if parts <= ENDED or StepState.FAILED in parts:
        await finish_step_clock(session, case, str(step.ordinal), now=now)
    if parts <= ENDED and step.before == Before.PROPOSAL:
        told["opened"] = await open_next(session, case, rows, Before.PROPOSAL, now=now)
    case.version += 1
    was = CaseState(case.state)
    await record(session, case, TOLD[StepState(step.state)], was=was, now=now, by=by, data=told)


def told_of(step: CaseStep) -> dict[str, Any]:
    """Name a step in the case's history."""
    return {
        "step": str(step.id), "ordinal": step.ordinal, "kind": step.kind,
        "department": step.department, "town_code": step.town_code,
    }  # fmt: skip
