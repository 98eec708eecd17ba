"""Who may see and declare aid."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, false, or_, true

from services.finance.aid.models import Aid
from services.finance.aid.rules import NEXT, AidState, own_level
from services.finance.parties import FIRM
from services.kernel.actors import Actor, Guard, Role

READ_ALL = (Role.TREASURER, Role.AUDITOR, Role.REVIEWER)

AidReader = Annotated[Actor, Depends(Guard(*READ_ALL, Role.REGISTRAR, Role.FIRM))]
AidDeclarer = Annotated[Actor, Depends(Guard(Role.TREASURER, Role.REGISTRAR))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show all to finance, review and audit; to a firm its own, to a registrar what it declared."""
    if actor.has(*READ_ALL):
        return true()
    seen: list[ColumnElement[bool]] = [false()]
    if actor.has(Role.FIRM) and actor.uscc is not None:
        seen.append(and_(Aid.beneficiary_kind == FIRM, Aid.beneficiary_id == actor.uscc))
    if actor.has(Role.REGISTRAR):
        seen.append(Aid.declared_by == actor.subject)
        if actor.department is not None:
            seen.append(and_(Aid.award_id.is_(None), Aid.department == actor.department))
    return or_(*seen)


def allowed_events(actor: Actor, aid: Aid) -> list[str]:
    """Name what this caller could do with the aid now."""
    if not actor.has(Role.TREASURER, Role.REGISTRAR):
        return []
    if not actor.has(Role.TREASURER) and aid.level != own_level(actor.town_code):
        return []
    return sorted(NEXT.get(AidState(aid.state), {}))
