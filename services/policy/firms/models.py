from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class Firm(Base):
    """A firm's whole state as last heard; town and name stand apart for filters and lists."""

    __tablename__ = "firm"
    __table_args__ = (Index("ix_firm_town_code", "town_code"),)
    uscc: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    name: Mapped[str]
    town_code: Mapped[str | None]
    state: Mapped[dict[str, Any]]
    # What the state rests on, statement by statement; apart, since matching does not look at it.
    grounds: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    statement_id: Mapped[UUID]
    recorded_at: Mapped[datetime]


class ListVersion(Base):
    """A version of a list; it counts once all its parts were heard."""

    __tablename__ = "list_version"
    __table_args__ = (
        CheckConstraint("parts >= 1", name="parts"),
        CheckConstraint("heard BETWEEN 0 AND parts", name="heard"),
        CheckConstraint("is_active = (heard = parts)", name="active"),
        Index("ix_list_version_days", "valid_from", "valid_to"),
        {"info": {"updatable": ["heard", "is_active"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    list: Mapped[str]
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    complete: Mapped[bool]
    parts: Mapped[int]
    heard: Mapped[int]
    is_active: Mapped[bool]
    recorded_at: Mapped[datetime]
    document: Mapped[str | None]
    department: Mapped[str | None]


class ListPart(Base):
    """A part of a version that was heard, so that a part told twice counts once."""

    __tablename__ = "list_part"
    __table_args__ = ({"info": {"append_only": True}},)
    version_id: Mapped[UUID] = mapped_column(ForeignKey("list_version.id"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)


class ListItem(Base):
    """A firm on a version of a list."""

    __tablename__ = "list_item"
    __table_args__ = ({"info": {"append_only": True}},)
    version_id: Mapped[UUID] = mapped_column(ForeignKey("list_version.id"), primary_key=True)
    uscc: Mapped[str] = mapped_column(primary_key=True)
