from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

IssuerReader = Annotated[Actor, Depends(Guard(Role.ADMIN, Role.AUDITOR))]
IssuerAdmin = Annotated[Actor, Depends(Guard(Role.ADMIN))]
