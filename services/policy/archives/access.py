from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

Archivist = Annotated[Actor, Depends(Guard(Role.APPROVER))]
ArchiveReader = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER, Role.AUDITOR))]
# Who takes a whole volume out, or the list of them.
PackageReader = Annotated[Actor, Depends(Guard(Role.APPROVER, Role.AUDITOR))]
# Whose data it is, and who answers for the archive.
ErasureAsker = Annotated[Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION, Role.APPROVER))]
