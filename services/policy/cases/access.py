"""Who sees which cases, and who may move them."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, exists, false, or_

from services.kernel.actors import Actor, Guard, Role
from services.policy.cases.models import Case, CaseHistory
from services.policy.cases.rules import AWARDED, FIRM, INSTITUTION, CaseState
from services.policy.contract.events import Party
from services.policy.evaluations.access import is_known_to
from services.policy.firms.queries import is_in_town
from services.policy.plan.actions.load_library import library

READERS = (
    Role.FIRM,
    Role.INSTITUTION,
    Role.REVIEWER,
    Role.APPROVER,
    Role.TREASURER,
    Role.AUDITOR,
)

CaseReader = Annotated[Actor, Depends(Guard(*READERS))]
Applicant = Annotated[Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION))]
CaseHandler = Annotated[
    Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION, Role.REVIEWER, Role.APPROVER))
]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show applicants their own, reviewers their desk's or town's, treasurers what was awarded.

    Cases of a confidential programme are there for their applicant and the programme's owners only.
    """
    is_known = is_known_to(actor, Case.programme)
    if actor.has(Role.APPROVER, Role.AUDITOR):
        return or_(applied_by(actor), is_known)
    seen: list[ColumnElement[bool]] = []
    if actor.has(Role.REVIEWER):
        seen.append(reviewed_by(actor))
    if actor.has(Role.TREASURER):
        # Of what was awarded and then revoked, money is still to be let go or recovered.
        reached = exists().where(CaseHistory.case_id == Case.id, CaseHistory.to_state.in_(AWARDED))
        held = or_(Case.state.in_(AWARDED), and_(Case.state == CaseState.REVOKED, reached))
        # Where no money is, a treasurer has nothing to do.
        seen.append(and_(held, Case.without_money.is_(False)))
    return or_(applied_by(actor), and_(is_known, or_(false(), *seen)))


def applied_by(actor: Actor) -> ColumnElement[bool]:
    """Show the cases of the parties that the actor applies for."""
    own = [
        and_(Case.applicant_kind == kind, Case.applicant_id == id_)
        for kind, id_ in _represents(actor).items()
    ]
    return or_(false(), *own)


def reviewed_by(actor: Actor) -> ColumnElement[bool]:
    """Show the cases that the actor's department leads or supports, or that are of his town."""
    own = Case.programme.in_(library().programmes_of(actor.department))
    if actor.town_code is None:
        return own
    town = is_in_town(Case.applicant_id, actor.town_code)
    of_town = and_(Case.applicant_kind == FIRM, town, is_known_to(actor, Case.programme))
    return or_(own, of_town)


def acts_for(actor: Actor, applicant: Party) -> bool:
    """Tell whether the actor applies for this party."""
    return _represents(actor).get(applicant.kind) == applicant.id


def _represents(actor: Actor) -> dict[str, str]:
    """Give the parties that the actor applies for, one of each kind."""
    parties: dict[str, str] = {}
    if actor.has(Role.FIRM) and actor.uscc is not None:
        parties[FIRM] = actor.uscc
    if actor.has(Role.INSTITUTION) and actor.institution is not None:
        parties[INSTITUTION] = actor.institution
    return parties
