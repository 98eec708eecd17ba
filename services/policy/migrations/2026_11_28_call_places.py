"""What cases hold of a call; letters of recommendation; documents in other formats.

Revision: 7d1b5e93c0a6
Follows: 7a3e9c15d2f4
"""

import sqlalchemy as sa
from alembic import op

revision = "7d1b5e93c0a6"
down_revision = "7a3e9c15d2f4"
branch_labels = None
depends_on = None

DECISIONS = ("decision-approval", "decision-refusal", "decision-revocation", "payment")
LETTER = "recommendation-letter"


def upgrade() -> None:
    op.add_column("call", sa.Column("changed_by", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_call_four_eyes_changed"), "call", "published_by <> changed_by"
    )
    op.add_column("policy_case", sa.Column("asked_amount_fen", sa.BigInteger(), nullable=True))
    op.add_column(
        "call_rank", sa.Column("held", sa.Boolean(), server_default="false", nullable=False)
    )
    op.create_check_constraint(op.f("ck_call_rank_held"), "call_rank", "NOT held OR within IS TRUE")
    _allow(*DECISIONS, LETTER)
    op.create_table(
        "official_document_letter",
        sa.Column("document_id", sa.Uuid(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["official_document.id"],
            name=op.f("fk_official_document_letter_document_id_official_document"),
        ),
        sa.ForeignKeyConstraint(
            ["recommendation_id"], ["recommendation.id"],
            name=op.f("fk_official_document_letter_recommendation_id_recommendation"),
        ),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_official_document_letter")),
        info={"updatable": ["stands"]},
    )  # fmt: skip
    op.create_index(
        "uq_official_document_letter_standing", "official_document_letter", ["recommendation_id"],
        unique=True, postgresql_where=sa.text("stands"),
    )  # fmt: skip
    op.create_table(
        "converted_file",
        sa.Column("source_sha256", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("converted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_sha256"], ["kept_file.sha256"],
            name=op.f("fk_converted_file_source_sha256_kept_file"),
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["kept_file.sha256"], name=op.f("fk_converted_file_sha256_kept_file")
        ),
        sa.PrimaryKeyConstraint("source_sha256", "media_type", name=op.f("pk_converted_file")),
        info={"append_only": True},
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("converted_file")
    op.drop_table("official_document_letter")
    _allow(*DECISIONS)
    op.drop_constraint(op.f("ck_call_rank_held"), "call_rank", type_="check")
    op.drop_column("call_rank", "held")
    op.drop_column("policy_case", "asked_amount_fen")
    op.drop_constraint(op.f("ck_call_four_eyes_changed"), "call", type_="check")
    op.drop_column("call", "changed_by")


def _allow(*kinds: str) -> None:
    listed = ", ".join(f"'{each}'" for each in kinds)
    name = op.f("ck_official_document_kind")
    op.drop_constraint(name, "official_document", type_="check")
    op.create_check_constraint(name, "official_document", f"kind IN ({listed})")
