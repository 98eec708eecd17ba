from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.notices.rules import EditionReason, ItemResult, ItemState, ObjectionState

APPEND_ONLY = {"info": {"append_only": True}}


def _words(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Notice(Base):
    """A public notice: one list of what is proposed under a programme."""

    __tablename__ = "notice"
    __table_args__ = (
        CheckConstraint("first_day <= last_day AND published_on < first_day", name="days"),
        Index("ix_notice_programme", "programme", "id"),
        APPEND_ONLY,
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    programme: Mapped[str]
    plan: Mapped[str]
    measure: Mapped[int | None]
    published_on: Mapped[date]
    first_day: Mapped[date]
    last_day: Mapped[date]
    days: Mapped[int]
    provisional: Mapped[bool]
    published_at: Mapped[datetime]


class NoticeEdition(Base):
    """The list as it stood in public, byte for byte; another one where it changed."""

    __tablename__ = "notice_edition"
    __table_args__ = (
        CheckConstraint(f"reason IN ({_words(EditionReason)})", name="reason"),
        UniqueConstraint("notice_id", "number"),
        APPEND_ONLY,
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"))
    number: Mapped[int]
    reason: Mapped[str]
    text: Mapped[str]
    sha256: Mapped[str]
    published_at: Mapped[datetime]


class NoticeItem(Base):
    """One case in a notice, with days of its own once it was suspended.

    `days_left` is kept while it is suspended; `ended_at` is when its days were noted to be over.
    """

    __tablename__ = "notice_item"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(ItemState)})", name="state"),
        CheckConstraint(f"result IN ({_words(ItemResult)})", name="result"),
        CheckConstraint("(result IS NULL) = (result_at IS NULL)", name="result_at"),
        CheckConstraint("(state = 'suspended') = (days_left IS NOT NULL)", name="days_left"),
        CheckConstraint("state = 'listed' OR result IS DISTINCT FROM 'approved'", name="approved"),
        UniqueConstraint("case_id", "attempt"),
        UniqueConstraint("notice_id", "number"),
        Index(
            "ix_notice_item_open", "notice_id",
            postgresql_where=text("result IS NULL AND state <> 'removed'"),
        ),
        {
            "info": {
                "updatable": [
                    "state", "first_day", "last_day", "ends_at", "provisional", "days_left",
                    "ended_at", "result", "result_at",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"))
    number: Mapped[int]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    attempt: Mapped[int]
    amount_fen: Mapped[int | None]
    state: Mapped[str]
    first_day: Mapped[date]
    last_day: Mapped[date]
    ends_at: Mapped[datetime]
    provisional: Mapped[bool]
    days_left: Mapped[int | None]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]
    result_at: Mapped[datetime | None]


class Objection(Base):
    """An objection to one item; who objects and what is said are sealed.

    `fingerprint` tells that the same was said before.
    """

    __tablename__ = "objection"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(ObjectionState)})", name="state"),
        CheckConstraint("(handled_by IS NULL) = (handled_at IS NULL)", name="handled"),
        CheckConstraint(
            "(state IN ('upheld', 'dismissed')) = (handled_by IS NOT NULL)", name="handled_state"
        ),
        UniqueConstraint("item_id", "fingerprint"),
        UniqueConstraint("receipt"),
        {
            "info": {
                "updatable": [
                    "state", "version", "handled_by", "handled_at", "outcome", "sealed_reply",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("notice_item.id"))
    receipt: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    sealed: Mapped[str]
    fingerprint: Mapped[str]
    received_at: Mapped[datetime]
    handled_by: Mapped[str | None]
    handled_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    sealed_reply: Mapped[str | None]
