from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.checks.rules import CheckOutcome, CheckState, DrawState


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class CheckDraw(Base):
    """A list that lots are drawn from: frozen by one person, drawn by another with a later seed."""

    __tablename__ = "check_draw"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(DrawState)})", name="state"),
        CheckConstraint("planned_by <> drawn_by", name="four_eyes"),
        CheckConstraint("(state = 'drawn') = (seed IS NOT NULL)", name="seed"),
        CheckConstraint("(share_bp IS NULL) <> (count IS NULL)", name="number"),
        Index("ix_check_draw_call_id", "call_id", "id"),
        {
            "info": {
                "updatable": [
                    "state", "seed", "seed_sha256", "drawn_by", "drawn_on", "version", "changed_at",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    cases: Mapped[list[Any]]
    list_sha256: Mapped[str]
    inspectors: Mapped[list[Any]]
    share_bp: Mapped[int | None]
    count: Mapped[int | None]
    seed_source: Mapped[str]
    seed_on: Mapped[date]
    state: Mapped[str]
    seed: Mapped[str | None]
    seed_sha256: Mapped[str | None]
    planned_by: Mapped[str]
    drawn_by: Mapped[str | None]
    drawn_on: Mapped[date | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CaseCheck(Base):
    """A drawn case; `excluded` are those of the pool who had handled it."""

    __tablename__ = "case_check"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(CheckState)})", name="state"),
        CheckConstraint(f"outcome IN ({_words(CheckOutcome)})", name="outcome"),
        CheckConstraint("reported_by <> confirmed_by", name="four_eyes"),
        CheckConstraint(
            "(state IN ('passed', 'failed')) = (confirmed_by IS NOT NULL)", name="confirmed"
        ),
        UniqueConstraint("draw_id", "case_id"),
        UniqueConstraint("draw_id", "position"),
        Index("ix_case_check_case_id", "case_id"),
        Index("ix_case_check_inspectors", "inspectors", postgresql_using="gin"),
        {
            "info": {
                "updatable": [
                    "state", "outcome", "finding", "checked_on", "report_number", "reported_by",
                    "confirmed_by", "version", "changed_at",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    draw_id: Mapped[UUID] = mapped_column(ForeignKey("check_draw.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    position: Mapped[int]
    inspectors: Mapped[list[Any]]
    excluded: Mapped[list[Any]]
    state: Mapped[str]
    outcome: Mapped[str | None]
    finding: Mapped[str | None]
    checked_on: Mapped[date | None]
    report_number: Mapped[str | None]
    reported_by: Mapped[str | None]
    confirmed_by: Mapped[str | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
