"""Awards, their recoveries, and the cases that have ended."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.finance.base import Base

TERMS = (
    "attempt",
    "programme",
    "measure",
    "beneficiary_kind",
    "beneficiary_id",
    "payee_kind",
    "payee_id",
    "matter_kind",
    "matter_id",
    "matter_period",
    "matter_key",
    "budget_year",
    "asked_fen",
    "amount_kind",
    "relation",
    "stacking_group",
    "stacking_mode",
    "stacking_source",
    "stacking_clause",
    "stacking_version",
    "ceilings",
    "one_clause",
    "clause",
    "department",
    "proposed_by",
    "proposed_on",
)
COURSE = (
    "state",
    "version",
    "amount_fen",
    "paid_fen",
    "recovered_fen",
    "recovery_due_fen",
    "reason_code",
    "reason_zh",
    "reason_en",
    "budget_id",
    "budget_name",
    "counted",
    "tranche",
    "reviewed_by",
    "decided_by",
    "decided_on",
    "ended",
    "paid_on",
    "document",
    "changed_at",
)


class LineMissing(Exception):
    """Money was to be moved for an award that has none: a fault of ours, never of a caller."""


class Award(Base):
    """What one case was granted, under terms frozen with its proposal."""

    __tablename__ = "award"
    __table_args__ = (
        UniqueConstraint("case_id"),
        Index("ix_award_beneficiary", "beneficiary_id"),
        Index("ix_award_payee", "payee_id"),
        Index("ix_award_state", "state"),
        CheckConstraint(
            "state IN ('reserved', 'refused', 'awarded', 'paying', 'paid', 'voided', 'recovered')",
            name="state",
        ),
        CheckConstraint("reviewed_by <> decided_by", name="four_eyes"),
        CheckConstraint(
            "state NOT IN ('awarded', 'paying', 'paid', 'recovered') OR decided_by IS NOT NULL",
            name="decided",
        ),
        CheckConstraint("amount_fen BETWEEN 0 AND asked_fen", name="amount"),
        CheckConstraint("(amount_fen > 0) = (state <> 'refused')", name="granted"),
        CheckConstraint("(state = 'refused') = (budget_id IS NULL)", name="line"),
        CheckConstraint("paid_fen IN (0, amount_fen)", name="paid"),
        CheckConstraint("(paid_fen > 0) = (state IN ('paid', 'recovered'))", name="paid_state"),
        CheckConstraint("recovered_fen BETWEEN 0 AND paid_fen", name="recovered"),
        CheckConstraint(
            "(state = 'recovered') = (recovered_fen > 0 AND recovered_fen = paid_fen)",
            name="recovered_state",
        ),
        CheckConstraint(
            "recovery_due_fen BETWEEN 0 AND paid_fen - recovered_fen", name="recovery_due"
        ),
        CheckConstraint("state <> 'voided' OR ended IS NOT NULL", name="voided"),
        {"info": {"updatable": [*TERMS, *COURSE]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID]
    attempt: Mapped[int]
    programme: Mapped[str]
    measure: Mapped[int | None]
    beneficiary_kind: Mapped[str]
    beneficiary_id: Mapped[str]
    payee_kind: Mapped[str]
    payee_id: Mapped[str]
    matter_kind: Mapped[str]
    matter_id: Mapped[str | None]
    matter_period: Mapped[str | None]
    matter_key: Mapped[str]
    budget_year: Mapped[int]
    asked_fen: Mapped[int]
    amount_kind: Mapped[str]
    relation: Mapped[str]
    stacking_group: Mapped[str]
    stacking_mode: Mapped[str]
    stacking_source: Mapped[str]
    stacking_clause: Mapped[dict[str, Any] | None]
    stacking_version: Mapped[str | None]
    ceilings: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    one_clause: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    clause: Mapped[str]
    department: Mapped[str]
    proposed_by: Mapped[str]
    proposed_on: Mapped[date]
    state: Mapped[str]
    version: Mapped[int]
    amount_fen: Mapped[int]
    paid_fen: Mapped[int] = mapped_column(server_default=text("0"))
    recovered_fen: Mapped[int] = mapped_column(server_default=text("0"))
    recovery_due_fen: Mapped[int] = mapped_column(server_default=text("0"))
    reason_code: Mapped[str | None]
    reason_zh: Mapped[str | None]
    reason_en: Mapped[str | None]
    budget_id: Mapped[UUID | None] = mapped_column(ForeignKey("budget.id"))
    budget_name: Mapped[str | None]
    counted: Mapped[list[Any]]
    tranche: Mapped[int] = mapped_column(server_default=text("1"))
    reviewed_by: Mapped[str | None]
    decided_by: Mapped[str | None]
    decided_on: Mapped[date | None]
    ended: Mapped[str | None]
    paid_on: Mapped[date | None]
    document: Mapped[str | None]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]

    @property
    def line_id(self) -> UUID:
        """Name the budget line that holds, or held, what was granted."""
        if self.budget_id is None:
            raise LineMissing(f"award {self.id} is {self.state} and has no budget line")
        return self.budget_id


class Recovery(Base):
    """Money asked back: prepared by one treasurer, posted when another confirms."""

    __tablename__ = "recovery"
    __table_args__ = (
        UniqueConstraint("award_id", "number"),
        Index(
            "uq_recovery_open", "award_id", unique=True, postgresql_where=text("state = 'prepared'")
        ),
        CheckConstraint("state IN ('prepared', 'confirmed', 'cancelled')", name="state"),
        CheckConstraint("amount_fen > 0", name="amount"),
        CheckConstraint("prepared_by <> confirmed_by", name="four_eyes"),
        CheckConstraint("(state = 'confirmed') = (confirmed_by IS NOT NULL)", name="confirmed"),
        {"info": {"updatable": ["state", "confirmed_by", "closed_at"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    award_id: Mapped[UUID] = mapped_column(ForeignKey("award.id"))
    number: Mapped[int]
    amount_fen: Mapped[int]
    document: Mapped[str]
    note: Mapped[str | None]
    state: Mapped[str]
    prepared_by: Mapped[str]
    prepared_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]


class EndedCase(Base):
    """A case that is over, so that a proposal delivered late reserves nothing."""

    __tablename__ = "ended_case"
    __table_args__ = ({"info": {"append_only": True}},)
    case_id: Mapped[UUID] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    ended_on: Mapped[date]
    heard_at: Mapped[datetime]
