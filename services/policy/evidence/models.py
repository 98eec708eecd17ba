from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.file_types import FileType
from services.policy.base import Base
from services.policy.evidence.rules import EvidenceState, MarkKind

APPEND_ONLY = {"info": {"append_only": True}}


def _words(values: type[EvidenceState] | type[FileType] | type[MarkKind]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Evidence(Base):
    """A file that was handed in to a case: an applicant's proof, or an officer's internal paper.

    The content lies in the storage under its hash; two rows may share it.
    """

    __tablename__ = "evidence"
    __table_args__ = (
        CheckConstraint(f"file_type IN ({_words(FileType)})", name="file_type"),
        CheckConstraint("bytes > 0", name="bytes"),
        Index("ix_evidence_case_id", "case_id", "id"),
        Index("ix_evidence_sha256", "sha256"),
        APPEND_ONLY,
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    material: Mapped[str | None]
    internal: Mapped[bool]
    name: Mapped[str]
    file_type: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str]
    agent: Mapped[str | None]
    uploaded_by: Mapped[str]
    role: Mapped[str]
    uploaded_at: Mapped[datetime]


class EvidenceStep(Base):
    """A state that a file has reached, once each; the latest is what it is in."""

    __tablename__ = "evidence_step"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(EvidenceState)})", name="state"),
        APPEND_ONLY,
    )
    evidence_id: Mapped[UUID] = mapped_column(ForeignKey("evidence.id"), primary_key=True)
    state: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str]
    note: Mapped[str]
    at: Mapped[datetime]


class EvidenceMark(Base):
    """What an applicant's file can share with another's: its content, an invoice, the agent."""

    __tablename__ = "evidence_mark"
    __table_args__ = (
        CheckConstraint(f"kind IN ({_words(MarkKind)})", name="kind"),
        Index("ix_evidence_mark_case_id", "case_id"),
        Index("ix_evidence_mark_evidence_id", "evidence_id"),
        APPEND_ONLY,
    )
    kind: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(primary_key=True)
    evidence_id: Mapped[UUID] = mapped_column(ForeignKey("evidence.id"), primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    applicant: Mapped[str]
