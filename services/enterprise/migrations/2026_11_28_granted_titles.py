"""Keep which titles were granted elsewhere, and let one title take another's place.

Revision: b6d05e8f1a27
Follows: 9fc5fe6afaaa
"""

import sqlalchemy as sa
from alembic import op

revision = "b6d05e8f1a27"
down_revision = "9fc5fe6afaaa"
branch_labels = None
depends_on = None

STATE = "(state IN ('revoked', 'superseded')) = (revoked_on IS NOT NULL)"
STATE_BEFORE = "(state = 'revoked') = (revoked_on IS NOT NULL)"


def upgrade() -> None:
    op.drop_constraint(op.f("ck_recognition_state"), "recognition", type_="check")
    op.create_check_constraint(op.f("ck_recognition_state"), "recognition", STATE)
    op.create_table(
        "granted_title",
        sa.Column("source_kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("recognition_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('recorded', 'already-held', 'firm-unknown', 'recognition-unknown', 'revoked')",
            name=op.f("ck_granted_title_outcome"),
        ),
        sa.CheckConstraint(
            "outcome NOT IN ('recorded', 'already-held') OR recognition_id IS NOT NULL",
            name=op.f("ck_granted_title_recognition"),
        ),
        sa.CheckConstraint(
            "source_kind IN ('case', 'recommendation')", name=op.f("ck_granted_title_source_kind")
        ),
        sa.ForeignKeyConstraint(
            ["recognition_id"],
            ["recognition.id"],
            name=op.f("fk_granted_title_recognition_id_recognition"),
        ),
        sa.PrimaryKeyConstraint("source_kind", "source_id", name=op.f("pk_granted_title")),
        info={"updatable": ["outcome", "heard_at"]},
    )
    op.create_index(
        op.f("ix_granted_title_recognition_id"), "granted_title", ["recognition_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("granted_title")
    op.execute("UPDATE recognition SET state = 'revoked' WHERE state = 'superseded'")
    op.drop_constraint(op.f("ck_recognition_state"), "recognition", type_="check")
    op.create_check_constraint(op.f("ck_recognition_state"), "recognition", STATE_BEFORE)
