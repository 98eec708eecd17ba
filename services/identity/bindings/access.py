from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, true

from services.identity.bindings.models import Binding
from services.kernel.actors import Actor, Guard, Role

BindingReader = Annotated[Actor, Depends(Guard(Role.ADMIN, Role.AUDITOR, Role.FIRM))]
BindingWriter = Annotated[Actor, Depends(Guard(Role.ADMIN, Role.FIRM))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Let a firm see its own people; administrators and auditors see all."""
    if actor.has(Role.ADMIN, Role.AUDITOR):
        return true()
    return Binding.uscc == actor.uscc


def may_bind(actor: Actor, uscc: str) -> bool:
    """Let a firm bind its own people only."""
    return actor.has(Role.ADMIN) or actor.uscc == uscc
