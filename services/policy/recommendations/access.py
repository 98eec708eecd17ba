"""Who sees which recommendations, and who may begin and move them."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, false, or_, true

from services.kernel.actors import Actor, Guard, Role
from services.policy.firms.queries import is_in_town
from services.policy.plan.actions.load_library import library
from services.policy.recommendations.models import Recommendation
from services.policy.recommendations.rules import FIRM, INSTITUTION

READERS = (Role.FIRM, Role.INSTITUTION, Role.REVIEWER, Role.APPROVER, Role.AUDITOR)
OFFICERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR)

RecommendationReader = Annotated[Actor, Depends(Guard(*READERS))]
Beginner = Annotated[Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION, Role.REVIEWER))]
RecommendationHandler = Annotated[
    Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION, Role.REVIEWER, Role.APPROVER))
]
ResultImporter = Annotated[Actor, Depends(Guard(Role.REVIEWER))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show applicants their own, reviewers their desk's or town's, approvers and auditors all."""
    if actor.has(Role.APPROVER, Role.AUDITOR):
        return true()
    return or_(_own(actor), reviewed_by(actor))


def reviewed_by(actor: Actor) -> ColumnElement[bool]:
    """Show what the reviewer's department leads or supports, or what is of his town."""
    if not actor.has(Role.REVIEWER):
        return false()
    desk = Recommendation.programme.in_(library().programmes_of(actor.department))
    if actor.town_code is None:
        return desk
    town = is_in_town(Recommendation.applicant_id, actor.town_code)
    return or_(desk, and_(Recommendation.applicant_kind == FIRM, town))


def _own(actor: Actor) -> ColumnElement[bool]:
    own: list[ColumnElement[bool]] = []
    for role, kind, id_ in (
        (Role.FIRM, FIRM, actor.uscc),
        (Role.INSTITUTION, INSTITUTION, actor.institution),
    ):
        if actor.has(role) and id_ is not None:
            own.append(
                and_(Recommendation.applicant_kind == kind, Recommendation.applicant_id == id_)
            )
    return or_(false(), *own)
