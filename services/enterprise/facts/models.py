"""Every statement of a fact that was ever made."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.enterprise.base import Base


class FactStatement(Base):
    """A value of one fact, for a year or from a day on; no value withdraws what stood there.

    `recorded_at` is business time and answers `as_of`; the order of statements is their ids'.
    """

    __tablename__ = "fact_statement"
    __table_args__ = (
        CheckConstraint("(year IS NULL) <> (valid_from IS NULL)", name="period"),
        CheckConstraint("self_declared = (department IS NULL)", name="owner"),
        Index(
            "uq_fact_statement_year",
            "uscc", "fact", "year", "self_declared", text("statement_id DESC"),
            unique=True, postgresql_where=text("year IS NOT NULL"),
        ),
        Index(
            "uq_fact_statement_day",
            "uscc", "fact", "valid_from", "self_declared", text("statement_id DESC"),
            unique=True, postgresql_where=text("valid_from IS NOT NULL"),
        ),
        {"info": {"append_only": True}},
    )  # fmt: skip
    statement_id: Mapped[UUID] = mapped_column(primary_key=True)
    fact: Mapped[str] = mapped_column(primary_key=True)
    uscc: Mapped[str] = mapped_column(ForeignKey("firm.uscc"))
    year: Mapped[int | None]
    value: Mapped[Any | None] = mapped_column(JSONB(none_as_null=True))
    valid_from: Mapped[date | None]
    recorded_at: Mapped[datetime]
    stated_by: Mapped[str]
    department: Mapped[str | None]
    source: Mapped[str | None]
    self_declared: Mapped[bool]
