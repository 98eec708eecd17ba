from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard

# The token endpoint authenticates clients itself, by secret or by signed assertion.
TokenCaller = Annotated[Actor, Depends(Guard(public=True, reads=True))]
