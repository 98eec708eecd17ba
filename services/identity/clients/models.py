from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from services.identity.base import Base


class Client(Base):
    """A system that calls the API: a department's, a firm's, a bank's, a mobile back end."""

    __tablename__ = "client"
    __table_args__ = (CheckConstraint("state IN ('active', 'suspended')", name="state"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    state: Mapped[str]
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    department: Mapped[str | None]
    uscc: Mapped[str | None]
    town_code: Mapped[str | None]
    bank: Mapped[str | None]
    institution: Mapped[str | None]
    may_exchange: Mapped[bool]
    jwks: Mapped[dict[str, Any] | None]
    version: Mapped[int]
    created_at: Mapped[datetime]


class ClientSecret(Base):
    """The hash of a secret; two at most, so that one can be replaced without an outage."""

    __tablename__ = "client_secret"
    __table_args__ = (Index("ix_client_secret_client_id", "client_id"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    client_id: Mapped[UUID] = mapped_column(ForeignKey("client.id"))
    digest: Mapped[str]
    created_at: Mapped[datetime]


class FailedAttempt(Base):
    """Wrong secrets for a client from one address."""

    __tablename__ = "failed_attempt"
    __table_args__ = (Index("ix_failed_attempt_failed_at", "failed_at"),)
    client_id: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    failed_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]


class PrincipalState(Base):
    """Whether a client or person may act, and since when their tokens count."""

    __tablename__ = "principal_state"
    principal: Mapped[str] = mapped_column(primary_key=True)
    active: Mapped[bool]
    tokens_valid_from: Mapped[datetime]
    version: Mapped[int]
