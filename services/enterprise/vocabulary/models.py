"""Which department states which fact, and records which recognition."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.enterprise.base import Base

ORIGINS = "origin IN ('vocabulary', 'granted')"


class FactOwner(Base):
    """A department that may state a fact; what the vocabulary no longer says is taken back."""

    __tablename__ = "fact_owner"
    __table_args__ = (CheckConstraint(ORIGINS, name="origin"),)
    fact: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str]


class RecognitionOwner(Base):
    """A department that may record a recognition."""

    __tablename__ = "recognition_owner"
    __table_args__ = (CheckConstraint(ORIGINS, name="origin"),)
    recognition: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(primary_key=True)
    origin: Mapped[str]
