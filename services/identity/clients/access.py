from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

ClientReader = Annotated[Actor, Depends(Guard(Role.ADMIN, Role.AUDITOR))]
ClientAdmin = Annotated[Actor, Depends(Guard(Role.ADMIN))]
