"""Who tries a changed plan, and who reads what came out: those who set numbers, and auditors."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

RunStarter = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
RunReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]
