from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.offers.rules import LIVE, BatchState, LeftOut, OfferState


def _words(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in values)


class OfferBatch(Base):
    """A programme offered unasked for a year: begun by one person, approved by another."""

    __tablename__ = "offer_batch"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(BatchState)})", name="state"),
        CheckConstraint("approved_by <> created_by", name="four_eyes"),
        CheckConstraint("state IN ('draft', 'cancelled') OR approved_by IS NOT NULL",
                        name="approved"),
        CheckConstraint("confirm_days > 0", name="confirm_days"),
        # One at a time for a year of a programme.
        Index(
            "uq_offer_batch_live", "programme", "matter_period", unique=True,
            postgresql_where=text(f"state IN ({_words(LIVE)})"),
        ),
        Index("ix_offer_batch_programme", "programme", "id"),
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str]
    matter_period: Mapped[str]
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("call.id"))
    state: Mapped[str]
    version: Mapped[int]
    confirm_days: Mapped[int | None]
    remind_days: Mapped[int | None]
    days_source: Mapped[str | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
    # Whoever approved it may follow the work under this id.
    operation_id: Mapped[UUID | None]
    asked: Mapped[int] = mapped_column(server_default=text("0"))
    not_entitled: Mapped[int] = mapped_column(server_default=text("0"))
    # The last day of the firm that was offered last; None while none is set.
    last_day: Mapped[date | None]
    provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    note: Mapped[str] = mapped_column(server_default=text("''"))
    ended_at: Mapped[datetime | None]


class Offer(Base):
    """What became of a firm in a batch: a case that waits for its word, or why there is none."""

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(OfferState)})", name="state"),
        CheckConstraint(f"reason IN ({_words(LeftOut)})", name="reason"),
        CheckConstraint("(state = 'left-out') = (reason IS NOT NULL)", name="left_out"),
        CheckConstraint("state = 'left-out' OR case_id IS NOT NULL", name="prepared"),
        Index("ix_offer_state", "batch_id", "state", "uscc"),
        Index("ix_offer_uscc", "uscc"),
    )
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("offer_batch.id"), primary_key=True)
    uscc: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    # Of who was left out: which fact or condition, of which year, and whose it is.
    lacks: Mapped[list[Any]]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy_case.id"))
    amount_fen: Mapped[int | None]
    last_day: Mapped[date | None]
    provisional: Mapped[bool]
    at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
