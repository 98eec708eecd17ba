from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.obligations.rules import (
    ObligationAlert,
    ObligationKind,
    ObligationOrigin,
    ObligationState,
    OnFailure,
)

UPDATABLE = [
    "due_on", "provisional", "day_source", "state", "alert", "evidence", "version", "changed_at",
]  # fmt: skip


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Obligation(Base):
    """What a decided case obliges its applicant to; `name` is the programme's id of it.

    `evidence` are the files that were handed in last. No row is ever deleted.
    """

    __tablename__ = "obligation"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_words(ObligationKind)})", name="kind"),
        CheckConstraint(f"origin IN ({_words(ObligationOrigin)})", name="origin"),
        CheckConstraint(f"on_failure IN ({_words(OnFailure)})", name="on_failure"),
        CheckConstraint(f"state IN ({_words(ObligationState)})", name="state"),
        CheckConstraint(f"alert IN ({_words(ObligationAlert)})", name="alert"),
        CheckConstraint("(origin = 'programme') = (name IS NOT NULL)", name="name"),
        CheckConstraint("due_on IS NOT NULL OR day_source IS NULL", name="day"),
        UniqueConstraint("case_id", "attempt", "name"),
        Index("ix_obligation_case_id", "case_id", "id"),
        Index("ix_obligation_due_on", "due_on", postgresql_where=text("state = 'open'")),
        {"info": {"updatable": UPDATABLE}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    attempt: Mapped[int]
    name: Mapped[str | None]
    kind: Mapped[str]
    says: Mapped[str]
    english: Mapped[str | None]
    source: Mapped[str]
    origin: Mapped[str]
    on_failure: Mapped[str]
    due_on: Mapped[date | None]
    provisional: Mapped[bool]
    day_source: Mapped[str | None]
    state: Mapped[str]
    alert: Mapped[str]
    evidence: Mapped[list[Any]]
    version: Mapped[int]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class ObligationCheck(Base):
    """A day on which obligations were looked through."""

    __tablename__ = "obligation_check"
    __table_args__ = ({"info": {"append_only": True}},)
    day: Mapped[date] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime]
