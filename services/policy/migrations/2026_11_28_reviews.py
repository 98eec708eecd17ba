"""Let objections have a clock; let no reviewer of a case decide or revoke it, whatever asks.

Revision: 7a3e9c15d2f4
Follows: 6b2d8f41a9c3
"""

from alembic import op

revision = "7a3e9c15d2f4"
down_revision = "6b2d8f41a9c3"
branch_labels = None
depends_on = None

NAME = "ck_case_clock_kind"
BEFORE = ("accept", "completion", "review", "step", "notice", "decide")
FOUR_EYES = """
CREATE FUNCTION refuse_own_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM case_event
        WHERE case_id = NEW.case_id AND role = 'reviewer' AND actor = NEW.actor
    ) THEN
        RAISE EXCEPTION 'a reviewer of a case does not decide it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_case_event_four_eyes',
                  TABLE = 'case_event';
    END IF;
    RETURN NEW;
END $$
"""
TRIGGER = """
CREATE TRIGGER four_eyes BEFORE INSERT ON case_event FOR EACH ROW
WHEN (NEW.role = 'approver' AND NEW.event IN ('decide', 'revoke'))
EXECUTE FUNCTION refuse_own_review()
"""


def upgrade() -> None:
    _allow(*BEFORE[:-1], "objection", BEFORE[-1])
    op.execute(FOUR_EYES)
    op.execute(TRIGGER)


def downgrade() -> None:
    op.execute("DROP TRIGGER four_eyes ON case_event")
    op.execute("DROP FUNCTION refuse_own_review()")
    op.execute("DELETE FROM case_clock WHERE kind = 'objection'")
    _allow(*BEFORE)


def _allow(*kinds: str) -> None:
    listed = ", ".join(f"'{each}'" for each in kinds)
    op.drop_constraint(op.f(NAME), "case_clock", type_="check")
    op.create_check_constraint(op.f(NAME), "case_clock", f"kind IN ({listed})")
