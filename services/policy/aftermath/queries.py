"""Reading what of a case is still open, and what happened to a matter."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, literal, null, or_, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase

from services.kernel.actors import Actor
from services.policy.aftermath.access import OFFICERS
from services.policy.aftermath.models import MatterEvent
from services.policy.aftermath.rules import MatterKind
from services.policy.aftermath.schemas import MatterLine, OpenMatter
from services.policy.appeals.models import Appeal
from services.policy.appeals.rules import OPEN as APPEAL_OPEN
from services.policy.checks.models import CaseCheck
from services.policy.checks.rules import OPEN as CHECK_OPEN
from services.policy.obligations.models import Obligation
from services.policy.obligations.rules import UNFINISHED as OBLIGATION_OPEN
from services.policy.obligations.rules import ObligationState
from services.policy.recoveries.models import Recovery
from services.policy.recoveries.rules import UNDECIDED as RECOVERY_OPEN
from services.policy.self_evaluations.models import SelfEvaluation
from services.policy.self_evaluations.rules import OPEN as SHEET_OPEN
from services.policy.self_evaluations.rules import SheetState


async def open_matters(
    session: AsyncSession, case_id: UUID, *, is_office: bool = True
) -> list[OpenMatter]:
    """List what of a case is not over yet, what is due first before what has no day.

    A check that is to come is the office's to know.
    """
    parts = (
        select(literal(MatterKind.OBLIGATION), Obligation.id, Obligation.due_on).where(
            Obligation.case_id == case_id, Obligation.state.in_(OBLIGATION_OPEN)
        ),
        select(literal(MatterKind.RECOVERY), Recovery.id, Recovery.respond_by).where(
            Recovery.case_id == case_id, Recovery.state.in_(RECOVERY_OPEN)
        ),
        select(literal(MatterKind.APPEAL), Appeal.id, null()).where(
            Appeal.case_id == case_id, Appeal.state.in_(APPEAL_OPEN)
        ),
        select(literal(MatterKind.SELF_EVALUATION), SelfEvaluation.id, SelfEvaluation.due_on).where(
            SelfEvaluation.case_id == case_id, SelfEvaluation.state.in_(SHEET_OPEN)
        ),
        select(literal(MatterKind.CHECK), CaseCheck.id, null()).where(
            CaseCheck.case_id == case_id, CaseCheck.state.in_(CHECK_OPEN), literal(is_office)
        ),
    )
    rows = await session.execute(union_all(*parts).order_by(text("3, 2")))
    return [OpenMatter(kind=MatterKind(kind), id=id_, due_on=day) for kind, id_, day in rows]


def is_unsettled(case_id: Any) -> ColumnElement[bool]:
    """Say in the database's words that something of a case is not over yet."""
    return or_(
        exists().where(Obligation.case_id == case_id, Obligation.state.in_(OBLIGATION_OPEN)),
        exists().where(Recovery.case_id == case_id, Recovery.state.in_(RECOVERY_OPEN)),
        exists().where(Appeal.case_id == case_id, Appeal.state.in_(APPEAL_OPEN)),
        exists().where(SelfEvaluation.case_id == case_id, SelfEvaluation.state.in_(SHEET_OPEN)),
        exists().where(CaseCheck.case_id == case_id, CaseCheck.state.in_(CHECK_OPEN)),
    )


async def owes_proof(session: AsyncSession, case_id: UUID) -> bool:
    """Tell whether the applicant still has something to prove or to say after the decision."""
    parts = (
        select(Obligation.id).where(
            Obligation.case_id == case_id, Obligation.state == ObligationState.OPEN
        ),
        select(Recovery.id).where(Recovery.case_id == case_id, Recovery.state.in_(RECOVERY_OPEN)),
        select(SelfEvaluation.id).where(
            SelfEvaluation.case_id == case_id, SelfEvaluation.state == SheetState.ASKED
        ),
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


async def matters_of_case(
    session: AsyncSession, case_id: UUID
) -> list[tuple[str, str, Sequence[DeclarativeBase]]]:
    """Give everything that followed a case's decision, by kind, for its archive."""
    kinds: tuple[tuple[str, str, Any], ...] = (
        ("obligations", "履约义务", Obligation),
        ("recoveries", "撤销追回提请", Recovery),
        ("appeals", "行政复议与诉讼", Appeal),
        ("self-evaluations", "绩效自评", SelfEvaluation),
        ("checks", "随机抽查", CaseCheck),
        ("matter-events", "后续事项办理经过", MatterEvent),
    )
    found: list[tuple[str, str, Sequence[DeclarativeBase]]] = []
    for name, title, model in kinds:
        statement = select(model).where(model.case_id == case_id).order_by(model.id)
        found.append((name, title, (await session.scalars(statement)).all()))
    return found
