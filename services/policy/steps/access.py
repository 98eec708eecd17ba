"""Who ends a step: a reviewer of the very desk that has it."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role
from services.policy.steps.models import CaseStep

StepMover = Annotated[Actor, Depends(Guard(Role.REVIEWER))]


def has_desk(actor: Actor, step: CaseStep) -> bool:
    """Tell whether a step is of the actor's own department, or of his own town."""
    if not actor.has(Role.REVIEWER):
        return False
    if step.department is not None:
        return actor.department == step.department
    return step.town_code is not None and actor.town_code == step.town_code
