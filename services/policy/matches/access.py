"""Who sees where firms stand: a firm its own, officers all, as with entitlements."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, true

from services.kernel.actors import Actor, Guard, Role
from services.policy.evaluations.access import OFFICERS, may_see
from services.policy.matches.models import Match
from services.policy.plan.actions.load_library import library

MatchReader = Annotated[Actor, Depends(Guard(Role.FIRM, *OFFICERS))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show officers every firm, and a firm itself; what is confidential, to it and its owners."""
    own = true() if actor.has(*OFFICERS) else Match.uscc == (actor.uscc or "")
    hidden = [p.id for p in library().programmes.values() if not may_see(actor, p)]
    return and_(own, Match.programme.not_in(hidden))
