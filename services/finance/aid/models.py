"""The aid ledger."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.finance.base import Base

# Whose ceilings reach beyond their matter; written as PostgreSQL prints it.
HAS_YEAR_CEILING = """limits @> '[{"of": "beneficiary-year"}]'::jsonb"""


class Aid(Base):
    """Aid of any level: declared with its document, or our own, which follows its award."""

    __tablename__ = "aid"
    __table_args__ = (
        UniqueConstraint("award_id"),
        Index(
            "uq_aid_declared",
            "beneficiary_kind",
            "beneficiary_id",
            "matter_key",
            "level",
            "programme",
            "document",
            unique=True,
            postgresql_where=text("state = 'declared'"),
        ),
        Index("ix_aid_purpose", "beneficiary_id", "matter_key", "stacking_group"),
        Index("ix_aid_year_ceiling", "beneficiary_id", postgresql_where=text(HAS_YEAR_CEILING)),
        CheckConstraint(
            "state IN ('declared', 'withdrawn', 'reserved', 'awarded', 'paid', 'void')",
            name="state",
        ),
        CheckConstraint(
            "(award_id IS NULL) = (state IN ('declared', 'withdrawn'))", name="own_or_declared"
        ),
        CheckConstraint(
            "level IN ('national', 'provincial', 'ningbo', 'cixi', 'town')", name="level"
        ),
        CheckConstraint("relation IN ('matches', 'tops-up', 'competes')", name="relation"),
        CheckConstraint("num_nonnulls(matter_id, matter_period) = 1", name="matter"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("award_id IS NOT NULL OR document IS NOT NULL", name="document"),
        {
            "info": {
                "updatable": [
                    "state",
                    "version",
                    "programme",
                    "relation",
                    "stacking_group",
                    "year",
                    "amount_fen",
                    "limits",
                    "paid_on",
                    "document",
                    "beneficiary_kind",
                    "beneficiary_id",
                    "matter_kind",
                    "matter_id",
                    "matter_period",
                    "matter_key",
                    "withdrawn_note",
                ]
            }
        },
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    award_id: Mapped[UUID | None] = mapped_column(ForeignKey("award.id"))
    beneficiary_kind: Mapped[str]
    beneficiary_id: Mapped[str]
    matter_kind: Mapped[str]
    matter_id: Mapped[str | None]
    matter_period: Mapped[str | None]
    matter_key: Mapped[str]
    level: Mapped[str]
    programme: Mapped[str]
    stacking_group: Mapped[str]
    relation: Mapped[str]
    # The year whose money it is, and the ceilings that an award of ours was granted under.
    year: Mapped[int]
    limits: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    amount_fen: Mapped[int]
    paid_on: Mapped[date | None]
    document: Mapped[str | None]
    state: Mapped[str]
    version: Mapped[int]
    declared_by: Mapped[str]
    department: Mapped[str | None]
    created_at: Mapped[datetime]
    withdrawn_note: Mapped[str | None]
