"""Who begins and approves batches of offers, and who reads what came of them."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, true

from services.kernel.actors import Actor, Guard, Role
from services.policy.offers.models import OfferBatch
from services.policy.plan.actions.load_library import library

BatchStarter = Annotated[Actor, Depends(Guard(Role.REVIEWER))]
BatchMover = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
BatchReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show reviewers the batches of programmes that their department leads or supports."""
    if actor.has(Role.APPROVER, Role.AUDITOR):
        return true()
    return OfferBatch.programme.in_(library().programmes_of(actor.department))
