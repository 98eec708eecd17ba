from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.cases.rules import LEGACY_STATES, UNDECIDED, CaseState, ReservationState

APPEND_ONLY = {"info": {"append_only": True}}


def _words(values: Any) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Case(Base):
    """An application on its way from draft to payment.

    `person_version` is the version that a person's last event made: what finance answers since
    then moves the version on, and not the ground under whoever acts next.
    """

    __tablename__ = "policy_case"
    __table_args__ = (
        CheckConstraint(f"state IN ({_words(CaseState)})", name="state"),
        CheckConstraint(f"reservation_state IN ({_words(ReservationState)})", name="reservation"),
        CheckConstraint("reviewed_by <> decided_by", name="four_eyes"),
        CheckConstraint("decided_by IS NULL OR reviewed_by IS NOT NULL", name="reviewed"),
        CheckConstraint(
            "legacy OR state NOT IN ('decided', 'awarded', 'closed')"
            " OR (decided_by IS NOT NULL AND (without_money OR reservation_state = 'reserved'))",
            name="decided",
        ),
        CheckConstraint(
            "NOT without_money OR (reservation_state = 'none' AND state <> 'awarded')",
            name="without_money",
        ),
        CheckConstraint(f"NOT legacy OR state IN ({_words(LEGACY_STATES)})", name="legacy"),
        CheckConstraint("(external_ref IS NULL) = (external_system IS NULL)", name="external"),
        CheckConstraint("(matter_id IS NULL) <> (matter_period IS NULL)", name="matter"),
        # Nothing may be begun twice for the same applicant; `open_case` minds what is awarded.
        Index(
            "uq_policy_case_open", "applicant_kind", "applicant_id", "programme", "open_key",
            unique=True, postgresql_where=text(f"state IN ({_words(UNDECIDED)})"),
        ),
        Index("ix_policy_case_applicant", "applicant_id", "programme"),
        Index("ix_policy_case_programme", "programme", "id"),
        Index("ix_policy_case_state", "state", "id"),
        Index("ix_policy_case_due", "due_on", "id", postgresql_where=text("due_on IS NOT NULL")),
        # What another system calls its case, once for each system.
        Index(
            "uq_policy_case_external", "external_ref", "external_system",
            unique=True, postgresql_where=text("external_ref IS NOT NULL"),
        ),
        # The desk's queue: the newest of a state, of a programme, or of both, without a sort.
        Index("ix_policy_case_queue", "programme", "state", "id"),
        Index(
            "ix_policy_case_offer_batch", "offer_batch_id",
            postgresql_where=text("offer_batch_id IS NOT NULL"),
        ),
        Index("ix_policy_case_call", "call_id", postgresql_where=text("call_id IS NOT NULL")),
    )  # fmt: skip
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan: Mapped[str]
    plan_version: Mapped[str]
    programme: Mapped[str]
    measure: Mapped[int | None]
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("call.id"))
    # The batch that prepared it unasked (免申即享).
    offer_batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("offer_batch.id"))
    applicant_kind: Mapped[str]
    applicant_id: Mapped[str]
    applicant_name: Mapped[str]
    matter_kind: Mapped[str]
    matter_id: Mapped[str | None]
    matter_period: Mapped[str | None]
    open_key: Mapped[str]
    reference_year: Mapped[int | None]
    state: Mapped[str]
    version: Mapped[int]
    person_version: Mapped[int]
    attempt: Mapped[int] = mapped_column(server_default=text("0"))
    proposed_outcome: Mapped[str | None]
    # What the attempt asks finance for; None without money, and where it was not kept.
    asked_amount_fen: Mapped[int | None]
    # What the caller is shown: the latest preview, and from the proposal on what was frozen.
    situation: Mapped[dict[str, Any]]
    assessment: Mapped[dict[str, Any]]
    facts_known_until: Mapped[datetime]
    reservation_state: Mapped[str] = mapped_column(server_default=text("'none'"))
    reservation_amount_fen: Mapped[int | None]
    reservation_reason_code: Mapped[str | None]
    reservation_reason: Mapped[str | None]
    reservation_reason_en: Mapped[str | None]
    reservation_line: Mapped[dict[str, Any] | None]
    # Set when the case is opened: its programme gives a title or a place, and nothing is reserved.
    without_money: Mapped[bool] = mapped_column(server_default=text("false"))
    # The title that it yields, with the registry's word; and the one that it assesses anew (复核).
    title: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reassesses: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    award_version: Mapped[int] = mapped_column(server_default=text("0"))
    # The first day on which a running clock is due.
    due_on: Mapped[date | None]
    reviewed_by: Mapped[str | None]
    decided_by: Mapped[str | None]
    external_ref: Mapped[str | None]
    external_system: Mapped[str | None]
    # Decided before this platform: what is known of it stands in `legacy_case`.
    legacy: Mapped[bool] = mapped_column(server_default=text("false"))
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]


class CaseHistory(Base):
    """What happened to a case, one row each, only ever added."""

    __tablename__ = "case_event"
    __table_args__ = (UniqueConstraint("case_id", "number"), APPEND_ONLY)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    number: Mapped[int]
    event: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    version: Mapped[int]
    role: Mapped[str]
    actor: Mapped[str]
    note: Mapped[str]
    data: Mapped[dict[str, Any]]
    at: Mapped[datetime]
