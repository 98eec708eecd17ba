from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.prefill.rules import CheckOutcome

_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in CheckOutcome)


class FactCheck(Base):
    """A provisional fact of a case beside its owner's statement, which has come since."""

    __tablename__ = "fact_check"
    __table_args__ = (
        UniqueConstraint("case_id", "attempt", "name", "statement_id"),
        CheckConstraint(f"outcome IN ({_OUTCOMES})", name="outcome"),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    # The proposal that rested on it; 0 before there was one.
    attempt: Mapped[int]
    # `fact`, or `fact:year`; `declared` is the value that the case took for the time being.
    name: Mapped[str]
    declared: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    stated: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    outcome: Mapped[str]
    department: Mapped[str | None]
    source: Mapped[str | None]
    statement_id: Mapped[UUID]
    checked_at: Mapped[datetime]
