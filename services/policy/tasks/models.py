from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.tasks.rules import FULL_BP, Alert, Every, Origin, TaskState

# Everything else of a task stays as it was begun; and no task is ever deleted.
UPDATABLE = [
    "title", "title_en", "done_when", "source", "plan_text", "in_plan",
    "departments_provisional", "lead", "support", "begins_on", "due_on", "due_provisional",
    "every", "state", "progress_bp", "reported_on", "evidence_count", "alert", "finished_on",
    "finished_by", "accepted_by", "version", "changed_at",
]  # fmt: skip
APPEND_ONLY = {"info": {"append_only": True}}


def _words(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Task(Base):
    """Work with a lead, a day and a proof; one of the plan has the plan's own id.

    `plan_text` is what the plan says of it; the columns beside it are how it stands on the board.
    """

    __tablename__ = "task"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(TaskState)})", name="state"),
        CheckConstraint(f"origin IN ({_words(Origin)})", name="origin"),
        CheckConstraint(f"every IN ({_words(Every)})", name="every"),
        CheckConstraint(f"alert IN ({_words(Alert)})", name="alert"),
        CheckConstraint(f"progress_bp BETWEEN 0 AND {FULL_BP}", name="progress"),
        CheckConstraint("accepted_by <> finished_by", name="four_eyes"),
        CheckConstraint(
            "state <> 'accepted' OR (accepted_by IS NOT NULL AND finished_by IS NOT NULL)",
            name="accepted",
        ),
        CheckConstraint("(state = 'recurring') <= (every IS NOT NULL)", name="recurring"),
        CheckConstraint("(series IS NULL) = (period IS NULL)", name="series"),
        CheckConstraint("(meeting_id IS NULL) = (decision IS NULL)", name="meeting"),
        UniqueConstraint("series", "period"),
        Index("ix_task_lead", "lead", "id"),
        Index("ix_task_due_on", "due_on", "id"),
        Index(
            "uq_task_decision", "meeting_id", "decision",
            unique=True, postgresql_where=text("series IS NULL"),
        ),
        Index("ix_task_support", "support", postgresql_using="gin"),
        {"info": {"updatable": UPDATABLE}},
    )  # fmt: skip
    id: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str]
    measure: Mapped[int | None]
    title: Mapped[str]
    title_en: Mapped[str | None]
    done_when: Mapped[str]
    source: Mapped[str]
    plan_text: Mapped[dict[str, Any] | None]
    in_plan: Mapped[bool]
    departments_provisional: Mapped[bool]
    lead: Mapped[str]
    support: Mapped[list[Any]]
    begins_on: Mapped[date]
    due_on: Mapped[date | None]
    due_provisional: Mapped[bool]
    every: Mapped[str | None]
    series: Mapped[str | None] = mapped_column(ForeignKey("task.id"))
    period: Mapped[str | None]
    meeting_id: Mapped[UUID | None] = mapped_column(ForeignKey("meeting.id"))
    decision: Mapped[int | None]
    state: Mapped[str]
    progress_bp: Mapped[int]
    reported_on: Mapped[date | None]
    evidence_count: Mapped[int]
    alert: Mapped[str]
    finished_on: Mapped[date | None]
    finished_by: Mapped[str | None]
    accepted_by: Mapped[str | None]
    version: Mapped[int]
    synthetic: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class TaskHistory(Base):
    """What happened to a task, one row each, with how the task stood after it.

    `stood` is the announced state: what a report as of an earlier day is made of.
    """

    __tablename__ = "task_event"
    __table_args__ = (
        UniqueConstraint("task_id", "number"),
        Index("ix_task_event_at", "at"),
        APPEND_ONLY,
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("task.id"))
    number: Mapped[int]
    event: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    role: Mapped[str]
    department: Mapped[str | None]
    actor: Mapped[str]
    note: Mapped[str]
    data: Mapped[dict[str, Any]]
    stood: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class TaskEvidence(Base):
    """A proof: a document by its number, or an address with the hash of what lay there."""

    __tablename__ = "task_evidence"
    __table_args__ = (
        CheckConstraint("document IS NOT NULL OR url IS NOT NULL", name="reference"),
        CheckConstraint("(url IS NULL) OR (sha256 IS NOT NULL)", name="hash"),
        Index("ix_task_evidence_task_id", "task_id", "id"),
        APPEND_ONLY,
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(ForeignKey("task.id"))
    title: Mapped[str]
    document: Mapped[str | None]
    url: Mapped[str | None]
    sha256: Mapped[str | None]
    department: Mapped[str]
    added_by: Mapped[str]
    added_at: Mapped[datetime]


class TaskCheck(Base):
    """A day on which the board was looked through, and what came of it."""

    __tablename__ = "task_check"
    __table_args__ = (APPEND_ONLY,)
    day: Mapped[date] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime]
