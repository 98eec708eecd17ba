"""Who sits on panels, and why whoever may look a case up elsewhere does not judge it."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, exists

from services.kernel.actors import Actor, Guard, Role
from services.kernel.errors import Forbidden
from services.policy.panels.models import Panel, PanelExpert

Expert = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.INSTITUTION))]


def seated(actor: Actor) -> ColumnElement[bool]:
    """Show an expert the panels that he was named to."""
    return exists().where(
        PanelExpert.panel_id == Panel.id, PanelExpert.subject == actor.subject
    )  # fmt: skip


def require_blind(*, knows_a_case: bool) -> None:
    """Refuse an expert who may look a case up elsewhere: his judgement would not be blind."""
    if knows_a_case:
        raise Forbidden(
            "您可查阅本评审组的办件，不能作为匿名评审专家评分。",
            "You may read a case of this panel elsewhere and so cannot judge it blind.",
            code="not-blind",
        )
