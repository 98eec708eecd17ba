"""Give cases steps, clocks, recusals and a due day.

Revision: da09967d457f
Follows: 8d2e6b41c7f0
"""

import sqlalchemy as sa
from alembic import op

revision = "da09967d457f"
down_revision = "4e1d7c0b93a6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "case_clock",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("demonstration", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("run_days", sa.BigInteger(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("left_days", sa.BigInteger(), nullable=True),
        sa.Column("alert", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "alert IN ('none', 'due-soon', 'overdue', 'escalated')",
            name=op.f("ck_case_clock_alert"),
        ),
        sa.CheckConstraint(
            "kind IN ('accept', 'completion', 'review', 'step', 'notice', 'decide')",
            name=op.f("ck_case_clock_kind"),
        ),
        sa.CheckConstraint(
            "left_days IS NULL OR state = 'paused'", name=op.f("ck_case_clock_left")
        ),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'finished')", name=op.f("ck_case_clock_state")
        ),
        sa.CheckConstraint("(days IS NULL) = (due_on IS NULL)", name=op.f("ck_case_clock_due")),
        sa.CheckConstraint("days IS NULL OR source IS NOT NULL", name=op.f("ck_case_clock_source")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_case_clock_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_clock")),
        sa.UniqueConstraint(
            "case_id", "kind", "reference", name=op.f("uq_case_clock_case_id_kind_reference")
        ),
    )
    op.create_index(
        "ix_case_clock_due",
        "case_clock",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "recusal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("declared_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_recusal_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recusal")),
        sa.UniqueConstraint("case_id", "subject", name=op.f("uq_recusal_case_id_subject")),
        info={"append_only": True},
    )
    op.create_table(
        "case_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("town_code", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("days", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("ref_on", sa.Date(), nullable=True),
        sa.Column("evidence_id", sa.Uuid(), nullable=True),
        sa.Column("returns", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'town-review') = (department IS NULL)", name=op.f("ck_case_step_desk")
        ),
        sa.CheckConstraint(
            "(state IN ('passed', 'failed')) = (closed_by IS NOT NULL)",
            name=op.f("ck_case_step_closed_by"),
        ),
        sa.CheckConstraint(
            "(state IN ('passed', 'failed', 'skipped')) = (closed_at IS NOT NULL)",
            name=op.f("ck_case_step_closed"),
        ),
        sa.CheckConstraint("before IN ('proposal', 'decision')", name=op.f("ck_case_step_before")),
        sa.CheckConstraint(
            "kind IN ('town-review', 'department-review', 'third-party-audit', 'expert-review', 'site-check', 'collective-decision')",
            name=op.f("ck_case_step_kind"),
        ),
        sa.CheckConstraint(
            "kind NOT IN ('third-party-audit', 'site-check', 'collective-decision') OR state NOT IN ('passed', 'failed') OR (ref_on IS NOT NULL AND (ref IS NOT NULL OR evidence_id IS NOT NULL))",
            name=op.f("ck_case_step_ref"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'open', 'passed', 'failed', 'skipped')",
            name=op.f("ck_case_step_state"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_case_step_case_id_policy_case")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_case_step_evidence_id_evidence")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_step")),
        sa.UniqueConstraint(
            "case_id", "ordinal", "place", name=op.f("uq_case_step_case_id_ordinal_place")
        ),
        info={
            "updatable": [
                "state",
                "town_code",
                "opened_at",
                "closed_at",
                "closed_by",
                "finding",
                "ref",
                "ref_on",
                "evidence_id",
                "returns",
                "version",
            ]
        },
    )
    op.add_column("policy_case", sa.Column("due_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_policy_case_due",
        "policy_case",
        ["due_on", "id"],
        unique=False,
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    # What stands in notice is due when the notice ends, as it was shown before.
    op.execute(
        "UPDATE policy_case SET due_on = notice_item.last_day FROM notice_item"
        " WHERE notice_item.case_id = policy_case.id"
        " AND notice_item.attempt = policy_case.attempt AND policy_case.state = 'in-notice'"
    )


def downgrade() -> None:
    op.drop_index(
        "ix_policy_case_due",
        table_name="policy_case",
        postgresql_where=sa.text("due_on IS NOT NULL"),
    )
    op.drop_column("policy_case", "due_on")
    op.drop_table("case_step")
    op.drop_table("recusal")
    op.drop_index(
        "ix_case_clock_due", table_name="case_clock", postgresql_where=sa.text("state = 'running'")
    )
    op.drop_table("case_clock")
