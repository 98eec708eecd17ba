"""Who handles objections, and who reads them."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

ObjectionReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]
ObjectionHandler = Annotated[Actor, Depends(Guard(Role.REVIEWER))]
