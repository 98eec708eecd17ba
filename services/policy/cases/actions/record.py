"""Recording what happened to a case: its history and the audit, in the same transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import SYSTEM, Actor
from services.kernel.audit import audit
from services.kernel.ids import new_id
from services.policy.cases import queries
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.rules import CaseState
from services.policy.clocks.actions.follow_case import follow_case


@dataclass(frozen=True)
class Hand:
    """Who did it, in which role, and what was said."""

    actor: Actor = SYSTEM
    role: str = "system"
    note: str = ""


OURS = Hand()


async def record(
    session: AsyncSession,
    case: Case,
    event: str,
    *,
    was: CaseState | None,
    now: datetime,
    by: Hand = OURS,
    data: dict[str, Any] | None = None,
) -> None:
    """Add one row to the case's history and one to the audit; its clocks follow."""
    detail = data or {}
    case.changed_at = now
    session.add(
        CaseHistory(
            id=new_id(), case_id=case.id, number=await queries.next_number(session, case.id),
            event=event, from_state=was, to_state=case.state, version=case.version, role=by.role,
            actor=by.actor.subject, note=by.note, data=detail, at=now,
        )
    )  # fmt: skip
    await session.flush()
    told = {"from": was, "to": case.state, "version": case.version, **detail}
    audit(session, by.actor, f"case.{event}", "case", case.id, now=now, detail=told)
    await follow_case(session, case, now=now)
