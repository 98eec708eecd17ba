"""The officers' desk: departures from rules, cases of other systems and of earlier years, lists.

Revision: 4b7f92c81d3e
Follows: 8d2e6b41c7f0
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4b7f92c81d3e"
down_revision = "4f1a9c62d7e3"
branch_labels = None
depends_on = None

DECIDED = (
    "state NOT IN ('decided', 'awarded', 'closed')"
    " OR (decided_by IS NOT NULL AND (without_money OR reservation_state = 'reserved'))"
)


def upgrade() -> None:
    op.add_column("policy_case", sa.Column("external_ref", sa.Text(), nullable=True))
    op.add_column("policy_case", sa.Column("external_system", sa.Text(), nullable=True))
    op.add_column(
        "policy_case",
        sa.Column("legacy", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.drop_constraint(op.f("ck_policy_case_decided"), "policy_case", type_="check")
    op.create_check_constraint(
        op.f("ck_policy_case_decided"), "policy_case", f"legacy OR {DECIDED}"
    )
    op.create_check_constraint(
        op.f("ck_policy_case_legacy"), "policy_case",
        "NOT legacy OR state IN ('closed', 'withdrawn', 'refused', 'revoked')",
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_policy_case_external"), "policy_case",
        "(external_ref IS NULL) = (external_system IS NULL)",
    )  # fmt: skip
    op.create_index(
        "uq_policy_case_external", "policy_case", ["external_ref", "external_system"],
        unique=True, postgresql_where=sa.text("external_ref IS NOT NULL"),
    )  # fmt: skip
    op.create_index("ix_policy_case_queue", "policy_case", ["programme", "state", "id"])
    op.create_table(
        "case_override",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rule_outcome", sa.Text(), nullable=False),
        sa.Column("rule_amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(btrim(reason)) >= 10", name=op.f("ck_case_override_reason")),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_case_override_amount")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_case_override_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_override")),
        sa.UniqueConstraint("case_id", "attempt", name=op.f("uq_case_override_case_id_attempt")),
        info={"append_only": True},
    )
    op.create_table(
        "legacy_case",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("row_sha256", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=True),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(amount_fen IS NULL) = (paid_on IS NULL)", name=op.f("ck_legacy_case_paid")
        ),
        sa.CheckConstraint("amount_fen > 0", name=op.f("ck_legacy_case_amount")),
        sa.CheckConstraint("decided_on <= paid_on", name=op.f("ck_legacy_case_days")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_legacy_case_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_legacy_case")),
        info={"append_only": True},
    )
    op.create_index("ix_legacy_case_operation", "legacy_case", ["operation_id", "line"])
    op.create_table(
        "case_batch_answer",
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("answer", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("operation_id", "position", name=op.f("pk_case_batch_answer")),
        info={"append_only": True},
    )
    op.add_column(
        "call",
        sa.Column(
            "materials_required", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column(
        "call", sa.Column("notice", sa.Text(), server_default=sa.text("'each'"), nullable=False)
    )
    op.create_check_constraint(op.f("ck_call_notice"), "call", "notice IN ('each', 'list')")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_call_notice"), "call", type_="check")
    op.drop_column("call", "notice")
    op.drop_column("call", "materials_required")
    op.drop_table("case_batch_answer")
    op.drop_table("legacy_case")
    op.drop_table("case_override")
    op.drop_index("ix_policy_case_queue", table_name="policy_case")
    op.drop_index("uq_policy_case_external", table_name="policy_case")
    op.drop_constraint(op.f("ck_policy_case_external"), "policy_case", type_="check")
    op.drop_constraint(op.f("ck_policy_case_legacy"), "policy_case", type_="check")
    op.drop_constraint(op.f("ck_policy_case_decided"), "policy_case", type_="check")
    op.create_check_constraint(op.f("ck_policy_case_decided"), "policy_case", DECIDED)
    for column in ("legacy", "external_system", "external_ref"):
        op.drop_column("policy_case", column)
