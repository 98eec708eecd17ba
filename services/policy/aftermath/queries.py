"""Reading what of a case is still open, and what happened to a matter."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.policy.aftermath.access import OFFICERS
from services.policy.aftermath.models import MatterEvent
from services.policy.aftermath.rules import MatterKind
from services.policy.aftermath.schemas import MatterLine, OpenMatter
from services.policy.obligations.models import Obligation
from services.policy.obligations.rules import UNFINISHED as OBLIGATION_OPEN
from services.policy.obligations.rules import ObligationState
from services.policy.recoveries.models import Recovery
from services.policy.recoveries.rules import UNDECIDED as RECOVERY_OPEN


async def open_matters(session: AsyncSession, case_id: UUID) -> list[OpenMatter]:
    """List what of a case is not over yet, what is due first before what has no day."""
    parts = (
        select(literal(MatterKind.OBLIGATION), Obligation.id, Obligation.due_on).where(
            Obligation.case_id == case_id, Obligation.state.in_(OBLIGATION_OPEN)
        ),
        select(literal(MatterKind.RECOVERY), Recovery.id, Recovery.respond_by).where(
            Recovery.case_id == case_id, Recovery.state.in_(RECOVERY_OPEN)
        ),
    )
    rows = await session.execute(union_all(*parts).order_by(text("3, 2")))
    return [OpenMatter(kind=MatterKind(kind), id=id_, due_on=day) for kind, id_, day in rows]


async def owes_proof(session: AsyncSession, case_id: UUID) -> bool:
    """Tell whether the applicant still has something to prove or to say after the decision."""
    parts = (
        select(Obligation.id).where(
            Obligation.case_id == case_id, Obligation.state == ObligationState.OPEN
        ),
        select(Recovery.id).where(Recovery.case_id == case_id, Recovery.state.in_(RECOVERY_OPEN)),
    )
    return await session.scalar(union_all(*parts).limit(1)) is not None


async def history(session: AsyncSession, actor: Actor, thing_id: UUID) -> list[MatterLine]:
    """Tell what happened to a matter; applicants see roles and not persons."""
    statement = select(MatterEvent).where(MatterEvent.thing_id == thing_id)
    sees_persons = actor.has(*OFFICERS)
    return [
        MatterLine(
            number=row.number, at=row.at, event=row.event, from_state=row.from_state,
            to_state=row.to_state, role=row.role,
            actor=row.actor if sees_persons or row.actor == actor.subject else None,
            note=row.note, data=row.data,
        )
        for row in await session.scalars(statement.order_by(MatterEvent.number))
    ]  # fmt: skip


async def events_of_case(session: AsyncSession, case_id: UUID) -> Sequence[MatterEvent]:
    """Give the whole history of a case's matters, in its order."""
    statement = select(MatterEvent).where(MatterEvent.case_id == case_id)
    return (await session.scalars(statement.order_by(MatterEvent.at, MatterEvent.id))).all()
