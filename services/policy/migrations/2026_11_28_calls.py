"""Calls for applications, and where cases stand in them.

Revision: 9c4e7a1d52f8
Follows: 5b1f0c9a27e4
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "9c4e7a1d52f8"
down_revision = "5b1f0c9a27e4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("budget_fen", sa.BigInteger(), nullable=True),
        sa.Column("quota", sa.BigInteger(), nullable=True),
        sa.Column("ties", sa.Text(), nullable=False),
        sa.Column("per_applicant", sa.BigInteger(), nullable=True),
        sa.Column("per_applicant_reason", sa.Text(), nullable=True),
        sa.Column("materials", postgresql.JSONB(), nullable=False),
        sa.Column("templates", postgresql.JSONB(), nullable=False),
        sa.Column("materials_sha256", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Text(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'ranked', 'cancelled')", name=op.f("ck_call_state")
        ),
        sa.CheckConstraint("opens_on <= closes_on", name=op.f("ck_call_window")),
        sa.CheckConstraint("published_by <> created_by", name=op.f("ck_call_four_eyes")),
        sa.CheckConstraint("budget_fen > 0", name=op.f("ck_call_budget")),
        sa.CheckConstraint("quota > 0", name=op.f("ck_call_quota")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
    )
    op.create_index("ix_call_programme", "call", ["programme", "id"])
    op.create_index("ix_call_state", "call", ["state", "closes_on"])
    op.create_table(
        "call_rank",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("run", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("rank_by", sa.BigInteger(), nullable=True),
        sa.Column("within", sa.Boolean(), nullable=True),
        sa.Column("ranked_by", sa.Text(), nullable=False),
        sa.Column("ranked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("position >= 1", name=op.f("ck_call_rank_position")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_call_rank_call_id_call")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_call_rank_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_rank")),
        sa.UniqueConstraint(
            "call_id", "run", "case_id", name=op.f("uq_call_rank_call_id_run_case_id")
        ),
        info={"append_only": True},
    )
    op.add_column("policy_case", sa.Column("call_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_policy_case_call_id_call"), "policy_case", "call", ["call_id"], ["id"]
    )
    op.create_index(
        "ix_policy_case_call", "policy_case", ["call_id"],
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_policy_case_call", table_name="policy_case")
    op.drop_constraint(op.f("fk_policy_case_call_id_call"), "policy_case", type_="foreignkey")
    op.drop_column("policy_case", "call_id")
    op.drop_table("call_rank")
    op.drop_table("call")
