"""Reading cases of earlier years."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.cases.models import Case
from services.policy.legacy_cases.models import LegacyCase
from services.policy.legacy_cases.schemas import LegacyRecord


async def record_of(session: AsyncSession, case: Case) -> LegacyRecord | None:
    """Show what the import of a case said; other cases have none."""
    if not case.legacy:
        return None
    row = await session.get_one(LegacyCase, case.id)
    return LegacyRecord(
        document=row.document, decided_on=row.decided_on, paid_on=row.paid_on,
        amount_fen=row.amount_fen, department=row.department,
    )  # fmt: skip


async def known_refs(
    session: AsyncSession, system: str, refs: Iterable[str]
) -> dict[str, str | None]:
    """Give the refs that a system has used already, with the hash of the row that brought each."""
    statement = (
        select(Case.external_ref, LegacyCase.row_sha256)
        .outerjoin(LegacyCase, LegacyCase.case_id == Case.id)
        .where(Case.external_system == system, Case.external_ref.in_(list(refs)))
    )
    return {ref: sha256 for ref, sha256 in await session.execute(statement) if ref is not None}
