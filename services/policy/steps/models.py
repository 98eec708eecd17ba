from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.steps.rules import Before, StepKind, StepState

UPDATABLE = [
    "state", "town_code", "opened_at", "closed_at", "closed_by", "finding", "ref", "ref_on",
    "evidence_id", "returns", "version",
]  # fmt: skip


def _words(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in values)


class CaseStep(Base):
    """One desk's part of a step: departments that review together have the same ordinal.

    What the plan said of it is kept here, so that a later wording changes no case.
    """

    __tablename__ = "case_step"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_words(StepKind)})", name="kind"),
        CheckConstraint(f"state IN ({_words(StepState)})", name="state"),
        CheckConstraint(f"before IN ({_words(Before)})", name="before"),
        CheckConstraint(
            "(state IN ('passed', 'failed')) = (closed_by IS NOT NULL)", name="closed_by"
        ),
        CheckConstraint(
            "(state IN ('passed', 'failed', 'skipped')) = (closed_at IS NOT NULL)", name="closed"
        ),
        CheckConstraint("(kind = 'town-review') = (department IS NULL)", name="desk"),
        CheckConstraint(
            "kind NOT IN ('third-party-audit', 'site-check', 'collective-decision')"
            " OR state NOT IN ('passed', 'failed')"
            " OR (ref_on IS NOT NULL AND (ref IS NOT NULL OR evidence_id IS NOT NULL))",
            name="ref",
        ),
        UniqueConstraint("case_id", "ordinal", "place"),
        {"info": {"updatable": UPDATABLE}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    ordinal: Mapped[int]
    place: Mapped[int]
    kind: Mapped[str]
    before: Mapped[str]
    department: Mapped[str | None]
    town_code: Mapped[str | None]
    state: Mapped[str]
    days: Mapped[int | None]
    source: Mapped[str | None]
    opened_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    finding: Mapped[str | None]
    ref: Mapped[str | None]
    ref_on: Mapped[date | None]
    evidence_id: Mapped[UUID | None] = mapped_column(ForeignKey("evidence.id"))
    returns: Mapped[int] = mapped_column(server_default=text("0"))
    version: Mapped[int]
