"""Who reads minutes: who was there, who directs the board, who audits it."""

from sqlalchemy import ColumnElement, and_, false, true

from services.kernel.actors import Actor, Role
from services.kernel.errors import Forbidden
from services.policy.meetings.models import Meeting
from services.policy.meetings.rules import MeetingState
from services.policy.tasks.rules import directs


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show auditors and the office all, departments the published ones that they attended."""
    if actor.has(Role.AUDITOR) or directs(actor):
        return true()
    if actor.department is None:
        return false()
    was_there = Meeting.attendees.contains([actor.department])
    return and_(was_there, Meeting.state != MeetingState.DRAFT)


def require_office(actor: Actor) -> None:
    if not directs(actor):
        raise Forbidden(
            "联席会议由市府办登记和办理。",
            "Meetings are kept by the government office.",
            code="office-only",
        )
