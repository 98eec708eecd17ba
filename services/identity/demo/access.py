from typing import Annotated

from fastapi import Depends

from services.kernel.actors import ALL_ROLES, Actor, Guard, Role
from services.kernel.errors import NotFound
from services.kernel.settings import Profile
from services.kernel.unit import CurrentRuntime

ClockReader = Annotated[Actor, Depends(Guard(*ALL_ROLES))]
ClockMover = Annotated[Actor, Depends(Guard(Role.ADMIN))]
PersonCaller = Annotated[Actor, Depends(Guard(public=True, reads=True))]


async def _in_the_demonstration(runtime: CurrentRuntime) -> None:
    """Elsewhere these addresses do not exist, whatever is sent to them."""
    if runtime.settings.profile is not Profile.DEMONSTRATION:
        raise NotFound("没有这个地址或记录。", "There is no such address or record.")


DEMONSTRATION_ONLY = Depends(_in_the_demonstration)
