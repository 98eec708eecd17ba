from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.recommendations.rules import (
    LETTERED,
    OPEN,
    Origin,
    RecommendationState,
    UpperResult,
)
from services.rulebook.titles import LEVELS

# What is known when a recommendation begins stays as it was; it is never deleted.
UPDATABLE = [
    "state", "version", "assessment", "rule_version", "upper_system", "upper_number", "filed_on",
    "reviewed_by", "reviewed_on", "finding", "letter_number", "letter_on", "letter_file",
    "letter_sha256",
    "letter_by", "upper_notice", "upper_notice_on", "result", "result_document", "result_issuer",
    "result_on", "result_by", "grade", "valid_from", "valid_to", "title_state", "title_record",
    "changed_at",
]  # fmt: skip


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Recommendation(Base):
    """What the city recommends to an upper level, from guidance to the upper level's word."""

    __tablename__ = "recommendation"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(RecommendationState)})", name="state"),
        CheckConstraint(f"level IN ({_words(LEVELS)})", name="level"),
        CheckConstraint(f"origin IN ({_words(Origin)})", name="origin"),
        CheckConstraint(f"result IN ({_words(UpperResult)})", name="result"),
        CheckConstraint("reviewed_by <> letter_by", name="four_eyes"),
        CheckConstraint(
            "(upper_system IS NULL) = (upper_number IS NULL)"
            " AND (upper_number IS NULL) = (filed_on IS NULL)",
            name="filing",
        ),
        CheckConstraint(
            f"state NOT IN ({_words(LETTERED)}) OR (letter_number IS NOT NULL"
            " AND letter_on IS NOT NULL AND letter_by IS NOT NULL AND reviewed_by IS NOT NULL)",
            name="letter",
        ),
        CheckConstraint(
            f"(state IN ({_words(UpperResult)})) = (result IS NOT NULL)"
            " AND (result IS NULL OR state = result)"
            " AND (result IS NULL) = (result_document IS NULL)"
            " AND (result IS NULL) = (result_on IS NULL)",
            name="document",
        ),
        # What upper levels have decided on is theirs; one at a time may be under way.
        Index(
            "uq_recommendation_open", "programme", "applicant_kind", "applicant_id", "year",
            unique=True, postgresql_where=text(f"state IN ({_words(OPEN)})"),
        ),
        # A number of an upper system names one filing; what was withdrawn has left it.
        Index(
            "uq_recommendation_upper_number", "upper_system", "upper_number",
            unique=True, postgresql_where=text("state <> 'withdrawn'"),
        ),
        Index("ix_recommendation_applicant", "applicant_id", "id"),
        Index("ix_recommendation_programme", "programme", "id"),
        Index("ix_recommendation_state", "state", "id"),
        {"info": {"updatable": UPDATABLE}},
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan: Mapped[str]
    programme: Mapped[str]
    measure: Mapped[int | None]
    department: Mapped[str]
    level: Mapped[str]
    recognition: Mapped[str | None]
    applicant_kind: Mapped[str]
    applicant_id: Mapped[str]
    applicant_name: Mapped[str]
    year: Mapped[int]
    origin: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    # What the plan's rule answers on what is known; None where nothing of the kind is known here.
    assessment: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    rule_version: Mapped[str]
    upper_system: Mapped[str | None]
    upper_number: Mapped[str | None]
    filed_on: Mapped[date | None]
    reviewed_by: Mapped[str | None]
    reviewed_on: Mapped[date | None]
    finding: Mapped[str | None]
    letter_number: Mapped[str | None]
    letter_on: Mapped[date | None]
    letter_file: Mapped[str | None]
    letter_sha256: Mapped[str | None]
    letter_by: Mapped[str | None]
    upper_notice: Mapped[str | None]
    upper_notice_on: Mapped[date | None]
    result: Mapped[str | None]
    result_document: Mapped[str | None]
    result_issuer: Mapped[str | None]
    result_on: Mapped[date | None]
    result_by: Mapped[str | None]
    grade: Mapped[str | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    title_state: Mapped[str | None]
    title_record: Mapped[UUID | None]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class RecommendationHistory(Base):
    """What happened to a recommendation, one row each, only ever added."""

    __tablename__ = "recommendation_event"
    __table_args__ = (UniqueConstraint("recommendation_id", "number"),
                      {"info": {"append_only": True}})  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendation.id"))
    number: Mapped[int]
    event: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    role: Mapped[str]
    actor: Mapped[str]
    note: Mapped[str]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]
