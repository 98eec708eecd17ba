"""Reading the ledger, and recomputing it."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.ledger.models import Account, Transfer
from services.finance.ledger.rules import (
    AccountKind,
    Balances,
    Breach,
    LedgerCheck,
    LineBalance,
    TransferKind,
    TrialBalance,
)
from services.finance.paging import last_seen, newest_first
from services.kernel.database import raw_connection
from services.kernel.pages import PageRequest

_NOTHING = {f"{kind}_fen": 0 for kind in AccountKind}

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

_TRIAL_BALANCE = """
WITH side AS (
    SELECT credit_account AS account, amount_fen AS fen FROM transfer WHERE business_day <= $1
    UNION ALL
    SELECT debit_account, -amount_fen FROM transfer WHERE business_day <= $1
), moved AS (
    SELECT account, sum(fen)::bigint AS fen, count(*) AS sides FROM side GROUP BY account
)
SELECT b.id AS budget_id, b.name, b.year, b.department, a.kind, m.fen, m.sides
FROM moved m JOIN account a ON a.id = m.account JOIN budget b ON b.id = a.budget_id
WHERE $2::int IS NULL OR b.year = $2
ORDER BY b.year, b.id
"""
_STATEMENT = """
WITH entry AS (
    SELECT t.id AS transfer_id, t.business_day, t.kind, t.award_id, t.payout_line_id, t.reverses,
           t.statement, s.fen AS amount_fen, sum(s.fen) OVER (ORDER BY t.id)::bigint AS balance_fen
    FROM account a
    JOIN transfer t ON a.id IN (t.debit_account, t.credit_account)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN t.credit_account = a.id THEN t.amount_fen ELSE -t.amount_fen END AS fen
    ) AS s
    WHERE a.budget_id = $1 AND a.kind = $2
)
SELECT * FROM entry
WHERE ($3::date IS NULL OR business_day >= $3) AND ($4::date IS NULL OR business_day <= $4)
      AND ($5::uuid IS NULL OR transfer_id > $5)
ORDER BY transfer_id LIMIT $6
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


async def trial_balance(session: AsyncSession, on: date, *, year: int | None) -> TrialBalance:
    """Add up what was posted to the end of a day, by the lines of all years or of one."""
    connection = await raw_connection(session)
    lines: dict[UUID, dict[str, Any]] = {}
    sides = 0
    for row in await connection.fetch(_TRIAL_BALANCE, on, year):
        named = {name: row[name] for name in ("budget_id", "name", "year", "department")}
        line = lines.setdefault(row["budget_id"], {**named, **_NOTHING})
        line[f"{row['kind']}_fen"] = row["fen"]
        sides += row["sides"]
    return TrialBalance(on, sides // 2, [LineBalance(**line) for line in lines.values()])


async def statement(
    session: AsyncSession,
    page: PageRequest,
    budget_id: UUID,
    kind: AccountKind,
    *,
    since: date | None,
    until: date | None,
) -> list[dict[str, Any]]:
    """List what moved on one account, in the order of posting, with the balance after each."""
    connection = await raw_connection(session)
    rows = await connection.fetch(
        _STATEMENT, budget_id, kind.value, since, until, last_seen(page.after), page.limit + 1
    )
    return [dict(row) for row in rows]


async def is_known(session: AsyncSession, budget_id: UUID) -> bool:
    """Tell whether a budget line has accounts: it has them once it was approved."""
    return bool(await session.scalar(select(exists().where(Account.budget_id == budget_id))))
