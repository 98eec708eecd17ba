from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.fact_objections.rules import FactObjectionState

_STATES = ", ".join(f"'{state}'" for state in FactObjectionState)


class FactObjection(Base):
    """What an applicant says against a fact that is held of it, and what the owner answered."""

    __tablename__ = "fact_objection"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("(state = 'open') = (answered_by IS NULL)", name="answered"),
        CheckConstraint("answered_by <> lodged_by OR state = 'withdrawn'", name="four_eyes"),
        # One at a time of one fact of a case.
        Index(
            "uq_fact_objection_open", "case_id", "name", unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("ix_fact_objection_department", "department", "state", "id"),
        Index("ix_fact_objection_case_id", "case_id"),
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    # `fact`, or `fact:year`.
    name: Mapped[str]
    held: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    says: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str]
    evidence: Mapped[list[Any]]
    # Who stated the value, or owns the fact: its registrar answers.
    department: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    lodged_by: Mapped[str]
    lodged_at: Mapped[datetime]
    answered_by: Mapped[str | None]
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    statement_id: Mapped[UUID | None]
    stated: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
