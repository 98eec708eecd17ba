from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.calls.rules import CallState, NoticeBy

_NOTICES = ", ".join(f"'{each}'" for each in NoticeBy)
_STATES = ", ".join(f"'{state}'" for state in CallState)


class Call(Base):
    """A call for applications to one programme; what it asks stands once it is published."""

    __tablename__ = "call"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("opens_on <= closes_on", name="window"),
        CheckConstraint("published_by <> created_by", name="four_eyes"),
        CheckConstraint("published_by <> changed_by", name="four_eyes_changed"),
        CheckConstraint("budget_fen > 0", name="budget"),
        CheckConstraint("quota > 0", name="quota"),
        CheckConstraint(f"notice IN ({_NOTICES})", name="notice"),
        CheckConstraint("rank_by IN ('rule', 'panel-score')", name="rank_by"),
        Index("ix_call_programme", "programme", "id"),
        Index("ix_call_state", "state", "closes_on"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str]
    year: Mapped[int]
    title: Mapped[str]
    department: Mapped[str]
    document: Mapped[str | None]
    opens_on: Mapped[date]
    closes_on: Mapped[date]
    budget_fen: Mapped[int | None]
    quota: Mapped[int | None]
    ties: Mapped[str]
    per_applicant: Mapped[int | None]
    per_applicant_reason: Mapped[str | None]
    rank_by: Mapped[str] = mapped_column(server_default=text("'rule'"))
    materials: Mapped[list[Any]]
    templates: Mapped[list[Any]]
    materials_sha256: Mapped[str]
    # Whether a case is not submitted without the materials that the call calls required.
    materials_required: Mapped[bool] = mapped_column(server_default=text("false"))
    notice: Mapped[str] = mapped_column(server_default=text("'each'"))
    contact: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    # Who put the draft in place that was published, if not its first writer.
    changed_by: Mapped[str | None]
    published_by: Mapped[str | None]
    published_at: Mapped[datetime | None]


class CallRank(Base):
    """Where a case stood when a call was ranked; a later ranking is a new run."""

    __tablename__ = "call_rank"
    __table_args__ = (
        UniqueConstraint("call_id", "run", "case_id"),
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("NOT held OR within IS TRUE", name="held"),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    run: Mapped[int]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    position: Mapped[int]
    rank_by: Mapped[int | None]
    within: Mapped[bool | None]
    # It had its place already when the call was ranked: proposed for approval, or further.
    held: Mapped[bool] = mapped_column(server_default=text("false"))
    ranked_by: Mapped[str]
    ranked_at: Mapped[datetime]
