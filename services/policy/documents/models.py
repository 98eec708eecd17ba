from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.documents.rules import DocumentKind, DocumentState


def _words(values: type[DocumentKind | DocumentState]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class KeptFile(Base):
    """The bytes of a file under their hash, for ever: what documents and archives refer to."""

    __tablename__ = "kept_file"
    __table_args__ = ({"info": {"append_only": True}},)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    media_type: Mapped[str]
    content: Mapped[bytes]


class Document(Base):
    """A document from draft to issue and withdrawal.

    `content` is all that its pages say but for the day of issue, fixed when it was drafted.
    """

    __tablename__ = "official_document"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_words(DocumentKind)})", name="kind"),
        CheckConstraint(f"state IN ({_words(DocumentState)})", name="state"),
        CheckConstraint("drafted_by <> issued_by", name="four_eyes"),
        CheckConstraint(
            "state <> 'issued' OR (issued_by IS NOT NULL AND pdf_sha256 IS NOT NULL)",
            name="issued",
        ),
        CheckConstraint("(kind = 'payment') = (minutes_number IS NOT NULL)", name="minutes"),
        UniqueConstraint("code"),
        Index(
            "uq_official_document_number", "number",
            unique=True, postgresql_where=text("state <> 'withdrawn' OR issued_on IS NOT NULL"),
        ),
        Index("ix_official_document_replaces", "replaces"),
        {
            "info": {
                "updatable": [
                    "state", "version", "pdf_sha256", "issued_by", "issued_on", "issued_at",
                    "withdrawn_by", "withdrawn_at", "withdrawn_for",
                ]
            }
        },
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    number: Mapped[str]
    title: Mapped[str]
    department: Mapped[str]
    state: Mapped[str]
    version: Mapped[int]
    code: Mapped[str]
    minutes_number: Mapped[str | None]
    minutes_on: Mapped[date | None]
    replaces: Mapped[UUID | None] = mapped_column(ForeignKey("official_document.id"))
    content: Mapped[str]
    content_sha256: Mapped[str]
    pdf_sha256: Mapped[str | None] = mapped_column(ForeignKey("kept_file.sha256"))
    drafted_by: Mapped[str]
    drafted_at: Mapped[datetime]
    issued_by: Mapped[str | None]
    issued_on: Mapped[date | None]
    issued_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_for: Mapped[str | None]


class DocumentCase(Base):
    """A case that a document is about; one document of a kind stands for it at a time."""

    __tablename__ = "official_document_case"
    __table_args__ = (
        Index(
            "uq_official_document_case_standing", "case_id", "kind",
            unique=True, postgresql_where=text("stands"),
        ),
        CheckConstraint("(kind = 'payment') <= (amount_fen IS NOT NULL)", name="amount"),
        {"info": {"updatable": ["stands"]}},
    )  # fmt: skip
    document_id: Mapped[UUID] = mapped_column(ForeignKey("official_document.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"), index=True)
    kind: Mapped[str]
    stands: Mapped[bool]
    attempt: Mapped[int]
    amount_fen: Mapped[int | None]
    functional_subject: Mapped[str | None]
    economic_subject: Mapped[str | None]
    quota_document: Mapped[str | None]


class DocumentLetter(Base):
    """The recommendation that a letter is about; one letter stands for it at a time."""

    __tablename__ = "official_document_letter"
    __table_args__ = (
        Index(
            "uq_official_document_letter_standing", "recommendation_id",
            unique=True, postgresql_where=text("stands"),
        ),
        {"info": {"updatable": ["stands"]}},
    )  # fmt: skip
    document_id: Mapped[UUID] = mapped_column(ForeignKey("official_document.id"), primary_key=True)
    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendation.id"))
    stands: Mapped[bool]


class ConvertedFile(Base):
    """What a kept file became in another format, the first time that somebody asked for it."""

    __tablename__ = "converted_file"
    __table_args__ = ({"info": {"append_only": True}},)
    source_sha256: Mapped[str] = mapped_column(ForeignKey("kept_file.sha256"), primary_key=True)
    media_type: Mapped[str] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("kept_file.sha256"))
    converted_at: Mapped[datetime]
