from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class HeardBudget(Base):
    """A budget line as finance announced it last."""

    __tablename__ = "heard_budget"
    __table_args__ = (
        CheckConstraint("num_nonnulls(measure, programme) = 1", name="purpose"),
        Index("ix_heard_budget_year", "year"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    year: Mapped[int]
    measure: Mapped[int | None]
    programme: Mapped[str | None]
    name: Mapped[str]
    amount_fen: Mapped[int]
    is_approved: Mapped[bool]


class HeardAid(Base):
    """A firm's aid of any level as it was declared to finance; withdrawn, it counts no more."""

    __tablename__ = "heard_aid"
    __table_args__ = (
        Index("ix_heard_aid_beneficiary", "beneficiary_id"),
        CheckConstraint("amount_fen > 0", name="amount"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    beneficiary_id: Mapped[str]
    matter_key: Mapped[str]
    level: Mapped[str]
    programme: Mapped[str]
    stacking_group: Mapped[str]
    relation: Mapped[str]
    year: Mapped[int]
    amount_fen: Mapped[int]
    counts: Mapped[bool]
