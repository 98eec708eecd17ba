from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, true

from services.identity.bindings.models import Binding
from services.identity.bindings.rules import BindingKind
from services.kernel.actors import Actor, Guard, Role
from services.kernel.errors import Forbidden

BindingReader = Annotated[Actor, Depends(Guard(Role.ADMIN, Role.AUDITOR, Role.FIRM))]
BindingWriter = Annotated[Actor, Depends(Guard(Role.ADMIN, Role.FIRM))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Let a firm see its own people; administrators and auditors see all."""
    if actor.has(Role.ADMIN, Role.AUDITOR):
        return true()
    return Binding.uscc == actor.uscc


def require_may_write(actor: Actor) -> None:
    """Let the firm's own client and its legal representatives say who acts for it, not staff."""
    is_person = actor.binding is not None or "act" in actor.claims
    if is_person and actor.binding != BindingKind.LEGAL_REPRESENTATIVE:
        raise Forbidden(
            "登记或撤销授权限法定代表人或本企业系统办理。",
            "Only a legal representative or the firm's own system grants or revokes bindings.",
            code="legal-representative-required",
        )


def may_bind(actor: Actor, uscc: str) -> bool:
    """Let a firm bind its own people only."""
    return actor.has(Role.ADMIN) or actor.uscc == uscc
