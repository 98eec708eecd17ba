"""The ledger over HTTP: read and proven, never written."""

from typing import Any
from uuid import UUID

from services.finance.ledger import queries
from services.finance.ledger.access import LedgerReader
from services.finance.ledger.rules import LedgerCheck
from services.finance.ledger.schemas import LedgerCheckView, TransferPage
from services.kernel.pages import Page, page_of
from services.kernel.unit import Session, noun_router

router = noun_router("finance", "ledger")


@router.get("/check", response_model=LedgerCheckView)
async def check_ledger(_: LedgerReader, session: Session) -> LedgerCheck:
    """Recompute every balance from the transfers; the sum is always 0."""
    return await queries.check(session)


@router.get("/transfers", response_model=TransferPage)
async def list_transfers(
    _: LedgerReader,
    session: Session,
    page: Page,
    award_id: UUID | None = None,
    budget_id: UUID | None = None,
) -> dict[str, Any]:
    """List transfers, the newest first."""
    rows = await queries.transfers(session, page, award_id=award_id, budget_id=budget_id)
    return page_of(rows, page, lambda row: [row["id"]])
