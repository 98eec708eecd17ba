"""Accounts, and the transfers that alone change them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.finance.base import Base


class Account(Base):
    """One side of a budget line; the database lets only the appropriation go below zero."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("budget_id", "kind"),
        CheckConstraint("kind IN ('appropriation', 'available', 'reserved', 'paid')", name="kind"),
        CheckConstraint("kind = 'appropriation' OR balance_fen >= 0", name="floor"),
        CheckConstraint("kind <> 'appropriation' OR balance_fen <= 0", name="ceiling"),
        {"info": {"updatable": ["balance_fen"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    budget_id: Mapped[UUID] = mapped_column(ForeignKey("budget.id"))
    balance_fen: Mapped[int] = mapped_column(server_default=text("0"))


class Transfer(Base):
    """Money moved from the debit to the credit account; never changed, only reversed by another."""

    __tablename__ = "transfer"
    __table_args__ = (
        # What is posted once for an award can never be posted again, whoever asks.
        UniqueConstraint("award_id", "kind", "tranche"),
        UniqueConstraint("reverses"),
        Index(
            "uq_transfer_fund",
            "credit_account",
            unique=True,
            postgresql_where=text("kind = 'fund'"),
        ),
        Index("ix_transfer_debit_account", "debit_account"),
        Index("ix_transfer_credit_account", "credit_account"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("debit_account <> credit_account", name="two_accounts"),
        CheckConstraint("tranche >= 1", name="tranche"),
        CheckConstraint(
            "kind IN ('fund', 'reserve', 'release', 'pay', 'return', 'recover')", name="kind"
        ),
        CheckConstraint("(kind = 'fund') = (award_id IS NULL)", name="award"),
        CheckConstraint("(kind IN ('pay', 'return')) = (payout_line_id IS NOT NULL)", name="line"),
        CheckConstraint(
            "kind NOT IN ('release', 'return') OR reverses IS NOT NULL", name="reversal"
        ),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    debit_account: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    credit_account: Mapped[UUID] = mapped_column(ForeignKey("account.id"))
    amount_fen: Mapped[int]
    kind: Mapped[str]
    award_id: Mapped[UUID | None] = mapped_column(ForeignKey("award.id"))
    payout_line_id: Mapped[UUID | None] = mapped_column(ForeignKey("payout_line.id"))
    reverses: Mapped[UUID | None] = mapped_column(ForeignKey("transfer.id"))
    tranche: Mapped[int]
    business_day: Mapped[date]
    posted_at: Mapped[datetime]
    statement: Mapped[str]
