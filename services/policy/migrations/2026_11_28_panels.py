"""Expert panels with their sheets and results, and calls that rank by them.

Revision: 4f7d2c90b3a1
Follows: 8d2e6b41c7f0
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4f7d2c90b3a1"
down_revision = "4f7c1d90e2ab"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "call", sa.Column("rank_by", sa.Text(), server_default=sa.text("'rule'"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_call_rank_by"), "call", "rank_by IN ('rule', 'panel-score')"
    )
    op.create_table(
        "panel",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("criteria", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total_points", sa.BigInteger(), nullable=False),
        sa.Column("experts_min", sa.BigInteger(), nullable=True),
        sa.Column("drop_extremes_from", sa.BigInteger(), nullable=True),
        sa.Column("spread_flag_points", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("edition", sa.BigInteger(), nullable=False),
        sa.Column("convened_by", sa.Text(), nullable=False),
        sa.Column("convened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened_by", sa.Text(), nullable=True),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reopened_for", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('draft', 'open', 'closed', 'cancelled')", name=op.f("ck_panel_state")
        ),
        sa.CheckConstraint(
            "state NOT IN ('open', 'closed') OR confirmed_by IS NOT NULL",
            name=op.f("ck_panel_confirmed"),
        ),
        sa.CheckConstraint("(call_id IS NULL) <> (case_id IS NULL)", name=op.f("ck_panel_scope")),
        sa.CheckConstraint("confirmed_by <> convened_by", name=op.f("ck_panel_four_eyes")),
        sa.CheckConstraint("drop_extremes_from >= 3", name=op.f("ck_panel_extremes")),
        sa.CheckConstraint("edition >= 1", name=op.f("ck_panel_edition")),
        sa.CheckConstraint("total_points > 0", name=op.f("ck_panel_total")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_panel_call_id_call")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_panel_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel")),
        info={
            "updatable": [
                "state",
                "version",
                "edition",
                "confirmed_by",
                "confirmed_at",
                "reopened_by",
                "reopened_at",
                "reopened_for",
                "changed_at",
            ]
        },
    )
    op.create_index(
        "ix_panel_call_id",
        "panel",
        ["call_id"],
        unique=False,
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_index(
        "ix_panel_case_id",
        "panel",
        ["case_id"],
        unique=False,
        postgresql_where=sa.text("case_id IS NOT NULL"),
    )
    op.create_index("ix_panel_programme", "panel", ["programme", "id"], unique=False)
    op.create_table(
        "panel_expert",
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("seat", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("employer_kind", sa.Text(), nullable=True),
        sa.Column("employer_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["panel_id"], ["panel.id"], name=op.f("fk_panel_expert_panel_id_panel")
        ),
        sa.PrimaryKeyConstraint("panel_id", "subject", name=op.f("pk_panel_expert")),
        sa.UniqueConstraint("panel_id", "seat", name=op.f("uq_panel_expert_panel_id_seat")),
        info={"append_only": True},
    )
    op.create_index(
        "ix_panel_expert_subject", "panel_expert", ["subject", "panel_id"], unique=False
    )
    op.create_table(
        "panel_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.CheckConstraint("number >= 1", name=op.f("ck_panel_case_number")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_panel_case_case_id_policy_case")
        ),
        sa.ForeignKeyConstraint(
            ["panel_id"], ["panel.id"], name=op.f("fk_panel_case_panel_id_panel")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_case")),
        sa.UniqueConstraint("panel_id", "case_id", name=op.f("uq_panel_case_panel_id_case_id")),
        sa.UniqueConstraint("panel_id", "number", name=op.f("uq_panel_case_panel_id_number")),
        info={"updatable": ["summary", "is_live"]},
    )
    op.create_index(
        "uq_panel_case_live",
        "panel_case",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("is_live"),
    )
    op.create_table(
        "panel_sheet",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("panel_case_id", sa.Uuid(), nullable=False),
        sa.Column("expert", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("points", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'submitted') = (points <> '[]')", name=op.f("ck_panel_sheet_points")
        ),
        sa.CheckConstraint(
            "state IN ('submitted', 'abstained', 'recused')", name=op.f("ck_panel_sheet_state")
        ),
        sa.ForeignKeyConstraint(
            ["panel_case_id"],
            ["panel_case.id"],
            name=op.f("fk_panel_sheet_panel_case_id_panel_case"),
        ),
        sa.ForeignKeyConstraint(
            ["panel_id", "expert"],
            ["panel_expert.panel_id", "panel_expert.subject"],
            name=op.f("fk_panel_sheet_panel_id_expert_panel_expert"),
        ),
        sa.ForeignKeyConstraint(
            ["panel_id"], ["panel.id"], name=op.f("fk_panel_sheet_panel_id_panel")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panel_sheet")),
        sa.UniqueConstraint(
            "panel_case_id", "expert", name=op.f("uq_panel_sheet_panel_case_id_expert")
        ),
        info={"updatable": ["state", "version", "points", "comment", "changed_at"]},
    )
    op.create_index("ix_panel_sheet_panel_id", "panel_sheet", ["panel_id", "expert"], unique=False)
    op.create_table(
        "panel_sheet_version",
        sa.Column("sheet_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("points", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sheet_id"],
            ["panel_sheet.id"],
            name=op.f("fk_panel_sheet_version_sheet_id_panel_sheet"),
        ),
        sa.PrimaryKeyConstraint("sheet_id", "version", name=op.f("pk_panel_sheet_version")),
        info={"append_only": True},
    )
    op.create_table(
        "panel_edition",
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("closed_by", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reopened_by", sa.Text(), nullable=True),
        sa.Column("reopened_for", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["panel_id"], ["panel.id"], name=op.f("fk_panel_edition_panel_id_panel")
        ),
        sa.PrimaryKeyConstraint("panel_id", "edition", name=op.f("pk_panel_edition")),
        info={"append_only": True},
    )
    op.create_table(
        "panel_result",
        sa.Column("panel_id", sa.Uuid(), nullable=False),
        sa.Column("edition", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("score_thousandths", sa.BigInteger(), nullable=True),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.Column("spread_thousandths", sa.BigInteger(), nullable=True),
        sa.Column("is_spread_flagged", sa.Boolean(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "reason IN ('too-few-sheets', 'not-in-review', 'another-panel')",
            name=op.f("ck_panel_result_reason"),
        ),
        sa.CheckConstraint(
            "(score_thousandths IS NULL) = (reason IS NOT NULL)", name=op.f("ck_panel_result_score")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_panel_result_case_id_policy_case")
        ),
        sa.ForeignKeyConstraint(
            ["panel_id", "edition"],
            ["panel_edition.panel_id", "panel_edition.edition"],
            name=op.f("fk_panel_result_panel_id_edition_panel_edition"),
        ),
        sa.PrimaryKeyConstraint("panel_id", "edition", "case_id", name=op.f("pk_panel_result")),
        info={"append_only": True},
    )
    op.create_index("ix_panel_result_case_id", "panel_result", ["case_id"], unique=False)


def downgrade() -> None:
    op.drop_table("panel_result")
    op.drop_table("panel_edition")
    op.drop_table("panel_sheet_version")
    op.drop_table("panel_sheet")
    op.drop_table("panel_case")
    op.drop_table("panel_expert")
    op.drop_table("panel")
    op.drop_constraint(op.f("ck_call_rank_by"), "call")
    op.drop_column("call", "rank_by")
