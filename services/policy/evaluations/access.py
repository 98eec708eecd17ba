from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role
from services.policy.firms.queries import firm_not_found
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
    if not programme.compiled.programme.confidential or actor.has(Role.FIRM):
        return True
    return actor.department in programme.department_codes


def may_see_aid(actor: Actor) -> bool:
    """Tell whether other levels' aid is named: to the firm itself and who reads the ledger."""
    return actor.has(Role.FIRM, Role.REVIEWER, Role.APPROVER, Role.TREASURER, Role.AUDITOR)


def require_own_firm(actor: Actor, uscc: str) -> None:
    """Show a firm its own; of others it does not even learn that they exist."""
    if not actor.has(*OFFICERS) and actor.uscc != uscc:
        raise firm_not_found()
