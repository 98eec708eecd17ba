"""What the ledger answers."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class BreachView(BaseModel):
    """An account whose balance is not what its transfers add up to."""

    model_config = ConfigDict(from_attributes=True)

    account_id: UUID
    kind: str
    budget_id: UUID
    balance_fen: int
    recomputed_fen: int


class LedgerCheckView(BaseModel):
    """The recomputed ledger: the sum over all accounts is always 0 and there are no breaches."""

    model_config = ConfigDict(from_attributes=True)

    sum_fen: int
    accounts: int
    transfers: int
    breaches: list[BreachView]


class TransferView(BaseModel):
    """Money moved from the debit to the credit account of one budget line."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    budget_id: UUID
    debit_account: UUID
    credit_account: UUID
    amount_fen: int
    award_id: UUID | None
    payout_line_id: UUID | None
    reverses: UUID | None
    tranche: int
    business_day: date
    posted_at: datetime
    statement: str


class TransferPage(BaseModel):
    items: list[TransferView]
    next_cursor: str | None
