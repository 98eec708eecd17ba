from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.self_evaluations.rules import Grade, RoundState, SheetState


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class EvaluationRound(Base):
    """What is asked of all who were awarded under a call; a second person sends it out."""

    __tablename__ = "self_evaluation_round"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(RoundState)})", name="state"),
        CheckConstraint("drafted_by <> asked_by", name="four_eyes"),
        CheckConstraint("(state = 'asked') = (asked_by IS NOT NULL)", name="asked"),
        Index("ix_self_evaluation_round_call_id", "call_id", "id"),
        {"info": {"updatable": ["state", "asked_by", "version", "changed_at"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    due_on: Mapped[date]
    indicators: Mapped[list[Any]]
    source: Mapped[str]
    state: Mapped[str]
    drafted_by: Mapped[str]
    asked_by: Mapped[str | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class SelfEvaluation(Base):
    """One awarded case's sheet."""

    __tablename__ = "self_evaluation"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(SheetState)})", name="state"),
        CheckConstraint(f"grade IN ({_words(Grade)})", name="grade"),
        CheckConstraint("(state = 'assessed') = (grade IS NOT NULL)", name="assessed"),
        UniqueConstraint("round_id", "case_id"),
        Index("ix_self_evaluation_case_id", "case_id"),
        {"info": {"updatable": ["state", "answers", "evidence", "grade", "version", "changed_at"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    round_id: Mapped[UUID] = mapped_column(ForeignKey("self_evaluation_round.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    due_on: Mapped[date]
    state: Mapped[str]
    answers: Mapped[dict[str, Any]]
    evidence: Mapped[list[Any]]
    grade: Mapped[str | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
