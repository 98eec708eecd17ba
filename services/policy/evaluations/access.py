from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role
from services.policy.firms.queries import firm_not_found

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


def require_own_firm(actor: Actor, uscc: str) -> None:
    """Show a firm its own; of others it does not even learn that they exist."""
    if not actor.has(*OFFICERS) and actor.uscc != uscc:
        raise firm_not_found()
