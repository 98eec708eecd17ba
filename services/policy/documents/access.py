"""Who drafts, issues and sees official documents."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, and_, exists, or_

from services.kernel.actors import Actor, Guard, Role
from services.policy.cases.access import visible_to as cases_visible_to
from services.policy.cases.models import Case
from services.policy.documents.models import Document, DocumentCase, DocumentLetter
from services.policy.documents.rules import DocumentKind
from services.policy.recommendations.access import visible_to as recommendations_visible_to
from services.policy.recommendations.models import Recommendation

DocumentReader = Annotated[
    Actor,
    Depends(
        Guard(
            Role.FIRM, Role.INSTITUTION, Role.REVIEWER, Role.APPROVER, Role.TREASURER, Role.AUDITOR
        )
    ),
]
Drafter = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
Issuer = Annotated[Actor, Depends(Guard(Role.APPROVER))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Show decisions and letters to whom their ground is shown, payments to officers.

    Drafts are for those who draft.
    """
    about = (DocumentCase.document_id == Document.id, DocumentCase.case_id == Case.id)
    if actor.has(Role.APPROVER, Role.AUDITOR):
        return ~exists().where(*about, ~cases_visible_to(actor))
    is_decision = Document.kind != DocumentKind.PAYMENT
    was_issued = Document.issued_on.is_not(None)
    of_own_case = exists().where(*about, cases_visible_to(actor))
    of_own_letter = exists().where(
        DocumentLetter.document_id == Document.id,
        DocumentLetter.recommendation_id == Recommendation.id,
        recommendations_visible_to(actor),
    )
    seen: list[ColumnElement[bool]] = [
        and_(is_decision, was_issued, of_own_case), and_(was_issued, of_own_letter),
    ]  # fmt: skip
    if actor.has(Role.REVIEWER):
        seen.append(and_(is_decision, of_own_case))
        seen.append(of_own_letter)
        seen.append(Document.department == (actor.department or ""))
    if actor.has(Role.TREASURER):
        seen.append(and_(~is_decision, was_issued))
    return or_(*seen)


def may_draft(actor: Actor, kind: DocumentKind) -> bool:
    """Let approvers draft payments; whoever handles a case drafts its decision, too."""
    return actor.has(Role.APPROVER) or kind is not DocumentKind.PAYMENT
