"""Keep what is on record of files that prove a case.

Revision: 8d2e6b41c7f0
Follows: da3de123d978
"""

import sqlalchemy as sa
from alembic import op

revision = "8d2e6b41c7f0"
down_revision = "da3de123d978"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("material", sa.Text(), nullable=True),
        sa.Column("internal", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file_type", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("uploaded_by", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "file_type IN ('pdf', 'png', 'jpeg', 'ofd', 'xlsx', 'docx', 'text')",
            name=op.f("ck_evidence_file_type"),
        ),
        sa.CheckConstraint("bytes > 0", name=op.f("ck_evidence_bytes")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_evidence_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence")),
        info={"append_only": True},
    )
    op.create_index("ix_evidence_case_id", "evidence", ["case_id", "id"])
    op.create_index("ix_evidence_sha256", "evidence", ["sha256"])
    op.create_table(
        "evidence_step",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('uploaded', 'scanned', 'withdrawn')", name=op.f("ck_evidence_step_state")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_step_evidence_id_evidence")
        ),
        sa.PrimaryKeyConstraint("evidence_id", "state", name=op.f("pk_evidence_step")),
        info={"append_only": True},
    )
    op.create_table(
        "evidence_mark",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("applicant", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('file', 'invoice', 'agent')", name=op.f("ck_evidence_mark_kind")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_evidence_mark_case_id_policy_case")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["evidence.id"], name=op.f("fk_evidence_mark_evidence_id_evidence")
        ),
        sa.PrimaryKeyConstraint("kind", "value", "evidence_id", name=op.f("pk_evidence_mark")),
        info={"append_only": True},
    )
    op.create_index("ix_evidence_mark_case_id", "evidence_mark", ["case_id"])
    op.create_index("ix_evidence_mark_evidence_id", "evidence_mark", ["evidence_id"])


def downgrade() -> None:
    op.drop_table("evidence_mark")
    op.drop_table("evidence_step")
    op.drop_table("evidence")
