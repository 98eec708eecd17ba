from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class ParameterChange(Base):
    """A number proposed for a day, in force once another person has approved it."""

    __tablename__ = "parameter_change"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'approved', 'rejected')", name="state"),
        CheckConstraint("proposed_by <> decided_by", name="four_eyes"),
        CheckConstraint("(state = 'proposed') = (decided_by IS NULL)", name="decided"),
        Index(
            "uq_parameter_change_day", "parameter", "valid_from",
            unique=True, postgresql_where=text("state <> 'rejected'"),
        ),
        {"info": {"updatable": ["state", "version", "decided_by", "decided_at", "note"]}},
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    parameter: Mapped[str]
    value: Mapped[Any] = mapped_column(JSONB, nullable=False)
    valid_from: Mapped[date]
    source: Mapped[str]
    # Who permits that a past day is touched, and why; null where no permission was given.
    backdating: Mapped[dict[str, Any] | None]
    state: Mapped[str]
    version: Mapped[int]
    proposed_by: Mapped[str]
    proposed_at: Mapped[datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    note: Mapped[str | None]
