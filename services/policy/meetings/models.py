from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base

UPDATABLE = [
    "held_on", "title", "minutes", "attendees", "agenda", "decisions", "state", "version",
    "synthetic", "changed_at",
]  # fmt: skip


class Meeting(Base):
    """A joint meeting; each of its decisions is the task that bears its number."""

    __tablename__ = "meeting"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'published', 'closed')", name="state"),
        CheckConstraint("state = 'draft' OR minutes IS NOT NULL", name="minutes"),
        Index("ix_meeting_attendees", "attendees", postgresql_using="gin"),
        {"info": {"updatable": UPDATABLE}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    held_on: Mapped[date]
    title: Mapped[str]
    minutes: Mapped[str | None]
    attendees: Mapped[list[Any]]
    agenda: Mapped[list[Any]]
    decisions: Mapped[list[Any]]
    state: Mapped[str]
    version: Mapped[int]
    synthetic: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
