"""Firms as they are now, and every change of their profile."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.enterprise.base import Base

JSON = JSONB(none_as_null=True)
# A firm keeps its code and never goes away; everything else may change.
CHANGING = [
    "name", "name_normal", "name_tokens", "industry_code", "town_code",
    "registration_authority_code", "domicile_address", "legal_form", "established_on",
    "version", "last_statement_id", "changed_at",
]  # fmt: skip


class Firm(Base):
    """A firm; its row lock orders everything that is stated of it."""

    __tablename__ = "firm"
    __table_args__ = (
        CheckConstraint("uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="uscc"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 200", name="name"),
        CheckConstraint("version > 0", name="version"),
        Index("ix_firm_name_tokens", "name_tokens", postgresql_using="gin"),
        Index("ix_firm_town_code", "town_code", "uscc"),
        Index(
            "ix_firm_industry_code",
            "industry_code",
            postgresql_ops={"industry_code": "text_pattern_ops"},
        ),
        {"info": {"updatable": CHANGING}},
    )
    uscc: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_normal: Mapped[str]
    name_tokens: Mapped[list[str]] = mapped_column(ARRAY(Text))
    industry_code: Mapped[str]
    town_code: Mapped[str]
    registration_authority_code: Mapped[str]
    domicile_address: Mapped[str | None]
    legal_form: Mapped[str | None]
    established_on: Mapped[date | None]
    synthetic: Mapped[bool]
    version: Mapped[int]
    last_statement_id: Mapped[UUID]
    registered_at: Mapped[datetime]
    registered_by: Mapped[str]
    changed_at: Mapped[datetime]


class ProfileChange(Base):
    """A field of a profile from a day on, as recorded at an instant."""

    __tablename__ = "profile_change"
    __table_args__ = (
        UniqueConstraint("uscc", "field", "valid_from", "statement_id"),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    statement_id: Mapped[UUID]
    uscc: Mapped[str] = mapped_column(ForeignKey("firm.uscc"))
    field: Mapped[str]
    value: Mapped[Any | None] = mapped_column(JSON)
    valid_from: Mapped[date]
    recorded_at: Mapped[datetime]
    stated_by: Mapped[str]
    department: Mapped[str | None]
    source: Mapped[str | None]
