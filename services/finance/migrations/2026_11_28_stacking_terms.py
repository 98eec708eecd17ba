"""Awards keep their ceilings and one-clause rules; aid keeps its year and its ceilings.

Revision: 7d20b4c8e1a5
Follows: 15e00746411f
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "7d20b4c8e1a5"
down_revision = "15e00746411f"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("ceilings", "one_clause"):
        op.add_column("award", _list(name))
    op.add_column("award", sa.Column("stacking_clause", postgresql.JSONB(), nullable=True))
    op.add_column("award", sa.Column("stacking_version", sa.Text(), nullable=True))
    op.add_column("aid", _list("limits"))
    op.add_column("aid", sa.Column("year", sa.BigInteger(), nullable=True))
    # Our own aid is of the year whose budget bears it, other aid of the year it was paid in.
    op.execute(
        """
        UPDATE aid SET year = coalesce(
            (SELECT budget_year FROM award WHERE award.id = aid.award_id),
            extract(YEAR FROM paid_on)::bigint
        )
        """
    )
    op.alter_column("aid", "year", nullable=False)
    op.create_index(
        "ix_aid_year_ceiling",
        "aid",
        ["beneficiary_id"],
        unique=False,
        postgresql_where=sa.text('limits @> \'[{"of": "beneficiary-year"}]\'::jsonb'),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_aid_year_ceiling",
        table_name="aid",
        postgresql_where=sa.text('limits @> \'[{"of": "beneficiary-year"}]\'::jsonb'),
    )
    for name in ("year", "limits"):
        op.drop_column("aid", name)
    for name in ("stacking_version", "stacking_clause", "one_clause", "ceilings"):
        op.drop_column("award", name)


def _list(name: str) -> sa.Column[list[object]]:
    return sa.Column(name, postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False)
