"""Reading the ledger, and recomputing it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.ledger.models import Account, Transfer
from services.finance.ledger.rules import (
    AccountKind,
    Balances,
    Breach,
    LedgerCheck,
    TransferKind,
)
from services.finance.paging import newest_first
from services.kernel.database import raw_connection
from services.kernel.pages import PageRequest

# One statement sees one state of the ledger, whatever is being posted meanwhile.
_CHECK = text("""
WITH moved AS (
    SELECT account, sum(fen)::bigint AS fen
    FROM (SELECT credit_account AS account, amount_fen AS fen FROM transfer
          UNION ALL
          SELECT debit_account, -amount_fen FROM transfer) AS side
    GROUP BY account
), compared AS (
    SELECT a.id, a.kind, a.budget_id, a.balance_fen, coalesce(m.fen, 0) AS recomputed_fen
    FROM account a LEFT JOIN moved m ON m.account = a.id
)
SELECT coalesce(sum(balance_fen), 0)::bigint AS sum_fen, count(*) AS accounts,
       (SELECT count(*) FROM transfer) AS transfers,
       coalesce(
           jsonb_agg(jsonb_build_array(id, kind, budget_id, balance_fen, recomputed_fen)
                     ORDER BY id) FILTER (WHERE balance_fen <> recomputed_fen),
           '[]'::jsonb) AS breaches
FROM compared
""")

_BALANCES = """
SELECT budget_id, kind, balance_fen FROM account
WHERE budget_id = ANY($1::uuid[]) AND kind <> $2
"""


async def balances(session: AsyncSession, budget_ids: Iterable[UUID]) -> dict[UUID, Balances]:
    """Read what stands on some budget lines; a line without accounts has nothing on it."""
    wanted = list(budget_ids)
    connection = await raw_connection(session)
    rows = await connection.fetch(_BALANCES, wanted, AccountKind.APPROPRIATION.value)
    found: dict[UUID, dict[str, int]] = {each: {} for each in wanted}
    for budget_id, kind, balance_fen in rows:
        found[budget_id][f"{kind}_fen"] = balance_fen
    return {budget_id: Balances(**by_kind) for budget_id, by_kind in found.items()}


async def posted(
    session: AsyncSession, award_id: UUID, kind: TransferKind, tranche: int
) -> UUID | None:
    """Find what was posted for an award by its natural key."""
    return await session.scalar(
        select(Transfer.id).where(
            Transfer.award_id == award_id, Transfer.kind == kind, Transfer.tranche == tranche
        )
    )


async def check(session: AsyncSession) -> LedgerCheck:
    """Recompute every balance from the transfers and compare."""
    row = (await session.execute(_CHECK)).one()
    breaches = tuple(
        Breach(UUID(account_id), kind, UUID(budget_id), balance_fen, recomputed_fen)
        for account_id, kind, budget_id, balance_fen, recomputed_fen in row.breaches
    )
    return LedgerCheck(row.sum_fen, row.accounts, row.transfers, breaches)


async def transfers(
    session: AsyncSession, page: PageRequest, *, award_id: UUID | None, budget_id: UUID | None
) -> list[dict[str, Any]]:
    """List transfers, the newest first."""
    statement = select(*Transfer.__table__.columns, Account.budget_id).join(
        Account, Account.id == Transfer.debit_account
    )
    if award_id is not None:
        statement = statement.where(Transfer.award_id == award_id)
    if budget_id is not None:
        statement = statement.where(Account.budget_id == budget_id)
    rows = await session.execute(newest_first(statement, Transfer.id, page))
    return [dict(row) for row in rows.mappings()]
