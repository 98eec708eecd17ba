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


class LineBalanceView(BaseModel):
    """A budget line at the end of the day; the appropriation stands below zero by what was given.

    Amounts in fen.
    """

    model_config = ConfigDict(from_attributes=True)

    budget_id: UUID
    name: str
    year: int
    department: str
    appropriation_fen: int
    available_fen: int
    reserved_fen: int
    paid_fen: int


class TotalsView(BaseModel):
    appropriation_fen: int
    available_fen: int
    reserved_fen: int
    paid_fen: int


class TrialBalanceView(BaseModel):
    """The trial balance at the end of a business day, recomputed from the transfers to that day.

    `sum_fen` is always 0; `transfers` is how many were added up.
    """

    model_config = ConfigDict(from_attributes=True)

    on: date
    transfers: int
    sum_fen: int
    totals: TotalsView
    lines: list[LineBalanceView]


class EntryView(BaseModel):
    """A transfer as the statement of one account shows it: signed, with the balance after it."""

    transfer_id: UUID
    business_day: date
    kind: str
    amount_fen: int
    balance_fen: int
    award_id: UUID | None
    payout_line_id: UUID | None
    reverses: UUID | None
    statement: str


class StatementPage(BaseModel):
    """The entries of one account of a budget line, in the order in which they were posted."""

    items: list[EntryView]
    next_cursor: str | None
