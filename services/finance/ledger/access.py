"""Who may look into the ledger."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

LedgerReader = Annotated[Actor, Depends(Guard(Role.TREASURER, Role.AUDITOR))]
