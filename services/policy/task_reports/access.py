"""Of which departments one is told."""

from services.kernel.actors import Actor
from services.kernel.errors import Forbidden
from services.policy.tasks.access import follows_all


def scope_of(actor: Actor) -> str | None:
    """Give the department whose part one is told; None is all of them."""
    if follows_all(actor):
        return None
    if actor.department is None:
        raise Forbidden(
            "任务月报按部门查看，您的账号不属于任何部门。",
            "The report is told by department, and you belong to none.",
            code="no-department",
        )
    return actor.department
