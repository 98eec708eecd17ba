"""Payment batches and their lines."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.finance.base import Base


class Payout(Base):
    """A batch of payments under one document."""

    __tablename__ = "payout"
    __table_args__ = (
        CheckConstraint(
            "state IN ('prepared', 'checked', 'sent', 'settled', 'partly-returned', 'cancelled')",
            name="state",
        ),
        CheckConstraint("prepared_by <> checked_by", name="four_eyes"),
        CheckConstraint(
            "state IN ('prepared', 'cancelled') OR checked_by IS NOT NULL", name="checked"
        ),
        {
            "info": {
                "updatable": [
                    "state",
                    "version",
                    "checked_by",
                    "checked_at",
                    "sent_by",
                    "sent_at",
                    "closed_at",
                ]
            }
        },
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    version: Mapped[int]
    document: Mapped[str]
    prepared_by: Mapped[str]
    prepared_at: Mapped[datetime]
    checked_by: Mapped[str | None]
    checked_at: Mapped[datetime | None]
    sent_by: Mapped[str | None]
    sent_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class PayoutLine(Base):
    """One award in a batch; an award stands in one batch at a time."""

    __tablename__ = "payout_line"
    __table_args__ = (
        UniqueConstraint("payout_id", "award_id"),
        Index(
            "uq_payout_line_open",
            "award_id",
            unique=True,
            postgresql_where=text("state NOT IN ('returned', 'cancelled')"),
        ),
        CheckConstraint(
            "state IN ('prepared', 'sent', 'held', 'settled', 'returned', 'cancelled')",
            name="state",
        ),
        CheckConstraint("amount_fen > 0", name="amount"),
        {"info": {"updatable": ["state", "reason"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    payout_id: Mapped[UUID] = mapped_column(ForeignKey("payout.id"))
    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id"))
    amount_fen: Mapped[int]
    state: Mapped[str]
    reason: Mapped[str | None]
