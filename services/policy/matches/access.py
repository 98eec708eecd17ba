"""Who sees where firms stand: a firm its own, officers all, as with entitlements."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, true

from services.kernel.actors import Actor, Guard, Role
from services.policy.evaluations.access import OFFICERS
from services.policy.matches.models import Match

MatchReader = Annotated[Actor, Depends(Guard(Role.FIRM, *OFFICERS))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show officers every firm, and a firm itself."""
    return true() if actor.has(*OFFICERS) else Match.uscc == (actor.uscc or "")
