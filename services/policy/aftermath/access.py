"""Who reads and moves what follows a decision."""

from typing import Annotated

from fastapi import Depends

from services.kernel.actors import Actor, Guard, Role

OFFICERS = (Role.REVIEWER, Role.APPROVER, Role.AUDITOR)
PARTIES = (Role.FIRM, Role.INSTITUTION, Role.REVIEWER, Role.APPROVER)

MatterReader = Annotated[Actor, Depends(Guard(*PARTIES, Role.AUDITOR))]
MatterMover = Annotated[Actor, Depends(Guard(*PARTIES))]
# What an applicant answers and its desk judges.
SheetMover = Annotated[Actor, Depends(Guard(Role.FIRM, Role.INSTITUTION, Role.REVIEWER))]
Reviewer = Annotated[Actor, Depends(Guard(Role.REVIEWER))]
Approver = Annotated[Actor, Depends(Guard(Role.APPROVER))]
Officer = Annotated[Actor, Depends(Guard(Role.REVIEWER, Role.APPROVER))]
OfficeReader = Annotated[Actor, Depends(Guard(*OFFICERS))]
