from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class ProgrammeVersion(Base):
    """A wording of a programme, kept from the day on which a release first brought it."""

    __tablename__ = "programme_version"
    __table_args__ = ({"info": {"append_only": True}},)
    programme: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    plan: Mapped[str]
    plan_version: Mapped[str]
    rule_sha256: Mapped[str] = mapped_column(ForeignKey("rule_text.sha256"))
    in_force_from: Mapped[date | None]
    in_force_to: Mapped[date | None]
    recorded_at: Mapped[datetime]
