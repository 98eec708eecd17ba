"""Who says recusals, and who reads them; applicants do neither."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

Recuser = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
RecusalReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]
