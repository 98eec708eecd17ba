"""Keep budget lines and declared aid as finance announces them, permissions, outcomes of runs.

Revision: 4e1d7c0b93a6
Follows: 8d2e6b41c7f0
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4e1d7c0b93a6"
down_revision = "8d2e6b41c7f0"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heard_budget",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("measure", sa.BigInteger(), nullable=True),
        sa.Column("programme", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("is_approved", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(measure, programme) = 1", name=op.f("ck_heard_budget_purpose")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heard_budget")),
    )
    op.create_index("ix_heard_budget_year", "heard_budget", ["year"])
    op.create_table(
        "heard_aid",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("beneficiary_id", sa.Text(), nullable=False),
        sa.Column("matter_key", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("stacking_group", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_heard_aid_amount")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heard_aid")),
    )
    op.create_index("ix_heard_aid_beneficiary", "heard_aid", ["beneficiary_id"])
    op.add_column("parameter_change", sa.Column("backdating", postgresql.JSONB(), nullable=True))
    op.create_table(
        "sandbox_outcome",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("uscc", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "length(before) = length(after)", name=op.f("ck_sandbox_outcome_lengths")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sandbox_run.id"], name=op.f("fk_sandbox_outcome_run_id_sandbox_run")
        ),
        sa.PrimaryKeyConstraint("run_id", "uscc", name=op.f("pk_sandbox_outcome")),
    )


def downgrade() -> None:
    op.drop_table("sandbox_outcome")
    # The trigger names the columns that nobody changes; it is made anew after every migration.
    op.execute("DROP TRIGGER IF EXISTS append_only ON parameter_change")
    op.drop_column("parameter_change", "backdating")
    op.drop_index("ix_heard_aid_beneficiary", table_name="heard_aid")
    op.drop_table("heard_aid")
    op.drop_index("ix_heard_budget_year", table_name="heard_budget")
    op.drop_table("heard_budget")
