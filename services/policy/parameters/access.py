from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

ParameterReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]
Proposer = Annotated[Actor, Depends(Guard(Role.REVIEWER))]
Approver = Annotated[Actor, Depends(Guard(Role.APPROVER))]
