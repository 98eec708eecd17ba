"""Who does one event to many cases: officers, each case under its own rules."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

Officer = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
