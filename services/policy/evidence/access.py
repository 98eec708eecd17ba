"""Who adds files, who reads them, and who is told what applicants share."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, false, not_, or_

from services.kernel.actors import Actor, Guard, Role
from services.policy.cases.access import READERS, acts_for, applied_by, visible_to
from services.policy.cases.models import Case
from services.policy.contract.events import Party
from services.policy.evidence.models import Evidence

OFFICERS = (Role.REVIEWER, Role.APPROVER, Role.TREASURER, Role.AUDITOR)
FLAG_READERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR)

EvidenceKeeper = Annotated[
    Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION, Role.REVIEWER, Role.APPROVER))
]
# A link reads a file, although it is asked for by POST: whoever only reads may ask.
LinkAsker = Annotated[Actor, Depends(Guard(*READERS, reads=True))]
FlagReader = Annotated[Actor, Depends(Guard(*FLAG_READERS))]


def shown_to(actor: Actor) -> ColumnElement[bool]:
    """Show the files of cases that the actor may read; applicants never see internal papers."""
    in_office = not_(applied_by(actor)) if actor.has(*OFFICERS) else false()
    return and_(visible_to(actor), or_(Evidence.internal.is_(False), in_office))


def sees_flags(actor: Actor, case: Case) -> bool:
    """Tell flags to officers, and to none who applies for the party that they are about."""
    return actor.has(*FLAG_READERS) and not is_applicant(actor, case)


def is_applicant(actor: Actor, case: Case) -> bool:
    return acts_for(actor, Party(kind=case.applicant_kind, id=case.applicant_id))
