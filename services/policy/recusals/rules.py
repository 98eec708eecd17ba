"""Recusal on plain values: who may say it of whom, and what it bars."""

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, Forbidden

RECUSED = ("已回避", "Recused")


def require_may_recuse(actor: Actor, subject: str) -> None:
    """Let everybody recuse himself, and an approver another person."""
    if subject != actor.subject and not actor.has(Role.APPROVER):
        raise Forbidden(
            "只能申请本人回避；他人的回避由审批人决定。",
            "One recuses oneself; that another person is recused, an approver decides.",
            code="recusal-of-another",
        )


def require_free(*, is_recused: bool) -> None:
    """Refuse whoever has been recused; the attempt goes on record."""
    if is_recused:
        raise Forbidden(
            "您已回避本件，不能办理。", "You are recused from this case.", code="recused"
        )


def already_recused() -> Conflict:
    return Conflict(
        "该人员已回避本件。", "This person is recused from the case already.",
        code="already-recused",
    )  # fmt: skip
