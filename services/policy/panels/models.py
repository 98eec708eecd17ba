from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.panels.rules import NoScore, PanelState, SheetState

APPEND_ONLY = {"info": {"append_only": True}}


def _words(values: type[StrEnum]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Panel(Base):
    """A panel for the cases of a call, or for one case; its sheet and terms stand from the start.

    `edition` counts the results: each reopening leads to a further one.
    """

    __tablename__ = "panel"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(PanelState)})", name="state"),
        CheckConstraint("(call_id IS NULL) <> (case_id IS NULL)", name="scope"),
        CheckConstraint("confirmed_by <> convened_by", name="four_eyes"),
        CheckConstraint(
            "state NOT IN ('open', 'closed') OR confirmed_by IS NOT NULL", name="confirmed"
        ),
        CheckConstraint("total_points > 0", name="total"),
        CheckConstraint("drop_extremes_from >= 3", name="extremes"),
        CheckConstraint("edition >= 1", name="edition"),
        Index("ix_panel_call_id", "call_id", postgresql_where=sql("call_id IS NOT NULL")),
        Index("ix_panel_case_id", "case_id", postgresql_where=sql("case_id IS NOT NULL")),
        Index("ix_panel_programme", "programme", "id"),
        {
            "info": {
                "updatable": [
                    "state", "version", "edition", "confirmed_by", "confirmed_at", "reopened_by",
                    "reopened_at", "reopened_for", "changed_at",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str]
    department: Mapped[str]
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("call.id"))
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy_case.id"))
    title: Mapped[str]
    document: Mapped[str | None]
    criteria: Mapped[list[Any]]
    total_points: Mapped[int]
    experts_min: Mapped[int | None]
    drop_extremes_from: Mapped[int | None]
    spread_flag_points: Mapped[int | None]
    state: Mapped[str]
    version: Mapped[int]
    edition: Mapped[int]
    convened_by: Mapped[str]
    convened_at: Mapped[datetime]
    confirmed_by: Mapped[str | None]
    confirmed_at: Mapped[datetime | None]
    # Why the edition under way follows another one; null for the first.
    reopened_by: Mapped[str | None]
    reopened_at: Mapped[datetime | None]
    reopened_for: Mapped[str | None]
    changed_at: Mapped[datetime]


class PanelExpert(Base):
    """A person who judges; `seat` is the number that stands in the score table for the name."""

    __tablename__ = "panel_expert"
    __table_args__ = (
        UniqueConstraint("panel_id", "seat"),
        Index("ix_panel_expert_subject", "subject", "panel_id"),
        APPEND_ONLY,
    )
    panel_id: Mapped[UUID] = mapped_column(ForeignKey("panel.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    seat: Mapped[int]
    name: Mapped[str]
    field: Mapped[str]
    employer_kind: Mapped[str | None]
    employer_id: Mapped[str | None]


class PanelCase(Base):
    """A case before a panel, by the number under which experts know it.

    `is_live` while the panel judges it or its score stands: a case has one such panel at a time.
    """

    __tablename__ = "panel_case"
    __table_args__ = (
        UniqueConstraint("panel_id", "case_id"),
        UniqueConstraint("panel_id", "number"),
        Index("uq_panel_case_live", "case_id", unique=True, postgresql_where=sql("is_live")),
        CheckConstraint("number >= 1", name="number"),
        {"info": {"updatable": ["summary", "is_live"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    panel_id: Mapped[UUID] = mapped_column(ForeignKey("panel.id"))
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    number: Mapped[int]
    summary: Mapped[str | None]
    is_live: Mapped[bool]


class PanelSheet(Base):
    """What one expert says of one case, as it stands now; points are hundredths."""

    __tablename__ = "panel_sheet"
    __table_args__ = (
        ForeignKeyConstraint(
            ["panel_id", "expert"], ["panel_expert.panel_id", "panel_expert.subject"]
        ),
        UniqueConstraint("panel_case_id", "expert"),
        Index("ix_panel_sheet_panel_id", "panel_id", "expert"),
        CheckConstraint(f"state IN ({_words(SheetState)})", name="state"),
        CheckConstraint("(state = 'submitted') = (points <> '[]')", name="points"),
        {"info": {"updatable": ["state", "version", "points", "comment", "changed_at"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    panel_id: Mapped[UUID] = mapped_column(ForeignKey("panel.id"))
    panel_case_id: Mapped[UUID] = mapped_column(ForeignKey("panel_case.id"))
    expert: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    points: Mapped[list[Any]]
    comment: Mapped[str]
    changed_at: Mapped[datetime]


class PanelSheetVersion(Base):
    """A sheet as it stood at each of its versions, and who made it so, for what reason."""

    __tablename__ = "panel_sheet_version"
    __table_args__ = (APPEND_ONLY,)
    sheet_id: Mapped[UUID] = mapped_column(ForeignKey("panel_sheet.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str]
    points: Mapped[list[Any]]
    comment: Mapped[str]
    reason: Mapped[str]
    by: Mapped[str]
    at: Mapped[datetime]


class PanelEdition(Base):
    """A result whole, frozen as canonical text under its hash when the panel was closed."""

    __tablename__ = "panel_edition"
    __table_args__ = (APPEND_ONLY,)
    panel_id: Mapped[UUID] = mapped_column(ForeignKey("panel.id"), primary_key=True)
    edition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[str]
    sha256: Mapped[str]
    closed_by: Mapped[str]
    closed_at: Mapped[datetime]
    note: Mapped[str]
    reopened_by: Mapped[str | None]
    reopened_for: Mapped[str | None]


class PanelResult(Base):
    """The score of a case in one edition; null is unknown, with the reason, and never zero."""

    __tablename__ = "panel_result"
    __table_args__ = (
        ForeignKeyConstraint(
            ["panel_id", "edition"], ["panel_edition.panel_id", "panel_edition.edition"]
        ),
        CheckConstraint(f"reason IN ({_words(NoScore)})", name="reason"),
        CheckConstraint("(score_thousandths IS NULL) = (reason IS NOT NULL)", name="score"),
        Index("ix_panel_result_case_id", "case_id"),
        APPEND_ONLY,
    )
    panel_id: Mapped[UUID] = mapped_column(primary_key=True)
    edition: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"), primary_key=True)
    number: Mapped[int]
    score_thousandths: Mapped[int | None]
    counted: Mapped[int]
    dropped: Mapped[int]
    spread_thousandths: Mapped[int | None]
    is_spread_flagged: Mapped[bool | None]
    reason: Mapped[str | None]
