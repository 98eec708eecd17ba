"""Reading recusals, and asking whether a person is barred from a case."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.policy.recusals.models import Recusal
from services.policy.recusals.rules import require_free
from services.policy.recusals.schemas import RecusalView


async def is_recused(session: AsyncSession, case_id: UUID, subject: str) -> bool:
    """Tell whether a person does not act on a case."""
    found = exists().where(Recusal.case_id == case_id, Recusal.subject == subject)
    return bool(await session.scalar(select(found)))


async def require_not_recused(session: AsyncSession, case_id: UUID, actor: Actor) -> None:
    """Refuse whoever is recused from the case."""
    require_free(is_recused=await is_recused(session, case_id, actor.subject))


async def recusals_of(session: AsyncSession, case_id: UUID) -> Sequence[Recusal]:
    statement = select(Recusal).where(Recusal.case_id == case_id)
    return (await session.scalars(statement.order_by(Recusal.id))).all()


def view(row: Recusal) -> RecusalView:
    return RecusalView(
        id=row.id, case=row.case_id, subject=row.subject, reason=row.reason,
        declared_by=row.declared_by, at=row.at,
    )  # fmt: skip
