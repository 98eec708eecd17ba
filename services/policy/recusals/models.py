from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class Recusal(Base):
    """A person who does not act on a case; only ever added."""

    __tablename__ = "recusal"
    __table_args__ = (
        UniqueConstraint("case_id", "subject"),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    subject: Mapped[str]
    reason: Mapped[str]
    declared_by: Mapped[str]
    at: Mapped[datetime]
