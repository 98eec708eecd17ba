from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.clocks.rules import Alert, ClockKind, ClockState


def _words(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in values)


class CaseClock(Base):
    """A clock of a case; `reference` is the ordinal of a step, and empty for all others.

    Without a limit (`days` is None) it runs and is never due.
    """

    __tablename__ = "case_clock"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_words(ClockKind)})", name="kind"),
        CheckConstraint(f"state IN ({_words(ClockState)})", name="state"),
        CheckConstraint(f"alert IN ({_words(Alert)})", name="alert"),
        CheckConstraint("(days IS NULL) = (due_on IS NULL)", name="due"),
        CheckConstraint("days IS NULL OR source IS NOT NULL", name="source"),
        CheckConstraint("left_days IS NULL OR state = 'paused'", name="left"),
        UniqueConstraint("case_id", "kind", "reference"),
        Index("ix_case_clock_due", "due_on", "id", postgresql_where=text("state = 'running'")),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    kind: Mapped[str]
    reference: Mapped[str] = mapped_column(server_default=text("''"))
    state: Mapped[str]
    days: Mapped[int | None]
    source: Mapped[str | None]
    demonstration: Mapped[bool] = mapped_column(server_default=text("false"))
    started_on: Mapped[date]
    # The days counted from there: fewer than the limit once it was stopped.
    run_days: Mapped[int | None]
    due_on: Mapped[date | None]
    provisional: Mapped[bool] = mapped_column(server_default=text("false"))
    left_days: Mapped[int | None]
    alert: Mapped[str] = mapped_column(server_default=text("'none'"))
    changed_at: Mapped[datetime]
