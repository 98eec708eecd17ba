"""Lists, their versions and who is on them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.enterprise.base import Base


class PublishedList(Base):
    """A list; it belongs to the department that published it first."""

    __tablename__ = "published_list"
    __table_args__ = ({"info": {"updatable": ["last_version_id"]}},)
    id: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str]
    last_version_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


class ListVersion(Base):
    """One version as published; its id is the id of the statement, too."""

    __tablename__ = "list_version"
    __table_args__ = (
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
        Index("ix_list_version_list", "list", "id"),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    list: Mapped[str] = mapped_column(ForeignKey("published_list.id"))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    complete: Mapped[bool]
    public: Mapped[bool]
    synthetic: Mapped[bool]
    document: Mapped[str]
    item_count: Mapped[int]
    published_at: Mapped[datetime]
    stated_by: Mapped[str]
    department: Mapped[str]


class ListItem(Base):
    """A firm on a version of a list; it need not be registered here."""

    __tablename__ = "list_item"
    __table_args__ = (
        Index("ix_list_item_uscc", "uscc", "version_id", unique=True),
        {"info": {"append_only": True}},
    )
    version_id: Mapped[UUID] = mapped_column(ForeignKey("list_version.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uscc: Mapped[str]
    extra: Mapped[dict[str, Any]] = mapped_column(JSONB)
