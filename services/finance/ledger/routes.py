"""The ledger over HTTP: read and proven, never written."""

from datetime import date
from typing import Any
from uuid import UUID

from services.finance.ledger import queries
from services.finance.ledger.access import LedgerReader
from services.finance.ledger.rules import (
    AccountKind,
    LedgerCheck,
    TrialBalance,
    no_accounts,
    require_past,
)
from services.finance.ledger.schemas import (
    LedgerCheckView,
    StatementPage,
    TransferPage,
    TrialBalanceView,
)
from services.kernel.clock import city_day
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

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


@router.get("/trial-balance", response_model=TrialBalanceView)
async def show_trial_balance(
    _: LedgerReader, session: Session, now: Now, on: date | None = None, year: int | None = None
) -> TrialBalance:
    """Add up the ledger at the end of a day, today by default; of all years, or of one."""
    return await queries.trial_balance(session, require_past(on, city_day(now)), year=year)


@router.get("/statements/{budget_id}", response_model=StatementPage)
async def show_statement(
    _: LedgerReader,
    session: Session,
    page: Page,
    budget_id: UUID,
    account: AccountKind = AccountKind.AVAILABLE,
    since: date | None = None,
    until: date | None = None,
) -> dict[str, Any]:
    """Show what moved on one account of a budget line, with the balance after each transfer."""
    if not await queries.is_known(session, budget_id):
        raise no_accounts()
    rows = await queries.statement(session, page, budget_id, account, since=since, until=until)
    return page_of(rows, page, lambda row: [row["transfer_id"]])
