"""Recusing a person from a case: from then on his events on it are refused."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.ids import new_id
from services.policy.cases import queries as cases
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.recusals import queries, rules
from services.policy.recusals.models import Recusal
from services.policy.recusals.schemas import NewRecusal


async def recuse(
    session: AsyncSession, actor: Actor, case_id: UUID, new: NewRecusal, *, now: datetime
) -> Recusal:
    """Keep a recusal with its reason; the case's history tells of it without naming the person."""
    case = await cases.case(session, actor, case_id, for_update=True)
    subject = new.subject or actor.subject
    rules.require_may_recuse(actor, subject)
    if await queries.is_recused(session, case.id, subject):
        raise rules.already_recused()
    row = Recusal(
        id=new_id(), case_id=case.id, subject=subject, reason=new.reason,
        declared_by=actor.subject, at=now,
    )  # fmt: skip
    session.add(row)
    case.version += 1
    role = Role.APPROVER if actor.has(Role.APPROVER) else Role.REVIEWER
    told = {"recusal": str(row.id), "is_own": subject == actor.subject}
    was = CaseState(case.state)
    await record(
        session, case, SystemEvent.RECUSED, was=was, now=now, by=Hand(actor, role), data=told
    )
    return row
