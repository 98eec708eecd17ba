"""Who sees which tasks, and how much of them."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, false, or_, true

from services.kernel.actors import Actor, Guard, Role
from services.policy.tasks.models import Task
from services.policy.tasks.rules import STAFF, Origin, directs, parts_of

BoardReader = Annotated[Actor, Depends(Guard(*STAFF, Role.AUDITOR))]
BoardWriter = Annotated[Actor, Depends(Guard(*STAFF))]


def works_on(actor: Actor) -> ColumnElement[bool]:
    """Show what the actor's department leads or supports."""
    if actor.department is None or not actor.has(*STAFF):
        return false()
    return or_(Task.lead == actor.department, Task.support.contains([actor.department]))


def followed_by(actor: Actor) -> ColumnElement[bool]:
    """Show the work itself: one's own department's; auditors and the directing office all."""
    return true() if follows_all(actor) else works_on(actor)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show everyone what the plan says, and the work to those who follow it."""
    of_the_plan = and_(Task.origin == Origin.PLAN, Task.series.is_(None), Task.in_plan)
    return or_(of_the_plan, followed_by(actor))


def follows(actor: Actor, task: Task) -> bool:
    """Tell whether the actor sees the work on a task, or only what the plan says of it."""
    return follows_all(actor) or bool(parts_of(actor, task.lead, task.support))


def follows_all(actor: Actor) -> bool:
    return actor.has(Role.AUDITOR) or directs(actor)
