from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.appeals.rules import AppealAgainst, AppealKind, AppealResult, AppealState
from services.policy.base import Base


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Appeal(Base):
    """What was lodged against a decision; `is_late` is None where the last day is not known.

    `successor_id` is the case in which an undone decision is taken anew.
    """

    __tablename__ = "appeal"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_words(AppealKind)})", name="kind"),
        CheckConstraint(f"against IN ({_words(AppealAgainst)})", name="against"),
        CheckConstraint(f"state IN ({_words(AppealState)})", name="state"),
        CheckConstraint(f"result IN ({_words(AppealResult)})", name="result"),
        CheckConstraint("(state = 'decided') = (result IS NOT NULL)", name="decided"),
        CheckConstraint("(deadline_on IS NULL) = (is_late IS NULL)", name="late"),
        CheckConstraint("decided_on <= lodged_on", name="days"),
        CheckConstraint(
            "successor_id IS NULL OR result IN ('annulled', 'changed')", name="successor"
        ),
        Index(
            "uq_appeal_open", "case_id", "kind",
            unique=True, postgresql_where=text("state IN ('lodged', 'accepted')"),
        ),
        Index("ix_appeal_case_id", "case_id", "id"),
        {
            "info": {
                "updatable": [
                    "accepted_number", "accepted_on", "state", "result", "result_number",
                    "result_on", "successor_id", "version", "changed_at",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    attempt: Mapped[int]
    kind: Mapped[str]
    against: Mapped[str]
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("appeal.id"))
    body: Mapped[str]
    number: Mapped[str | None]
    grounds: Mapped[str]
    decided_on: Mapped[date]
    notified_on: Mapped[date | None]
    lodged_on: Mapped[date]
    deadline_on: Mapped[date | None]
    provisional: Mapped[bool]
    is_late: Mapped[bool | None]
    accepted_number: Mapped[str | None]
    accepted_on: Mapped[date | None]
    state: Mapped[str]
    result: Mapped[str | None]
    result_number: Mapped[str | None]
    result_on: Mapped[date | None]
    successor_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy_case.id"))
    version: Mapped[int]
    recorded_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
