from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

KeyReader = Annotated[Actor, Depends(Guard(Role.ADMIN, Role.AUDITOR))]
KeyAdmin = Annotated[Actor, Depends(Guard(Role.ADMIN))]
