"""Proposing that an award be revoked: it decides nothing, and its holder is heard first."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.aftermath.actions import OURS, By, record, require_part
from services.policy.aftermath.rules import Part
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.rules import RECEIVED, STATE_NAMES, CaseState
from services.policy.recoveries import queries, rules
from services.policy.recoveries.models import Recovery
from services.policy.recoveries.rules import (
    THING,
    Ground,
    GroundKind,
    RecoveryState,
    SystemEvent,
)
from services.policy.recoveries.schemas import NewRecovery


async def propose_recovery(
    session: AsyncSession,
    case: Case,
    ground: Ground,
    *,
    now: datetime,
    by: By,
    respond_by: date | None = None,
) -> Recovery:
    """Propose to revoke a case that is locked; a further ground joins the open proposal."""
    state = CaseState(case.state)
    if state not in RECEIVED:
        zh, en = STATE_NAMES[state]
        raise Conflict(
            f"办件处于“{zh}”状态，没有可撤销的批准。",
            f"The case is {en}; there is no approval to revoke.",
            code="case-not-decided",
        )
    told = {"kind": ground.kind, "id": ground.id and str(ground.id), "reason": ground.reason}
    standing = await queries.open_of(session, case.id)
    if standing is not None:
        standing.grounds = [*standing.grounds, told]
        standing.version += 1
        await tell(session, standing, SystemEvent.GROUND_ADDED, was=RecoveryState.OPEN, now=now,
                   by=by, data=told)  # fmt: skip
        return standing
    row = Recovery(
        id=new_id(), case_id=case.id, attempt=case.attempt, ground=ground.kind, grounds=[told],
        respond_by=respond_by, response=None, response_evidence=[], responded_at=None,
        state=RecoveryState.OPEN, proposed_by=by.actor.subject, decided_by=None, version=1,
        created_at=now, changed_at=now,
    )  # fmt: skip
    session.add(row)
    data = {**told, "respond_by": respond_by and respond_by.isoformat()}
    await tell(session, row, SystemEvent.PROPOSED, was=None, now=now, by=by, data=data)
    return row


async def propose_on_finding(
    session: AsyncSession, actor: Actor, case_id: UUID, new: NewRecovery, *, now: datetime
) -> tuple[Recovery, Case]:
    """Propose to revoke upon a finding, as a reviewer of the case's desk."""
    case = await cases.case(session, actor, case_id, for_update=True)
    role = await require_part(session, actor, case, Part.REVIEWER)
    if new.respond_by is not None:
        rules.require_coming(new.respond_by, city_day(now))
    ground = Ground(GroundKind.FINDING, None, f"{new.reason}（{new.source}）")
    by = By(actor, role, new.reason)
    row = await propose_recovery(session, case, ground, now=now, by=by, respond_by=new.respond_by)
    return row, case


async def tell(
    session: AsyncSession,
    row: Recovery,
    event: str,
    *,
    was: RecoveryState | None,
    now: datetime,
    by: By = OURS,
    data: dict[str, Any] | None = None,
) -> None:
    """Keep what happened, and announce how the proposal stands."""
    row.changed_at = now
    await record(session, THING, row, event, was=was, now=now, by=by, data=data)
    announce(session, queries.changed(row), now=now)
