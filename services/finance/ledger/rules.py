"""Which account pays which, by the kind of a transfer."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


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
