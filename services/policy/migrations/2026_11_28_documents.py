"""Keep official documents, what they are about, archives, and the bytes of both.

Revision: da3de123d978
Follows: 9d41c7e08b52
"""

import sqlalchemy as sa
from alembic import op

revision = "da3de123d978"
down_revision = "9d41c7e08b52"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_file",
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_kept_file")),
        info={"append_only": True},
    )
    op.create_table(
        "case_archive",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        sa.Column("case_version", sa.BigInteger(), nullable=False),
        sa.Column("case_state", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("fonds", sa.Text(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("opened_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=False),
        sa.Column("retention_class", sa.Text(), nullable=True),
        sa.Column("retention_source", sa.Text(), nullable=True),
        sa.Column("retained_until", sa.Date(), nullable=True),
        sa.Column("items", sa.BigInteger(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False),
        sa.Column("package_sha256", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("restricted_by", sa.Text(), nullable=True),
        sa.Column("restricted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("restricted_for", sa.Text(), nullable=True),
        sa.Column("restriction_rule", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(restricted_at IS NULL) = (restricted_for IS NULL)",
            name=op.f("ck_case_archive_restriction"),
        ),
        sa.CheckConstraint(
            "(retention_class IS NULL) = (retention_source IS NULL)",
            name=op.f("ck_case_archive_retention"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_case_archive_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_archive")),
        sa.UniqueConstraint(
            "case_id", "case_version", name=op.f("uq_case_archive_case_id_case_version")
        ),
        sa.UniqueConstraint("case_id", "volume", name=op.f("uq_case_archive_case_id_volume")),
        info={
            "updatable": ["restricted_by", "restricted_at", "restricted_for", "restriction_rule"]
        },
    )
    op.create_index("ix_case_archive_ended_on", "case_archive", ["ended_on", "id"], unique=False)
    op.create_table(
        "official_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("minutes_number", sa.Text(), nullable=True),
        sa.Column("minutes_on", sa.Date(), nullable=True),
        sa.Column("replaces", sa.Uuid(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=False),
        sa.Column("pdf_sha256", sa.Text(), nullable=True),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued_by", sa.Text(), nullable=True),
        sa.Column("issued_on", sa.Date(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Text(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_for", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'payment') = (minutes_number IS NOT NULL)",
            name=op.f("ck_official_document_minutes"),
        ),
        sa.CheckConstraint(
            "kind IN ('decision-approval', 'decision-refusal', 'decision-revocation', 'payment')",
            name=op.f("ck_official_document_kind"),
        ),
        sa.CheckConstraint(
            "state <> 'issued' OR (issued_by IS NOT NULL AND pdf_sha256 IS NOT NULL)",
            name=op.f("ck_official_document_issued"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'issued', 'withdrawn')", name=op.f("ck_official_document_state")
        ),
        sa.CheckConstraint("drafted_by <> issued_by", name=op.f("ck_official_document_four_eyes")),
        sa.ForeignKeyConstraint(
            ["pdf_sha256"],
            ["kept_file.sha256"],
            name=op.f("fk_official_document_pdf_sha256_kept_file"),
        ),
        sa.ForeignKeyConstraint(
            ["replaces"],
            ["official_document.id"],
            name=op.f("fk_official_document_replaces_official_document"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_official_document")),
        sa.UniqueConstraint("code", name=op.f("uq_official_document_code")),
        info={
            "updatable": [
                "state",
                "version",
                "pdf_sha256",
                "issued_by",
                "issued_on",
                "issued_at",
                "withdrawn_by",
                "withdrawn_at",
                "withdrawn_for",
            ]
        },
    )
    op.create_index(
        "ix_official_document_replaces", "official_document", ["replaces"], unique=False
    )
    op.create_index(
        "uq_official_document_number",
        "official_document",
        ["number"],
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn' OR issued_on IS NOT NULL"),
    )
    op.create_table(
        "official_document_case",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("functional_subject", sa.Text(), nullable=True),
        sa.Column("economic_subject", sa.Text(), nullable=True),
        sa.Column("quota_document", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'payment') <= (amount_fen IS NOT NULL)",
            name=op.f("ck_official_document_case_amount"),
        ),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["policy_case.id"],
            name=op.f("fk_official_document_case_case_id_policy_case"),
        ),
        sa.ForeignKeyConstraint(
            ["document_id"],
            ["official_document.id"],
            name=op.f("fk_official_document_case_document_id_official_document"),
        ),
        sa.PrimaryKeyConstraint("document_id", "position", name=op.f("pk_official_document_case")),
        info={"updatable": ["stands"]},
    )
    op.create_index(
        op.f("ix_official_document_case_case_id"),
        "official_document_case",
        ["case_id"],
        unique=False,
    )
    op.create_index(
        "uq_official_document_case_standing",
        "official_document_case",
        ["case_id", "kind"],
        unique=True,
        postgresql_where=sa.text("stands"),
    )


def downgrade() -> None:
    op.drop_table("official_document_case")
    op.drop_table("official_document")
    op.drop_table("case_archive")
    op.drop_table("kept_file")
