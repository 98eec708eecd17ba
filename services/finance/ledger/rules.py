"""Which account pays which, by the kind of a transfer."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from services.kernel.errors import NotFound, invalid_field


class AccountKind(StrEnum):
    APPROPRIATION = "appropriation"
    AVAILABLE = "available"
    RESERVED = "reserved"
    PAID = "paid"


class TransferKind(StrEnum):
    FUND = "fund"
    RESERVE = "reserve"
    RELEASE = "release"
    PAY = "pay"
    RETURN = "return"
    RECOVER = "recover"


TRANSFER_NAMES = {
    TransferKind.FUND: ("指标下达", "fund"),
    TransferKind.RESERVE: ("预留", "reserve"),
    TransferKind.RELEASE: ("预留释放", "release"),
    TransferKind.PAY: ("支付", "pay"),
    TransferKind.RETURN: ("退回", "return"),
    TransferKind.RECOVER: ("追回", "recover"),
}

# From debit to credit. Only the appropriation may go below zero: by what was appropriated.
ROUTES = {
    TransferKind.FUND: (AccountKind.APPROPRIATION, AccountKind.AVAILABLE),
    TransferKind.RESERVE: (AccountKind.AVAILABLE, AccountKind.RESERVED),
    TransferKind.RELEASE: (AccountKind.RESERVED, AccountKind.AVAILABLE),
    TransferKind.PAY: (AccountKind.RESERVED, AccountKind.PAID),
    TransferKind.RETURN: (AccountKind.PAID, AccountKind.RESERVED),
    TransferKind.RECOVER: (AccountKind.PAID, AccountKind.AVAILABLE),
}


@dataclass(frozen=True)
class Posting:
    """What shall be moved within a budget line, and for what.

    `tranche` counts one award's postings of a kind: attempts to reserve, payments, recoveries.
    """

    kind: TransferKind
    budget_id: UUID
    amount_fen: int
    statement: str
    award_id: UUID | None = None
    tranche: int = 1
    payout_line_id: UUID | None = None
    reverses: UUID | None = None


@dataclass(frozen=True)
class Balances:
    """What stands on a budget line's accounts."""

    available_fen: int = 0
    reserved_fen: int = 0
    paid_fen: int = 0


@dataclass(frozen=True)
class Breach:
    """An account whose balance is not what its transfers add up to."""

    account_id: UUID
    kind: str
    budget_id: UUID
    balance_fen: int
    recomputed_fen: int


@dataclass(frozen=True)
class LedgerCheck:
    """What a recomputation of the whole ledger found."""

    sum_fen: int
    accounts: int
    transfers: int
    breaches: tuple[Breach, ...]


@dataclass(frozen=True)
class LineBalance:
    """What stood on a budget line's accounts at the end of a day."""

    budget_id: UUID
    name: str
    year: int
    department: str
    appropriation_fen: int
    available_fen: int
    reserved_fen: int
    paid_fen: int


@dataclass(frozen=True)
class TrialBalance:
    """All budget lines at the end of a day; what was appropriated is all that can be elsewhere."""

    on: date
    transfers: int
    lines: list[LineBalance]

    @property
    def totals(self) -> dict[str, int]:
        """Sum each kind of account over all lines."""
        return {
            f"{kind}_fen": sum(getattr(line, f"{kind}_fen") for line in self.lines)
            for kind in AccountKind
        }

    @property
    def sum_fen(self) -> int:
        return sum(self.totals.values())


def require_past(on: date | None, today: date) -> date:
    """Give the day asked about, today by default; of a day to come nothing is known."""
    if on is not None and on > today:
        raise invalid_field(
            "/on",
            "day-in-future",
            f"{on}尚未到来，试算平衡只能查询到今日（{today}）。",
            f"{on} is still to come; ask for a day up to today, {today}.",
        )
    return on or today


def no_accounts() -> NotFound:
    return NotFound(
        "没有这条预算指标的账户；指标批准后才开立账户。",
        "No such budget line has accounts; they are opened when it is approved.",
    )
