"""Who may see, write and approve budget lines."""

from typing import Annotated

from fastapi import Depends

from services.finance.budgets.models import Budget
from services.finance.budgets.rules import NEXT, BudgetState
from services.kernel.actors import Actor, Guard, Role

BudgetReader = Annotated[
    Actor, Depends(Guard(Role.TREASURER, Role.APPROVER, Role.REVIEWER, Role.AUDITOR))
]
Treasurer = Annotated[Actor, Depends(Guard(Role.TREASURER))]
Approver = Annotated[Actor, Depends(Guard(Role.APPROVER))]


def allowed_events(actor: Actor, budget: Budget) -> list[str]:
    """Name what this caller could do with the line now."""
    if not actor.has(Role.APPROVER) or budget.created_by == actor.subject:
        return []
    return sorted(NEXT[BudgetState(budget.state)])
