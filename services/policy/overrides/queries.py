"""Reading departures from rules."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.policy.cases.models import Case
from services.policy.overrides.models import CaseOverride
from services.policy.overrides.schemas import OverrideView

PERSONS_ARE_NAMED_TO = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR)


def is_overridden() -> ColumnElement[bool]:
    """Tell the cases for which an officer ever departed from the rule."""
    return exists().where(CaseOverride.case_id == Case.id)


async def latest_of(session: AsyncSession, case_ids: Iterable[UUID]) -> dict[UUID, CaseOverride]:
    """Find the latest departure of each of these cases; most have none."""
    statement = select(CaseOverride).where(CaseOverride.case_id.in_(list(case_ids)))
    rows = await session.scalars(statement.order_by(CaseOverride.attempt))
    return {row.case_id: row for row in rows}


async def of_attempt(session: AsyncSession, case: Case) -> CaseOverride | None:
    """Find the departure that the latest proposal of a case rests on."""
    statement = select(CaseOverride).where(
        CaseOverride.case_id == case.id, CaseOverride.attempt == case.attempt
    )
    return await session.scalar(statement)


def view(actor: Actor, row: CaseOverride | None) -> OverrideView | None:
    if row is None:
        return None
    return OverrideView(
        attempt=row.attempt, reason=row.reason, rule_outcome=row.rule_outcome,
        rule_amount_fen=row.rule_amount_fen, amount_fen=row.amount_fen, at=row.made_at,
        by=row.made_by if actor.has(*PERSONS_ARE_NAMED_TO) else None,
    )  # fmt: skip
