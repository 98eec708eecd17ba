from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class SandboxRun(Base):
    """A changed plan that was tried; its progress and its result stand with its operation."""

    __tablename__ = "sandbox_run"
    __table_args__ = ({"info": {"append_only": True}},)
    # The operation's own.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    on_day: Mapped[date]
    demonstration: Mapped[bool]
    started_by: Mapped[str]
    started_at: Mapped[datetime]
    request: Mapped[dict[str, Any]]
    # The plans' versions and the numbers in force, as they were when it began.
    ground: Mapped[dict[str, Any]]


class SandboxGrant(Base):
    """What a firm would receive under a programme, in force and as changed; null is not known."""

    __tablename__ = "sandbox_grant"
    __table_args__ = (
        CheckConstraint("before_fen >= 0 AND after_fen >= 0", name="amounts"),
    )  # fmt: skip
    run_id: Mapped[UUID] = mapped_column(ForeignKey("sandbox_run.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(primary_key=True)
    uscc: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[str]
    before_fen: Mapped[int | None]
    after: Mapped[str]
    after_fen: Mapped[int | None]
    # Of who ranks first; a whole number or an exact ratio, as text.
    rank: Mapped[str | None]


class SandboxOutcome(Base):
    """What both versions say of a firm, a letter for each programme in the order of their names."""

    __tablename__ = "sandbox_outcome"
    __table_args__ = (CheckConstraint("length(before) = length(after)", name="lengths"),)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("sandbox_run.id"), primary_key=True)
    uscc: Mapped[str] = mapped_column(primary_key=True)
    before: Mapped[str]
    after: Mapped[str]
