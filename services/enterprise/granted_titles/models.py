from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.enterprise.base import Base
from services.enterprise.granted_titles.rules import Outcome

_OUTCOMES = ", ".join(f"'{each}'" for each in Outcome)


class GrantedTitle(Base):
    """What came of a title that was granted elsewhere; its key is why it is recorded once only."""

    __tablename__ = "granted_title"
    __table_args__ = (
        CheckConstraint(f"outcome IN ({_OUTCOMES})", name="outcome"),
        CheckConstraint("source_kind IN ('case', 'recommendation')", name="source_kind"),
        CheckConstraint(
            "outcome NOT IN ('recorded', 'already-held') OR recognition_id IS NOT NULL",
            name="recognition",
        ),
        {"info": {"updatable": ["outcome", "heard_at"]}},
    )
    source_kind: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[UUID] = mapped_column(primary_key=True)
    recognition_id: Mapped[UUID | None] = mapped_column(ForeignKey("recognition.id"), index=True)
    outcome: Mapped[str]
    heard_at: Mapped[datetime]
