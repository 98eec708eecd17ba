"""Posting, which is the only way money moves, and the hourly proof that it moved rightly."""

from datetime import datetime
from uuid import UUID

import structlog
from asyncpg import IntegrityConstraintViolationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.ledger import queries
from services.finance.ledger.models import Account
from services.finance.ledger.rules import ROUTES, AccountKind, LedgerCheck, Posting
from services.finance.metrics import LEDGER_BREACHES
from services.kernel.actors import SYSTEM
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.crash import crash_point
from services.kernel.database import raw_connection
from services.kernel.errors import Conflict
from services.kernel.ids import new_id

log = structlog.get_logger()

BREACHES_TOLD_MAX = 20
FLOOR = "ck_account_floor"

# One statement, so that no transfer can stand without its two balances; the accounts are locked in
# the order of their ids, so that opposite transfers wait for each other instead of deadlocking.
_POST = """
WITH side AS (
    SELECT id, kind FROM account WHERE budget_id = $2 AND kind IN ($3, $4)
    ORDER BY id FOR UPDATE
), posted AS (
    INSERT INTO transfer (id, debit_account, credit_account, amount_fen, kind, award_id,
                          payout_line_id, reverses, tranche, business_day, posted_at, statement)
    SELECT $1, d.id, c.id, $5, $6, $7, $8, $9, $10, $11, $12, $13
    FROM side d, side c WHERE d.kind = $3 AND c.kind = $4
    RETURNING debit_account, credit_account, amount_fen
)
UPDATE account a
SET balance_fen = a.balance_fen
    + CASE WHEN a.id = p.debit_account THEN -p.amount_fen ELSE p.amount_fen END
FROM posted p WHERE a.id IN (p.debit_account, p.credit_account)
RETURNING a.id
"""


class AccountsMissing(Exception):
    """A budget line without its accounts: a fault of ours, never of a caller."""


async def open_accounts(session: AsyncSession, budget_id: UUID) -> None:
    """Open the four accounts of a budget line, all at zero."""
    session.add_all(
        Account(id=new_id(), kind=kind, budget_id=budget_id, balance_fen=0) for kind in AccountKind
    )
    await session.flush()


async def post(session: AsyncSession, posting: Posting, *, now: datetime) -> UUID:
    """Move money within a budget line, once; the database refuses what the line does not hold."""
    debit, credit = ROUTES[posting.kind]
    transfer_id = new_id()
    try:
        connection = await raw_connection(session)
        touched = await connection.fetch(
            _POST, transfer_id, posting.budget_id, debit.value, credit.value,
            posting.amount_fen, posting.kind.value, posting.award_id, posting.payout_line_id,
            posting.reverses, posting.tranche, city_day(now), now, posting.statement,
        )  # fmt: skip
    except IntegrityConstraintViolationError as error:
        raise _refusal(error) from error
    if len(touched) != len(ROUTES[posting.kind]):
        raise AccountsMissing(f"{posting.kind}: {len(touched)} accounts of {posting.budget_id}")
    crash_point("ledger:posted")
    return transfer_id


async def check_ledger(session: AsyncSession, _: str, now: datetime) -> None:
    """Recompute the ledger and raise the alarm where it does not add up."""
    found = await queries.check(session)
    LEDGER_BREACHES.set(len(found.breaches) + (1 if found.sum_fen else 0))
    if not found.breaches and found.sum_fen == 0:
        log.info("ledger adds up", accounts=found.accounts, transfers=found.transfers)
        return
    log.error("ledger does not add up", sum_fen=found.sum_fen, breaches=len(found.breaches))
    detail = _told(found)
    audit(
        session, SYSTEM, "ledger.check", "ledger", "all", now=now, outcome="failed", detail=detail
    )


def _told(found: LedgerCheck) -> dict[str, object]:
    accounts = [str(breach.account_id) for breach in found.breaches[:BREACHES_TOLD_MAX]]
    return {"sum_fen": found.sum_fen, "breaches": len(found.breaches), "accounts": accounts}


def _refusal(error: IntegrityConstraintViolationError) -> Conflict:
    """Say of what the database refused which of its two rules stood against it."""
    if getattr(error, "constraint_name", None) == FLOOR:
        return Conflict(
            "账户余额不足，未作任何变动。",
            "The account does not hold that much; nothing was moved.",
            code="balance-insufficient",
        )
    return Conflict(
        "该笔款项已经记账，不会重复办理。",
        "This was posted already and is not posted twice.",
        code="already-posted",
    )
