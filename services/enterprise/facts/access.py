"""Who states facts: the department that owns them, and a firm about itself."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import Depends

from services.enterprise.vocabulary.rules import Keeper, fact
from services.kernel.actors import Actor, Guard, Role
from services.kernel.errors import Forbidden

Stater = Annotated[Actor, Depends(Guard(Role.FIRM, Role.REGISTRAR))]


def declares_itself(actor: Actor) -> bool:
    """Tell whether the actor speaks for its own firm and not for a department."""
    return not actor.has(Role.REGISTRAR)


def require_self_declarable(names: Iterable[str]) -> None:
    """Keep a firm from changing its own profile: that follows the register."""
    kept = sorted(n for n in names if (known := fact(n)) and known.kept_in is Keeper.PROFILE)
    if kept:
        raise Forbidden(
            f"登记信息以登记部门为准，企业不能自行填报：{'、'.join(kept)}。",
            f"The profile follows the register; a firm does not state it: {', '.join(kept)}.",
            code="fact-not-owned",
        )
