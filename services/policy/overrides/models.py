from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.overrides.rules import REASON_CHARS_MIN


class CaseOverride(Base):
    """An officer's departure from what the rule gave, for one proposal; never changed, never gone.

    What the rule gave stands beside it: the frozen assessment stays the rule's.
    """

    __tablename__ = "case_override"
    __table_args__ = (
        UniqueConstraint("case_id", "attempt"),
        CheckConstraint(f"length(btrim(reason)) >= {REASON_CHARS_MIN}", name="reason"),
        CheckConstraint("amount_fen > 0", name="amount"),
        {"info": {"append_only": True}},
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("policy_case.id"))
    attempt: Mapped[int]
    reason: Mapped[str]
    rule_outcome: Mapped[str]
    rule_amount_fen: Mapped[int | None]
    # None where the programme gives no money.
    amount_fen: Mapped[int | None]
    made_by: Mapped[str]
    made_at: Mapped[datetime]
