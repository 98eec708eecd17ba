from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class MatterEvent(Base):
    """What happened to a matter that followed a decision, one row for each version, only added."""

    __tablename__ = "matter_event"
    __table_args__ = (
        UniqueConstraint("thing_id", "number"),
        Index("ix_matter_event_case_id", "case_id"),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    thing: Mapped[str]
    thing_id: Mapped[UUID]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy_case.id"))
    number: Mapped[int]
    event: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    role: Mapped[str]
    actor: Mapped[str]
    note: Mapped[str]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]
