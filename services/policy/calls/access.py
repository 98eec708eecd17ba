"""Who reads calls, who writes them, and who publishes what another wrote."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, exists, or_

from services.kernel.actors import Actor, Guard, Role
from services.kernel.errors import Forbidden
from services.policy.calls.models import Call
from services.policy.cases.access import applied_by
from services.policy.cases.models import Case
from services.policy.evaluations.access import is_known_to
from services.policy.plan.actions.load_library import library

READERS = (
    Role.FIRM,
    Role.REVIEWER,
    Role.APPROVER,
    Role.TREASURER,
    Role.AUDITOR,
    Role.BANK,
    Role.INSTITUTION,
    Role.STEWARD,
    Role.ADMIN,
)

ANYONE = Guard(*READERS, public=True, reads=True)
READ_SCOPE = "policy:read"


async def _reader(actor: Annotated[Actor, Depends(ANYONE)]) -> Actor:
    """Let everybody in without a token, and with one only who may read calls."""
    if actor.is_public or (actor.has(*READERS) and READ_SCOPE in actor.scopes):
        return actor
    raise Forbidden(
        "此令牌的角色或权限范围不能查阅申报批次。",
        "The token's role or scope does not read calls.",
        code="role-required",
    )


CallReader = Annotated[Actor, Depends(_reader)]
CallWriter = Annotated[Actor, Depends(Guard(Role.REVIEWER))]
CallMover = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
DraftReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show everybody what was published; drafts to who publishes, audits, or wrote them.

    A call of a confidential programme is there for the programme's owners and who applied under it.
    """
    applied = exists().where(Case.call_id == Call.id, applied_by(actor))
    is_known = is_known_to(actor, Call.programme)
    if actor.has(Role.AUDITOR, Role.APPROVER):
        return or_(is_known, applied)
    published = Call.published_at.is_not(None)
    if actor.has(Role.REVIEWER):
        own = Call.programme.in_(library().programmes_of(actor.department))
        published = or_(published, own)
    return or_(and_(published, is_known), applied)
