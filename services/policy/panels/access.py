"""Who convenes, confirms, runs and audits panels; those who sit on them are another noun."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement

from services.kernel.actors import Actor, Guard, Role
from services.kernel.errors import Forbidden
from services.policy.cases.rules import require_no_stake
from services.policy.contract.events import Party
from services.policy.evaluations.access import is_known_to
from services.policy.panels.models import Panel
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme

PanelReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]
Convener = Annotated[Actor, Depends(Guard(Role.REVIEWER))]
PanelMover = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show panels to approvers and auditors, and to reviewers those of their department's cases."""
    if actor.has(Role.APPROVER, Role.AUDITOR):
        return is_known_to(actor, Panel.programme)
    return Panel.programme.in_(library().programmes_of(actor.department))


def require_lead(actor: Actor, programme: PlanProgramme) -> None:
    """Let only the department that leads a programme convene and run its panels."""
    if actor.department is None or actor.department != programme.lead_code:
        raise Forbidden(
            "专家评审由项目的牵头部门组织。",
            "A panel is run by the department that leads the programme.",
            code="not-your-department",
        )


def require_no_ties(actor: Actor, applicants: Iterable[Party]) -> None:
    """Refuse whoever is bound to an applicant before the panel, whichever of its cases it is."""
    for applicant in applicants:
        require_no_stake(actor, applicant)
