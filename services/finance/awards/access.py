"""Who may see awards and ask money back."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, false, or_, true

from services.finance.awards.models import Award
from services.finance.parties import FIRM
from services.kernel.actors import Actor, Guard, Role

READ_ALL = (Role.TREASURER, Role.AUDITOR, Role.REVIEWER)

AwardReader = Annotated[Actor, Depends(Guard(*READ_ALL, Role.FIRM, Role.INSTITUTION))]
Treasurer = Annotated[Actor, Depends(Guard(Role.TREASURER))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show all to those who handle them, a firm its own, an institution what it is paid."""
    if actor.has(*READ_ALL):
        return true()
    seen: list[ColumnElement[bool]] = [false()]
    if actor.has(Role.FIRM) and actor.uscc is not None:
        seen.append(and_(Award.beneficiary_kind == FIRM, Award.beneficiary_id == actor.uscc))
        seen.append(and_(Award.payee_kind == FIRM, Award.payee_id == actor.uscc))
    if actor.has(Role.INSTITUTION) and actor.institution is not None:
        seen.append(and_(Award.payee_kind != FIRM, Award.payee_id == actor.institution))
    return or_(*seen)
