"""Who objects to facts, who answers, and who reads what was said."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, or_

from services.kernel.actors import Actor, Guard, Role
from services.policy.cases.access import applied_by, reviewed_by
from services.policy.cases.access import visible_to as cases_visible_to
from services.policy.fact_objections.models import FactObjection

FactObjectionReader = Annotated[
    Actor,
    Depends(
        Guard(
            Role.FIRM,
            Role.INSTITUTION,
            Role.REGISTRAR,
            Role.REVIEWER,
            Role.APPROVER,
            Role.AUDITOR,
        )
    ),
]
FactObjectionMover = Annotated[Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION, Role.REGISTRAR))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show applicants their own, registrars their department's, reviewers their desk's or town's.

    The statement that it filters has joined the case.
    """
    if actor.has(Role.APPROVER, Role.AUDITOR):
        return cases_visible_to(actor)
    seen: list[ColumnElement[bool]] = [applied_by(actor)]
    if actor.has(Role.REGISTRAR):
        seen.append(FactObjection.department == (actor.department or ""))
    if actor.has(Role.REVIEWER):
        seen.append(reviewed_by(actor))
    return or_(*seen)
