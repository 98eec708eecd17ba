"""Offer nothing unasked on a register that is out of date.

Revision: 6b2d8f41a9c3
Follows: 3f9a5c7e1b24
"""

from alembic import op

revision = "6b2d8f41a9c3"
down_revision = "3f9a5c7e1b24"
branch_labels = None
depends_on = None

NAME = "ck_offer_reason"
BEFORE = (
    "facts-unknown", "manual-check", "self-declared", "no-lawful-source",
    "amount-pending-parameter", "amount-zero", "case-exists", "declined-before",
    "applications-limit",
)  # fmt: skip


def upgrade() -> None:
    _allow(*BEFORE, "stale-register")


def downgrade() -> None:
    op.execute("UPDATE offer SET reason = 'self-declared' WHERE reason = 'stale-register'")
    _allow(*BEFORE)


def _allow(*reasons: str) -> None:
    listed = ", ".join(f"'{each}'" for each in reasons)
    op.drop_constraint(op.f(NAME), "offer", type_="check")
    op.create_check_constraint(op.f(NAME), "offer", f"reason IN ({listed})")
