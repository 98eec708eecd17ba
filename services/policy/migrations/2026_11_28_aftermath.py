"""Keep what follows a decision: obligations, proposals to recover, appeals, checks.

Revision: 3f9a5c7e1b24
Follows: 8d2e6b41c7f0
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "3f9a5c7e1b24"
down_revision = "4f7d2c90b3a1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "obligation_check",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_obligation_check")),
        info={"append_only": True},
    )
    op.create_table(
        "check_draw",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("cases", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("list_sha256", sa.Text(), nullable=False),
        sa.Column("inspectors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("share_bp", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.BigInteger(), nullable=True),
        sa.Column("seed_source", sa.Text(), nullable=False),
        sa.Column("seed_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seed", sa.Text(), nullable=True),
        sa.Column("seed_sha256", sa.Text(), nullable=True),
        sa.Column("planned_by", sa.Text(), nullable=False),
        sa.Column("drawn_by", sa.Text(), nullable=True),
        sa.Column("drawn_on", sa.Date(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'drawn') = (seed IS NOT NULL)", name=op.f("ck_check_draw_seed")
        ),
        sa.CheckConstraint("state IN ('planned', 'drawn')", name=op.f("ck_check_draw_state")),
        sa.CheckConstraint(
            "(share_bp IS NULL) <> (count IS NULL)", name=op.f("ck_check_draw_number")
        ),
        sa.CheckConstraint("planned_by <> drawn_by", name=op.f("ck_check_draw_four_eyes")),
        sa.ForeignKeyConstraint(["call_id"], ["call.id"], name=op.f("fk_check_draw_call_id_call")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_draw")),
        info={
            "updatable": [
                "state",
                "seed",
                "seed_sha256",
                "drawn_by",
                "drawn_on",
                "version",
                "changed_at",
            ]
        },
    )
    op.create_index("ix_check_draw_call_id", "check_draw", ["call_id", "id"], unique=False)
    op.create_table(
        "self_evaluation_round",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("indicators", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'asked') = (asked_by IS NOT NULL)",
            name=op.f("ck_self_evaluation_round_asked"),
        ),
        sa.CheckConstraint(
            "state IN ('drafted', 'asked')", name=op.f("ck_self_evaluation_round_state")
        ),
        sa.CheckConstraint(
            "drafted_by <> asked_by", name=op.f("ck_self_evaluation_round_four_eyes")
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_self_evaluation_round_call_id_call")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_evaluation_round")),
        info={"updatable": ["state", "asked_by", "version", "changed_at"]},
    )
    op.create_index(
        "ix_self_evaluation_round_call_id", "self_evaluation_round", ["call_id", "id"], unique=False
    )
    op.create_table(
        "appeal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("follows_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("notified_on", sa.Date(), nullable=True),
        sa.Column("lodged_on", sa.Date(), nullable=False),
        sa.Column("deadline_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=True),
        sa.Column("accepted_number", sa.Text(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("result_number", sa.Text(), nullable=True),
        sa.Column("result_on", sa.Date(), nullable=True),
        sa.Column("successor_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'decided') = (result IS NOT NULL)", name=op.f("ck_appeal_decided")
        ),
        sa.CheckConstraint(
            "against IN ('approval', 'refusal', 'revocation')", name=op.f("ck_appeal_against")
        ),
        sa.CheckConstraint(
            "kind IN ('reconsideration', 'litigation')", name=op.f("ck_appeal_kind")
        ),
        sa.CheckConstraint(
            "result IN ('upheld', 'changed', 'annulled', 'withdrawn', 'settled')",
            name=op.f("ck_appeal_result"),
        ),
        sa.CheckConstraint(
            "state IN ('lodged', 'accepted', 'rejected', 'decided')", name=op.f("ck_appeal_state")
        ),
        sa.CheckConstraint(
            "successor_id IS NULL OR result IN ('annulled', 'changed')",
            name=op.f("ck_appeal_successor"),
        ),
        sa.CheckConstraint(
            "(deadline_on IS NULL) = (is_late IS NULL)", name=op.f("ck_appeal_late")
        ),
        sa.CheckConstraint("decided_on <= lodged_on", name=op.f("ck_appeal_days")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_appeal_case_id_policy_case")
        ),
        sa.ForeignKeyConstraint(
            ["follows_id"], ["appeal.id"], name=op.f("fk_appeal_follows_id_appeal")
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"], ["policy_case.id"], name=op.f("fk_appeal_successor_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        info={
            "updatable": [
                "accepted_number",
                "accepted_on",
                "state",
                "result",
                "result_number",
                "result_on",
                "successor_id",
                "version",
                "changed_at",
            ]
        },
    )
    op.create_index("ix_appeal_case_id", "appeal", ["case_id", "id"], unique=False)
    op.create_index(
        "uq_appeal_open",
        "appeal",
        ["case_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state IN ('lodged', 'accepted')"),
    )
    op.create_table(
        "case_check",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("draw_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("inspectors", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("excluded", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("report_number", sa.Text(), nullable=True),
        sa.Column("reported_by", sa.Text(), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state IN ('passed', 'failed')) = (confirmed_by IS NOT NULL)",
            name=op.f("ck_case_check_confirmed"),
        ),
        sa.CheckConstraint("outcome IN ('passed', 'failed')", name=op.f("ck_case_check_outcome")),
        sa.CheckConstraint(
            "state IN ('drawn', 'reported', 'passed', 'failed')", name=op.f("ck_case_check_state")
        ),
        sa.CheckConstraint("reported_by <> confirmed_by", name=op.f("ck_case_check_four_eyes")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_case_check_case_id_policy_case")
        ),
        sa.ForeignKeyConstraint(
            ["draw_id"], ["check_draw.id"], name=op.f("fk_case_check_draw_id_check_draw")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_check")),
        sa.UniqueConstraint("draw_id", "case_id", name=op.f("uq_case_check_draw_id_case_id")),
        sa.UniqueConstraint("draw_id", "position", name=op.f("uq_case_check_draw_id_position")),
        info={
            "updatable": [
                "state",
                "outcome",
                "finding",
                "checked_on",
                "report_number",
                "reported_by",
                "confirmed_by",
                "version",
                "changed_at",
            ]
        },
    )
    op.create_index("ix_case_check_case_id", "case_check", ["case_id"], unique=False)
    op.create_index(
        "ix_case_check_inspectors",
        "case_check",
        ["inspectors"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "matter_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("thing", sa.Text(), nullable=False),
        sa.Column("thing_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_matter_event_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matter_event")),
        sa.UniqueConstraint("thing_id", "number", name=op.f("uq_matter_event_thing_id_number")),
        info={"append_only": True},
    )
    op.create_index("ix_matter_event_case_id", "matter_event", ["case_id"], unique=False)
    op.create_table(
        "obligation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("english", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("on_failure", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("day_source", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(origin = 'programme') = (name IS NOT NULL)", name=op.f("ck_obligation_name")
        ),
        sa.CheckConstraint(
            "alert IN ('none', 'due-soon', 'overdue', 'approver')", name=op.f("ck_obligation_alert")
        ),
        sa.CheckConstraint(
            "kind IN ('milestone', 'acceptance', 'report', 'stay')", name=op.f("ck_obligation_kind")
        ),
        sa.CheckConstraint(
            "on_failure IN ('recover', 'note')", name=op.f("ck_obligation_on_failure")
        ),
        sa.CheckConstraint(
            "origin IN ('programme', 'document')", name=op.f("ck_obligation_origin")
        ),
        sa.CheckConstraint(
            "state IN ('proposed', 'open', 'submitted', 'met', 'failed', 'lifted')",
            name=op.f("ck_obligation_state"),
        ),
        sa.CheckConstraint(
            "due_on IS NOT NULL OR day_source IS NULL", name=op.f("ck_obligation_day")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_obligation_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligation")),
        sa.UniqueConstraint(
            "case_id", "attempt", "name", name=op.f("uq_obligation_case_id_attempt_name")
        ),
        info={
            "updatable": [
                "due_on",
                "provisional",
                "day_source",
                "state",
                "alert",
                "evidence",
                "version",
                "changed_at",
            ]
        },
    )
    op.create_index("ix_obligation_case_id", "obligation", ["case_id", "id"], unique=False)
    op.create_index(
        "ix_obligation_due_on",
        "obligation",
        ["due_on"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "recovery_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("grounds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("respond_by", sa.Date(), nullable=True),
        sa.Column("response", sa.Text(), nullable=True),
        sa.Column("response_evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state IN ('approved', 'dismissed')) = (decided_by IS NOT NULL)",
            name=op.f("ck_recovery_proposal_decided"),
        ),
        sa.CheckConstraint(
            "ground IN ('obligation', 'check', 'finding')", name=op.f("ck_recovery_proposal_ground")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'approved', 'dismissed', 'lapsed')",
            name=op.f("ck_recovery_proposal_state"),
        ),
        sa.CheckConstraint(
            "(response IS NULL) = (responded_at IS NULL)",
            name=op.f("ck_recovery_proposal_response"),
        ),
        sa.CheckConstraint(
            "proposed_by <> decided_by", name=op.f("ck_recovery_proposal_four_eyes")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_recovery_proposal_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_proposal")),
        info={
            "updatable": [
                "grounds",
                "respond_by",
                "response",
                "response_evidence",
                "responded_at",
                "state",
                "decided_by",
                "version",
                "changed_at",
            ]
        },
    )
    op.create_index(
        "ix_recovery_proposal_state", "recovery_proposal", ["state", "id"], unique=False
    )
    op.create_index(
        "uq_recovery_proposal_open",
        "recovery_proposal",
        ["case_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "self_evaluation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'assessed') = (grade IS NOT NULL)", name=op.f("ck_self_evaluation_assessed")
        ),
        sa.CheckConstraint(
            "grade IN ('satisfactory', 'unsatisfactory')", name=op.f("ck_self_evaluation_grade")
        ),
        sa.CheckConstraint(
            "state IN ('asked', 'submitted', 'assessed')", name=op.f("ck_self_evaluation_state")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_self_evaluation_case_id_policy_case")
        ),
        sa.ForeignKeyConstraint(
            ["round_id"],
            ["self_evaluation_round.id"],
            name=op.f("fk_self_evaluation_round_id_self_evaluation_round"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_self_evaluation")),
        sa.UniqueConstraint(
            "round_id", "case_id", name=op.f("uq_self_evaluation_round_id_case_id")
        ),
        info={"updatable": ["state", "answers", "evidence", "grade", "version", "changed_at"]},
    )
    op.create_index("ix_self_evaluation_case_id", "self_evaluation", ["case_id"], unique=False)


def downgrade() -> None:
    op.drop_table("self_evaluation")
    op.drop_table("recovery_proposal")
    op.drop_table("obligation")
    op.drop_table("matter_event")
    op.drop_table("case_check")
    op.drop_table("appeal")
    op.drop_table("self_evaluation_round")
    op.drop_table("check_draw")
    op.drop_table("obligation_check")
