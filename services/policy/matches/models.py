from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from services.policy.base import Base
from services.policy.matches.rules import Kind

KINDS = ", ".join(f"'{kind}'" for kind in Kind)


class MatchDue(Base):
    """A firm to be matched again, one row for each change; nobody waits for another to write it."""

    __tablename__ = "match_due"
    __table_args__ = (
        Index("ix_match_due_not_before", "not_before", "id"),
        Index("ix_match_due_uscc", "uscc"),
    )
    id: Mapped[int] = mapped_column(Identity(always=False), primary_key=True)
    uscc: Mapped[str]
    # On the system's clock: what failed once does not stand in the way of others.
    not_before: Mapped[datetime] = mapped_column(server_default=text("'-infinity'"))


class MatchedFirm(Base):
    """A firm as it was last matched: the answers hold from a day until before another."""

    __tablename__ = "matched_firm"
    __table_args__ = (
        CheckConstraint("from_day < until_day", name="days"),
        Index("ix_matched_firm_from_day", "from_day"),
        Index("ix_matched_firm_until_day", "until_day"),
    )
    uscc: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    from_day: Mapped[date]
    until_day: Mapped[date]
    matched_on: Mapped[date]


class Match(Base):
    """Where a firm stands under a programme; what it plainly is not entitled to has no row."""

    __tablename__ = "match"
    __table_args__ = (
        CheckConstraint(f"kind IN ({KINDS})", name="kind"),
        CheckConstraint("(amount_status = 'set') = (amount_fen IS NOT NULL)", name="amount"),
        CheckConstraint("amount_fen >= 0", name="amount_fen"),
        Index("ix_match_kind", "kind", "programme", "uscc"),
    )
    uscc: Mapped[str] = mapped_column(ForeignKey("matched_firm.uscc"), primary_key=True)
    programme: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    amount_fen: Mapped[int | None]
    amount_status: Mapped[str]
    near: Mapped[list[Any]]
    missing: Mapped[list[Any]]
    until_day: Mapped[date | None]
    rule_version: Mapped[str]
    basis: Mapped[str]
    # Of what is told: equal digests are equal standings.
    digest: Mapped[str]
    since: Mapped[date]


class MatchBasis(Base):
    """What every firm was, or is being, matched on under a programme."""

    __tablename__ = "match_basis"
    programme: Mapped[str] = mapped_column(primary_key=True)
    basis: Mapped[str]
