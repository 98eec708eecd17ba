"""Put tasks and meetings on a board.

Revision: c6246f2ac747
Follows: e8a8637c6cc7
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "c6246f2ac747"
down_revision = "e8a8637c6cc7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "meeting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Text(), nullable=True),
        sa.Column("attendees", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("agenda", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decisions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state = 'draft' OR minutes IS NOT NULL", name=op.f("ck_meeting_minutes")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'closed')", name=op.f("ck_meeting_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
        info={
            "updatable": [
                "held_on",
                "title",
                "minutes",
                "attendees",
                "agenda",
                "decisions",
                "state",
                "version",
                "synthetic",
                "changed_at",
            ]
        },
    )
    op.create_index(
        "ix_meeting_attendees", "meeting", ["attendees"], unique=False, postgresql_using="gin"
    )
    op.create_table(
        "task_check",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("ran_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_task_check")),
        info={"append_only": True},
    )
    op.create_table(
        "task",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("measure", sa.BigInteger(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=True),
        sa.Column("done_when", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("plan_text", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("in_plan", sa.Boolean(), nullable=False),
        sa.Column("departments_provisional", sa.Boolean(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("support", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_provisional", sa.Boolean(), nullable=False),
        sa.Column("every", sa.Text(), nullable=True),
        sa.Column("series", sa.Text(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("meeting_id", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress_bp", sa.BigInteger(), nullable=False),
        sa.Column("reported_on", sa.Date(), nullable=True),
        sa.Column("evidence_count", sa.BigInteger(), nullable=False),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.Column("finished_on", sa.Date(), nullable=True),
        sa.Column("finished_by", sa.Text(), nullable=True),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'recurring') <= (every IS NOT NULL)", name=op.f("ck_task_recurring")
        ),
        sa.CheckConstraint(
            "alert IN ('none', 'due-soon', 'overdue', 'lead-approver', 'office')",
            name=op.f("ck_task_alert"),
        ),
        sa.CheckConstraint(
            "every IN ('month', 'quarter', 'half-year', 'year')", name=op.f("ck_task_every")
        ),
        sa.CheckConstraint("origin IN ('plan', 'meeting', 'person')", name=op.f("ck_task_origin")),
        sa.CheckConstraint(
            "state <> 'accepted' OR (accepted_by IS NOT NULL AND finished_by IS NOT NULL)",
            name=op.f("ck_task_accepted"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'recurring', 'in-progress', 'blocked', 'done', 'returned', 'accepted', 'cancelled')",
            name=op.f("ck_task_state"),
        ),
        sa.CheckConstraint(
            "(meeting_id IS NULL) = (decision IS NULL)", name=op.f("ck_task_meeting")
        ),
        sa.CheckConstraint("(series IS NULL) = (period IS NULL)", name=op.f("ck_task_series")),
        sa.CheckConstraint("accepted_by <> finished_by", name=op.f("ck_task_four_eyes")),
        sa.CheckConstraint("progress_bp BETWEEN 0 AND 10000", name=op.f("ck_task_progress")),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meeting.id"], name=op.f("fk_task_meeting_id_meeting")
        ),
        sa.ForeignKeyConstraint(["series"], ["task.id"], name=op.f("fk_task_series_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("series", "period", name=op.f("uq_task_series_period")),
        info={
            "updatable": [
                "title",
                "title_en",
                "done_when",
                "source",
                "plan_text",
                "in_plan",
                "departments_provisional",
                "lead",
                "support",
                "begins_on",
                "due_on",
                "due_provisional",
                "every",
                "state",
                "progress_bp",
                "reported_on",
                "evidence_count",
                "alert",
                "finished_on",
                "finished_by",
                "accepted_by",
                "version",
                "changed_at",
            ]
        },
    )
    op.create_index("ix_task_due_on", "task", ["due_on", "id"], unique=False)
    op.create_index("ix_task_lead", "task", ["lead", "id"], unique=False)
    op.create_index(
        "uq_task_decision",
        "task",
        ["meeting_id", "decision"],
        unique=True,
        postgresql_where=sa.text("series IS NULL"),
    )
    op.create_index("ix_task_support", "task", ["support"], unique=False, postgresql_using="gin")
    op.create_table(
        "task_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stood", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_task_event_task_id_task")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_event")),
        sa.UniqueConstraint("task_id", "number", name=op.f("uq_task_event_task_id_number")),
        info={"append_only": True},
    )
    op.create_index("ix_task_event_at", "task_event", ["at"], unique=False)
    op.create_table(
        "task_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(url IS NULL) OR (sha256 IS NOT NULL)", name=op.f("ck_task_evidence_hash")
        ),
        sa.CheckConstraint(
            "document IS NOT NULL OR url IS NOT NULL", name=op.f("ck_task_evidence_reference")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_task_evidence_task_id_task")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_evidence")),
        info={"append_only": True},
    )
    op.create_index("ix_task_evidence_task_id", "task_evidence", ["task_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_task_evidence_task_id", table_name="task_evidence")
    op.drop_table("task_evidence")
    op.drop_index("ix_task_event_at", table_name="task_event")
    op.drop_table("task_event")
    op.drop_index("ix_task_support", table_name="task", postgresql_using="gin")
    op.drop_index("uq_task_decision", table_name="task", postgresql_where=sa.text("series IS NULL"))
    op.drop_index("ix_task_lead", table_name="task")
    op.drop_index("ix_task_due_on", table_name="task")
    op.drop_table("task")
    op.drop_table("task_check")
    op.drop_index("ix_meeting_attendees", table_name="meeting", postgresql_using="gin")
    op.drop_table("meeting")
