"""Let a notice list many cases, frozen as published, and take objections.

Revision: 9d41c7e08b52
Follows: c6246f2ac747
"""

import hashlib
import json
import uuid
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "9d41c7e08b52"
down_revision = "c6246f2ac747"
branch_labels = None
depends_on = None

ITEM_INDEX = "result IS NULL AND state <> 'removed'"
OLD = """
SELECT n.*, c.programme, c.plan, c.measure, c.applicant_kind, c.applicant_id, c.applicant_name,
       c.state AS case_state, c.attempt AS case_attempt, c.changed_at
FROM notice n JOIN policy_case c ON c.id = n.case_id
"""
RESULTS = {
    "decided": "approved", "awarded": "approved", "closed": "approved", "refused": "refused",
    "withdrawn": "withdrawn", "revoked": "revoked",
}  # fmt: skip


def upgrade() -> None:
    connection = op.get_bind()
    old = [dict(row) for row in connection.execute(sa.text(OLD)).mappings()]
    op.execute("DROP TRIGGER IF EXISTS append_only ON notice")
    for name in ("programme", "plan"):
        op.add_column("notice", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("notice", sa.Column("measure", sa.BigInteger(), nullable=True))
    op.add_column("notice", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE notice SET programme = c.programme, plan = c.plan, measure = c.measure,"
        " published_at = notice.published_on::timestamp AT TIME ZONE 'Asia/Shanghai'"
        " FROM policy_case c WHERE c.id = notice.case_id"
    )
    for name in ("programme", "plan", "published_at"):
        op.alter_column("notice", name, nullable=False)
    op.drop_constraint(op.f("uq_notice_case_id_attempt"), "notice")
    op.drop_constraint(op.f("fk_notice_case_id_policy_case"), "notice")
    for name in ("case_id", "attempt", "amount_fen", "ends_at", "ended_at"):
        op.drop_column("notice", name)
    op.create_index("ix_notice_programme", "notice", ["programme", "id"])
    _create_tables()
    for row in old:
        _keep(connection, row)


def _create_tables() -> None:
    op.create_table(
        "notice_edition",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reason IN ('published', 'item-removed', 'item-resumed')",
            name=op.f("ck_notice_edition_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_edition_notice_id_notice")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_edition")),
        sa.UniqueConstraint("notice_id", "number", name=op.f("uq_notice_edition_notice_id_number")),
        info={"append_only": True},
    )
    op.create_table(
        "notice_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("days_left", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("result_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('listed', 'suspended', 'removed')", name=op.f("ck_notice_item_state")
        ),
        sa.CheckConstraint(
            "result IN ('approved', 'refused', 'withdrawn', 'revoked')",
            name=op.f("ck_notice_item_result"),
        ),
        sa.CheckConstraint(
            "(result IS NULL) = (result_at IS NULL)", name=op.f("ck_notice_item_result_at")
        ),
        sa.CheckConstraint(
            "(state = 'suspended') = (days_left IS NOT NULL)", name=op.f("ck_notice_item_days_left")
        ),
        sa.CheckConstraint(
            "state = 'listed' OR result IS DISTINCT FROM 'approved'",
            name=op.f("ck_notice_item_approved"),
        ),
        sa.ForeignKeyConstraint(
            ["notice_id"], ["notice.id"], name=op.f("fk_notice_item_notice_id_notice")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["policy_case.id"], name=op.f("fk_notice_item_case_id_policy_case")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_item")),
        sa.UniqueConstraint("case_id", "attempt", name=op.f("uq_notice_item_case_id_attempt")),
        sa.UniqueConstraint("notice_id", "number", name=op.f("uq_notice_item_notice_id_number")),
        info={
            "updatable": [
                "state", "first_day", "last_day", "ends_at", "provisional", "days_left",
                "ended_at", "result", "result_at",
            ]
        },
    )  # fmt: skip
    op.create_index(
        "ix_notice_item_open", "notice_item", ["notice_id"], postgresql_where=sa.text(ITEM_INDEX)
    )
    op.create_table(
        "objection",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_by", sa.Text(), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("sealed_reply", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('received', 'recorded', 'late', 'upheld', 'dismissed')",
            name=op.f("ck_objection_state"),
        ),
        sa.CheckConstraint(
            "(handled_by IS NULL) = (handled_at IS NULL)", name=op.f("ck_objection_handled")
        ),
        sa.CheckConstraint(
            "(state IN ('upheld', 'dismissed')) = (handled_by IS NOT NULL)",
            name=op.f("ck_objection_handled_state"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["notice_item.id"], name=op.f("fk_objection_item_id_notice_item")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objection")),
        sa.UniqueConstraint(
            "item_id", "fingerprint", name=op.f("uq_objection_item_id_fingerprint")
        ),
        sa.UniqueConstraint("receipt", name=op.f("uq_objection_receipt")),
        info={
            "updatable": [
                "state", "version", "handled_by", "handled_at", "outcome", "sealed_reply",
            ]
        },
    )  # fmt: skip


def _keep(connection: sa.Connection, row: dict[str, Any]) -> None:
    """Make the one item of an earlier notice, under its id, so that its timer finds it."""
    result = None
    if row["attempt"] == row["case_attempt"]:
        result = RESULTS.get(row["case_state"])
    connection.execute(
        sa.text(
            "INSERT INTO notice_item (id, notice_id, number, case_id, attempt, amount_fen, state,"
            " first_day, last_day, ends_at, provisional, ended_at, result, result_at)"
            " VALUES (:id, :id, 1, :case_id, :attempt, :amount_fen, 'listed', :first_day,"
            " :last_day, :ends_at, :provisional, :ended_at, :result, :result_at)"
        ),
        {**row, "result": result, "result_at": row["changed_at"] if result else None},
    )
    days = {"from": row["first_day"].isoformat(), "to": row["last_day"].isoformat()}
    item = {
        "number": 1, "case": str(row["case_id"]),
        "applicant": {"kind": row["applicant_kind"], "id": row["applicant_id"]},
        "applicant_name": row["applicant_name"], "amount_fen": row["amount_fen"], **days,
    }  # fmt: skip
    document = {
        "notice": str(row["id"]), "programme": row["programme"], "title": row["programme"],
        "clause": None, "department": None, "published_on": row["published_on"].isoformat(),
        "days": row["days"], "provisional": row["provisional"], **days, "items": [item],
    }  # fmt: skip
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    connection.execute(
        sa.text(
            "INSERT INTO notice_edition (id, notice_id, number, reason, text, sha256, published_at)"
            " SELECT :edition, id, 1, 'published', :text, :sha256, published_at"
            " FROM notice WHERE id = :id"
        ),
        {
            "edition": uuid.uuid4(), "text": text, "id": row["id"],
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
        },
    )  # fmt: skip


def downgrade() -> None:
    op.execute("DROP TRIGGER IF EXISTS append_only ON notice")
    op.drop_index("ix_notice_programme", table_name="notice")
    for name, kind in (
        ("case_id", sa.Uuid()), ("attempt", sa.BigInteger()), ("amount_fen", sa.BigInteger()),
        ("ends_at", sa.DateTime(timezone=True)), ("ended_at", sa.DateTime(timezone=True)),
    ):  # fmt: skip
        op.add_column("notice", sa.Column(name, kind, nullable=True))
    # An earlier schema knows one case for a notice: the first of its list.
    op.execute(
        "UPDATE notice SET case_id = i.case_id, attempt = i.attempt, amount_fen = i.amount_fen,"
        " ends_at = i.ends_at, ended_at = i.ended_at FROM notice_item i"
        " WHERE i.notice_id = notice.id AND i.number = 1"
    )
    for name in ("case_id", "attempt", "amount_fen", "ends_at"):
        op.alter_column("notice", name, nullable=False)
    op.create_foreign_key(
        op.f("fk_notice_case_id_policy_case"), "notice", "policy_case", ["case_id"], ["id"]
    )
    op.create_unique_constraint(op.f("uq_notice_case_id_attempt"), "notice", ["case_id", "attempt"])
    op.drop_table("objection")
    op.drop_table("notice_item")
    op.drop_table("notice_edition")
    for name in ("programme", "plan", "measure", "published_at"):
        op.drop_column("notice", name)
