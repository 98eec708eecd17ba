from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.base import Base


class Binding(Base):
    """A person who may act for a firm; an agent's binding is a delegation."""

    __tablename__ = "binding"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'revoked')", name="state"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="days"),
        Index("ix_binding_person", "person"),
        Index("ix_binding_uscc", "uscc"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    person: Mapped[str]
    uscc: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    document: Mapped[str]
    granted_by: Mapped[str]
    version: Mapped[int]
    created_at: Mapped[datetime]
