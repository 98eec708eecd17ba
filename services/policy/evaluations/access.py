from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

from services.kernel.actors import Actor, Guard, Role
from services.policy.firms.queries import firm_not_found
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme

OFFICERS = (
    Role.REGISTRAR,
    Role.REVIEWER,
    Role.APPROVER,
    Role.TREASURER,
    Role.AUDITOR,
    Role.ADMIN,
)

Evaluator = Annotated[Actor, Depends(Guard(public=True, reads=True))]
EntitlementReader = Annotated[Actor, Depends(Guard(Role.FIRM, *OFFICERS))]


def may_see(actor: Actor, programme: PlanProgramme) -> bool:
    """Tell whether a programme is shown: a confidential one to the firm itself and its owners."""
    return actor.has(Role.FIRM) or owns(actor, programme)


def owns(actor: Actor, programme: PlanProgramme) -> bool:
    """Tell whether the actor's office may know whom a programme is for; most are no secret."""
    is_secret = programme.compiled.programme.confidential
    return not is_secret or actor.department in programme.department_codes


def is_confidential(programme_id: str) -> bool:
    """Tell whether nothing that is announced may say whom a programme is for."""
    programme = library().programmes.get(programme_id)
    return programme is not None and programme.compiled.programme.confidential


def is_known_to(actor: Actor, programme: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Hide what belongs to a confidential programme from all offices but those that own it."""
    hidden = [each.id for each in library().programmes.values() if not owns(actor, each)]
    return programme.not_in(hidden)


def may_see_aid(actor: Actor) -> bool:
    """Tell whether other levels' aid is named: to the firm itself and who reads the ledger."""
    return actor.has(Role.FIRM, Role.REVIEWER, Role.APPROVER, Role.TREASURER, Role.AUDITOR)


def require_own_firm(actor: Actor, uscc: str) -> None:
    """Show a firm its own; of others it does not even learn that they exist."""
    if not actor.has(*OFFICERS) and actor.uscc != uscc:
        raise firm_not_found()
