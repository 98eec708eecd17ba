"""Who may see which firm."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy import ColumnElement, true

from services.enterprise.codes.uscc import UsccInvalid, canonical_uscc
from services.enterprise.firms.models import Firm
from services.enterprise.vocabulary.access import READERS, STAFF
from services.kernel.actors import Actor, Guard, Role
from services.kernel.errors import NotFound

Reader = Annotated[Actor, Depends(Guard(*READERS))]
Registrar = Annotated[Actor, Depends(Guard(Role.REGISTRAR))]


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Let staff see every firm, and a firm itself."""
    return true() if _sees_all(actor) else Firm.uscc == (actor.uscc or "")


def may_see(actor: Actor, uscc: str) -> bool:
    """Say the same of one firm."""
    return _sees_all(actor) or uscc == actor.uscc


def _sees_all(actor: Actor) -> bool:
    return actor.has(*STAFF) or actor.has("system")


def firm_unknown() -> NotFound:
    return NotFound(
        "没有这家企业，或无权查看。",
        "There is no such firm, or it is not yours.",
        code="firm-unknown",
    )


async def _canonical(uscc: str) -> str:
    try:
        return canonical_uscc(uscc[:100])
    except UsccInvalid:
        raise firm_unknown() from None


FirmPath = Annotated[str, Depends(_canonical)]
