from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.cases.models import APPEND_ONLY


class RuleText(Base):
    """A rule as it stood, by its hash: what a frozen situation is read with for ever."""

    __tablename__ = "rule_text"
    __table_args__ = (APPEND_ONLY,)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class FrozenSituation(Base):
    """The facts, numbers and rule that a proposal rests on, byte for byte, and its answer."""

    __tablename__ = "situation"
    __table_args__ = (UniqueConstraint("case_id", "attempt"), APPEND_ONLY)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    attempt: Mapped[int]
    plan: Mapped[str]
    plan_version: Mapped[str]
    programme: Mapped[str]
    rule_version: Mapped[str]
    language_version: Mapped[str]
    rule_sha256: Mapped[str] = mapped_column(ForeignKey("rule_text.sha256"))
    situation: Mapped[str]
    situation_sha256: Mapped[str]
    assessment: Mapped[str]
    assessment_sha256: Mapped[str]
    frozen_at: Mapped[datetime]
