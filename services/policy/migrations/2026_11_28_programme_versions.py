"""Keep the wordings of each programme.

Revision: 5b1f0c9a27e4
Follows: c3e72f5d9bc5
"""

import sqlalchemy as sa
from alembic import op

revision = "5b1f0c9a27e4"
down_revision = "c3e72f5d9bc5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "programme_version",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("plan_version", sa.Text(), nullable=False),
        sa.Column("rule_sha256", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=True),
        sa.Column("in_force_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_sha256"],
            ["rule_text.sha256"],
            name=op.f("fk_programme_version_rule_sha256_rule_text"),
        ),
        sa.PrimaryKeyConstraint("programme", "version", name=op.f("pk_programme_version")),
        info={"append_only": True},
    )


def downgrade() -> None:
    op.drop_table("programme_version")
