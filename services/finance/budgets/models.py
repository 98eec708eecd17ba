"""Budget lines."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.finance.base import Base


class Budget(Base):
    """A line of a year's budget for one measure or programme; what it holds is in the ledger."""

    __tablename__ = "budget"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'approved')", name="state"),
        CheckConstraint("num_nonnulls(measure, programme) = 1", name="purpose"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("created_by <> approved_by", name="four_eyes"),
        CheckConstraint("(state = 'approved') = (approved_by IS NOT NULL)", name="approved"),
        Index("ix_budget_year", "year", "measure", "programme"),
        {"info": {"updatable": ["state", "version", "approved_by", "approved_at"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    year: Mapped[int]
    measure: Mapped[int | None]
    programme: Mapped[str | None]
    name: Mapped[str]
    department: Mapped[str]
    amount_fen: Mapped[int]
    state: Mapped[str]
    version: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    approved_by: Mapped[str | None]
    approved_at: Mapped[datetime | None]
