from typing import Annotated

from fastapi import Depends

from services.kernel.actors import ALL_ROLES, Actor, Guard, Role

ClockReader = Annotated[Actor, Depends(Guard(*ALL_ROLES))]
ClockMover = Annotated[Actor, Depends(Guard(Role.ADMIN))]
PersonCaller = Annotated[Actor, Depends(Guard(public=True, reads=True))]
