"""Recognitions as recorded."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.enterprise.base import Base


class Recognition(Base):
    """A title of a firm; what was recorded stays, only its revocation is added."""

    __tablename__ = "recognition"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
        CheckConstraint(
            "(state IN ('revoked', 'superseded')) = (revoked_on IS NOT NULL)", name="state"
        ),
        Index("ix_recognition_firm", "uscc", "recognition", "valid_from"),
        Index("ix_recognition_holders", "recognition", "uscc"),
        {"info": {"updatable": ["state", "revoked_on", "revocation_note", "version"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    statement_id: Mapped[UUID]
    uscc: Mapped[str] = mapped_column(ForeignKey("firm.uscc"))
    recognition: Mapped[str]
    grade: Mapped[str | None]
    issuer: Mapped[str]
    document: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    state: Mapped[str]
    revoked_on: Mapped[date | None]
    revocation_note: Mapped[str | None]
    version: Mapped[int]
    recorded_at: Mapped[datetime]
    stated_by: Mapped[str]
    department: Mapped[str | None]
