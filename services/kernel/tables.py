"""The tables that every service's schema has, whatever its nouns."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Identity,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from services.kernel.database import KernelBase

APPEND_ONLY = {"info": {"append_only": True}}


class PlatformSetting(KernelBase):
    """What must not change under running data, such as the profile."""

    __tablename__ = "platform_setting"
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class OutboxHead(KernelBase):
    """The last sequence number of each aggregate; its row lock keeps commits in that order."""

    __tablename__ = "outbox_head"
    aggregate: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int]


class Outbox(KernelBase):
    """An announcement, written in the transaction of the change it tells of."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("aggregate", "seq"),
        Index("ix_outbox_pending", "id", postgresql_where=text("published_at IS NULL")),
        Index(
            "ix_outbox_waiting",
            "aggregate",
            postgresql_where=text("published_at IS NULL AND attempts > 0"),
        ),
        Index("ix_outbox_written_at", "written_at"),
        # The payload is what was announced; only the marks of delivery may change.
        {"info": {"updatable": ["published_at", "attempts", "next_attempt_at", "last_error"]}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    aggregate: Mapped[str]
    seq: Mapped[int]
    shard: Mapped[int]
    type: Mapped[str]
    subject: Mapped[str]
    payload: Mapped[str]
    payload_sha256: Mapped[str]
    traceparent: Mapped[str | None]
    occurred_at: Mapped[datetime]
    written_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    published_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=text("'-infinity'"))
    last_error: Mapped[str | None]


class Inbox(KernelBase):
    """One row for each reaction to each event: what makes an effect happen once."""

    __tablename__ = "inbox"
    reaction: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    received_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class ParkedEvent(KernelBase):
    """An event that could not be reacted to, kept with the reason until someone retries it."""

    __tablename__ = "parked_event"
    __table_args__ = (UniqueConstraint("reaction", "event_id"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    reaction: Mapped[str]
    event_id: Mapped[UUID]
    type: Mapped[str]
    envelope: Mapped[str]
    reason: Mapped[str]
    deliveries: Mapped[int]
    parked_at: Mapped[datetime]
    retried_at: Mapped[datetime | None]


class AuditEntry(KernelBase):
    """Who did what to which thing, written in the transaction of the change."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_thing", "thing", "thing_id"),
        Index("ix_audit_entry_xid", "xid"),
        APPEND_ONLY,
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    client: Mapped[str | None]
    roles: Mapped[str]
    action: Mapped[str]
    outcome: Mapped[str]
    thing: Mapped[str]
    thing_id: Mapped[str]
    detail: Mapped[str]
    trace_id: Mapped[str | None]
    xid: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )


class AuditSeal(KernelBase):
    """The chain over the audit rows, written after commit by one sealer."""

    __tablename__ = "audit_seal"
    __table_args__ = (UniqueConstraint("entry_id"), APPEND_ONLY)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[UUID]
    previous: Mapped[str]
    seal: Mapped[str]
    sealed_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))


class StoredAnswer(KernelBase):
    """The answer of a keyed request, committed with its effect."""

    __tablename__ = "stored_answer"
    __table_args__ = (Index("ix_stored_answer_stored_at", "stored_at"),)
    principal: Mapped[str] = mapped_column(primary_key=True)
    route: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    kept_for_ever: Mapped[bool] = mapped_column(server_default=text("false"))
    stored_at: Mapped[datetime]


class Timer(KernelBase):
    """Something due on the business clock, fired once."""

    __tablename__ = "timer"
    __table_args__ = (
        UniqueConstraint("kind", "reference"),
        Index("ix_timer_due", "due_at", postgresql_where=text("fired_at IS NULL")),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    reference: Mapped[str]
    due_at: Mapped[datetime]
    fired_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    not_before: Mapped[datetime] = mapped_column(server_default=text("'-infinity'"))
    last_error: Mapped[str | None]


class Operation(KernelBase):
    """Long work with real progress."""

    __tablename__ = "operation"
    __table_args__ = (
        CheckConstraint("state IN ('accepted', 'running', 'finished', 'failed')", name="state"),
        Index("ix_operation_open", "id", postgresql_where=text("state IN ('accepted', 'running')")),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    owner: Mapped[str]
    actor: Mapped[dict[str, Any]]
    input: Mapped[dict[str, Any]]
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    done: Mapped[int] = mapped_column(server_default=text("0"))
    total: Mapped[int | None]
    error_count: Mapped[int] = mapped_column(server_default=text("0"))
    result: Mapped[dict[str, Any] | None]
    lease_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class OperationError(KernelBase):
    """A row of an operation that was refused: line, field, reason."""

    __tablename__ = "operation_error"
    operation_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]
    zh: Mapped[str]
    en: Mapped[str]


class TrustedKey(KernelBase):
    """A public key of the token issuer, heard of by event."""

    __tablename__ = "trusted_key"
    kid: Mapped[str] = mapped_column(primary_key=True)
    jwk: Mapped[dict[str, Any]]
    usable_until: Mapped[datetime | None]
    version: Mapped[int]


class RevokedToken(KernelBase):
    """A token that was taken back before its time."""

    __tablename__ = "revoked_token"
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]


class KnownClient(KernelBase):
    """Since when a client's or a person's tokens count, and whether they count at all."""

    __tablename__ = "known_client"
    client_id: Mapped[str] = mapped_column(primary_key=True)
    active: Mapped[bool]
    tokens_valid_from: Mapped[datetime]
    version: Mapped[int]


class HeardClock(KernelBase):
    """What the demonstration moved the business clock by."""

    __tablename__ = "heard_clock"
    id: Mapped[int] = mapped_column(Identity(always=False), primary_key=True)
    offset_s: Mapped[int]
    version: Mapped[int]
