"""Who sees which checks: desks and inspectors all, applicants only what is concluded."""

from sqlalchemy import ColumnElement, and_, or_

from services.kernel.actors import Actor
from services.policy.aftermath.access import OFFICERS
from services.policy.cases.access import applied_by, visible_to
from services.policy.checks.models import CaseCheck
from services.policy.checks.rules import OPEN


def shown_to(actor: Actor) -> ColumnElement[bool]:
    """Warn nobody of a check that is to come."""
    concluded = and_(applied_by(actor), CaseCheck.state.not_in(OPEN))
    if not actor.has(*OFFICERS):
        return concluded
    in_office = and_(visible_to(actor), ~applied_by(actor))
    inspects = CaseCheck.inspectors.contains([actor.subject])
    return or_(concluded, in_office, inspects)
