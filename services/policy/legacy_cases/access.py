"""Who imports cases of earlier years: who states facts and declares aid of the city's level."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

Importer = Annotated[Actor, Depends(Guard(Role.REGISTRAR))]
