from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class LegacyCase(Base):
    """What is known of a case that was decided before this platform, as its import said it."""

    __tablename__ = "legacy_case"
    __table_args__ = (
        CheckConstraint("(amount_fen IS NULL) = (paid_on IS NULL)", name="paid"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("decided_on <= paid_on", name="days"),
        Index("ix_legacy_case_operation", "operation_id", "line"),
        {"info": {"append_only": True}},
    )
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"), primary_key=True)
    operation_id: Mapped[UUID]
    line: Mapped[int]
    row_sha256: Mapped[str]
    document: Mapped[str]
    decided_on: Mapped[date]
    paid_on: Mapped[date | None]
    amount_fen: Mapped[int | None]
    department: Mapped[str | None]
    imported_by: Mapped[str]
    imported_at: Mapped[datetime]
