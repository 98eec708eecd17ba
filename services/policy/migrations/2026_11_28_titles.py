"""Let cases give titles without money, and recommend to upper levels.

Revision: 4f1a9c62d7e3
Follows: 8d2e6b41c7f0
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "4f1a9c62d7e3"
down_revision = "da09967d457f"
branch_labels = None
depends_on = None

DECIDED = (
    "state NOT IN ('decided', 'awarded', 'closed')"
    " OR (decided_by IS NOT NULL AND (without_money OR reservation_state = 'reserved'))"
)
DECIDED_BEFORE = (
    "state NOT IN ('decided', 'awarded', 'closed')"
    " OR (decided_by IS NOT NULL AND reservation_state = 'reserved')"
)


def upgrade() -> None:
    op.add_column(
        "policy_case",
        sa.Column("without_money", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    for name in ("title", "reassesses"):
        op.add_column("policy_case", sa.Column(name, postgresql.JSONB(none_as_null=True)))
    op.drop_constraint(op.f("ck_policy_case_decided"), "policy_case", type_="check")
    op.create_check_constraint(op.f("ck_policy_case_decided"), "policy_case", DECIDED)
    op.create_check_constraint(
        op.f("ck_policy_case_without_money"), "policy_case",
        "NOT without_money OR (reservation_state = 'none' AND state <> 'awarded')",
    )  # fmt: skip
    _create_recommendations()


def _create_recommendations() -> None:
    op.create_table(
        "recommendation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("measure", sa.BigInteger(), nullable=True),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("recognition", sa.Text(), nullable=True),
        sa.Column("applicant_kind", sa.Text(), nullable=False),
        sa.Column("applicant_id", sa.Text(), nullable=False),
        sa.Column("applicant_name", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("assessment", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("upper_system", sa.Text(), nullable=True),
        sa.Column("upper_number", sa.Text(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("reviewed_by", sa.Text(), nullable=True),
        sa.Column("reviewed_on", sa.Date(), nullable=True),
        sa.Column("finding", sa.Text(), nullable=True),
        sa.Column("letter_number", sa.Text(), nullable=True),
        sa.Column("letter_on", sa.Date(), nullable=True),
        sa.Column("letter_file", sa.Text(), nullable=True),
        sa.Column("letter_sha256", sa.Text(), nullable=True),
        sa.Column("letter_by", sa.Text(), nullable=True),
        sa.Column("upper_notice", sa.Text(), nullable=True),
        sa.Column("upper_notice_on", sa.Date(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("result_document", sa.Text(), nullable=True),
        sa.Column("result_issuer", sa.Text(), nullable=True),
        sa.Column("result_on", sa.Date(), nullable=True),
        sa.Column("result_by", sa.Text(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("title_state", sa.Text(), nullable=True),
        sa.Column("title_record", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state IN ('granted', 'not-granted')) = (result IS NOT NULL) AND (result IS NULL OR state = result) AND (result IS NULL) = (result_document IS NULL) AND (result IS NULL) = (result_on IS NULL)",
            name=op.f("ck_recommendation_document"),
        ),
        sa.CheckConstraint(
            "level IN ('national', 'provincial', 'ningbo')", name=op.f("ck_recommendation_level")
        ),
        sa.CheckConstraint(
            "origin IN ('applicant', 'guidance')", name=op.f("ck_recommendation_origin")
        ),
        sa.CheckConstraint(
            "result IN ('granted', 'not-granted')", name=op.f("ck_recommendation_result")
        ),
        sa.CheckConstraint(
            "state IN ('guided', 'filed', 'passed', 'failed', 'recommended', 'in-upper-notice', 'granted', 'not-granted', 'withdrawn')",
            name=op.f("ck_recommendation_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('recommended', 'in-upper-notice', 'granted', 'not-granted') OR (letter_number IS NOT NULL AND letter_on IS NOT NULL AND letter_by IS NOT NULL AND reviewed_by IS NOT NULL)",
            name=op.f("ck_recommendation_letter"),
        ),
        sa.CheckConstraint(
            "(upper_system IS NULL) = (upper_number IS NULL) AND (upper_number IS NULL) = (filed_on IS NULL)",
            name=op.f("ck_recommendation_filing"),
        ),
        sa.CheckConstraint("reviewed_by <> letter_by", name=op.f("ck_recommendation_four_eyes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation")),
        info={
            "updatable": [
                "state",
                "version",
                "assessment",
                "rule_version",
                "upper_system",
                "upper_number",
                "filed_on",
                "reviewed_by",
                "reviewed_on",
                "finding",
                "letter_number",
                "letter_on",
                "letter_file",
                "letter_sha256",
                "letter_by",
                "upper_notice",
                "upper_notice_on",
                "result",
                "result_document",
                "result_issuer",
                "result_on",
                "result_by",
                "grade",
                "valid_from",
                "valid_to",
                "title_state",
                "title_record",
                "changed_at",
            ]
        },
    )
    op.create_index(
        "ix_recommendation_applicant", "recommendation", ["applicant_id", "id"], unique=False
    )
    op.create_index(
        "ix_recommendation_programme", "recommendation", ["programme", "id"], unique=False
    )
    op.create_index("ix_recommendation_state", "recommendation", ["state", "id"], unique=False)
    op.create_index(
        "uq_recommendation_open",
        "recommendation",
        ["programme", "applicant_kind", "applicant_id", "year"],
        unique=True,
        postgresql_where=sa.text(
            "state IN ('guided', 'filed', 'passed', 'recommended', 'in-upper-notice')"
        ),
    )
    op.create_index(
        "uq_recommendation_upper_number",
        "recommendation",
        ["upper_system", "upper_number"],
        unique=True,
        postgresql_where=sa.text("state <> 'withdrawn'"),
    )
    op.create_table(
        "recommendation_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendation.id"],
            name=op.f("fk_recommendation_event_recommendation_id_recommendation"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation_event")),
        sa.UniqueConstraint(
            "recommendation_id",
            "number",
            name=op.f("uq_recommendation_event_recommendation_id_number"),
        ),
        info={"append_only": True},
    )


def downgrade() -> None:
    op.drop_table("recommendation_event")
    op.drop_table("recommendation")
    # What was decided without money cannot be said in the older words.
    op.drop_constraint(op.f("ck_policy_case_without_money"), "policy_case", type_="check")
    op.drop_constraint(op.f("ck_policy_case_decided"), "policy_case", type_="check")
    op.create_check_constraint(op.f("ck_policy_case_decided"), "policy_case", DECIDED_BEFORE)
    for name in ("reassesses", "title", "without_money"):
        op.drop_column("policy_case", name)
