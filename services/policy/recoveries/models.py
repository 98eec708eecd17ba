from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.recoveries.rules import GroundKind, RecoveryState


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Recovery(Base):
    """A proposal to revoke an award; a case has one open at a time, with all its grounds."""

    __tablename__ = "recovery_proposal"
    __table_args__ = (
        CheckConstraint(f"ground IN ({_words(GroundKind)})", name="ground"),
        CheckConstraint(f"state IN ({_words(RecoveryState)})", name="state"),
        CheckConstraint("proposed_by <> decided_by", name="four_eyes"),
        CheckConstraint(
            "(state IN ('approved', 'dismissed')) = (decided_by IS NOT NULL)", name="decided"
        ),
        CheckConstraint("(response IS NULL) = (responded_at IS NULL)", name="response"),
        Index(
            "uq_recovery_proposal_open", "case_id",
            unique=True, postgresql_where=text("state = 'open'"),
        ),
        Index("ix_recovery_proposal_state", "state", "id"),
        {
            "info": {
                "updatable": [
                    "grounds", "respond_by", "response", "response_evidence", "responded_at",
                    "state", "decided_by", "version", "changed_at",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    attempt: Mapped[int]
    ground: Mapped[str]
    grounds: Mapped[list[Any]]
    respond_by: Mapped[date | None]
    response: Mapped[str | None]
    response_evidence: Mapped[list[Any]]
    responded_at: Mapped[datetime | None]
    state: Mapped[str]
    proposed_by: Mapped[str]
    decided_by: Mapped[str | None]
    version: Mapped[int]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
