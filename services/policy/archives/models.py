from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base


class CaseArchive(Base):
    """A sealed volume of an ended case; what happened to the case later makes a further volume.

    `manifest` is the canonical list of its files with their hashes, `package_sha256` its own.
    """

    __tablename__ = "case_archive"
    __table_args__ = (
        UniqueConstraint("case_id", "volume"),
        UniqueConstraint("case_id", "case_version"),
        CheckConstraint("(retention_class IS NULL) = (retention_source IS NULL)", name="retention"),
        CheckConstraint("(restricted_at IS NULL) = (restricted_for IS NULL)", name="restriction"),
        Index("ix_case_archive_ended_on", "ended_on", "id"),
        {
            "info": {
                "updatable": [
                    "restricted_by", "restricted_at", "restricted_for", "restriction_rule",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    volume: Mapped[int]
    case_version: Mapped[int]
    case_state: Mapped[str]
    title: Mapped[str]
    fonds: Mapped[str | None]
    department: Mapped[str]
    opened_on: Mapped[date]
    ended_on: Mapped[date]
    retention_class: Mapped[str | None]
    retention_source: Mapped[str | None]
    retained_until: Mapped[date | None]
    items: Mapped[int]
    size_bytes: Mapped[int]
    manifest: Mapped[str]
    package_sha256: Mapped[str]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
    restricted_by: Mapped[str | None]
    restricted_at: Mapped[datetime | None]
    restricted_for: Mapped[str | None]
    restriction_rule: Mapped[str | None]
