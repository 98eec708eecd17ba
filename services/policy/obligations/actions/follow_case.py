"""Following a case: an approval begins its obligations, a revocation ends what was still open."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState
from services.policy.obligations import queries
from services.policy.obligations.actions.begin_obligations import begin_obligations
from services.policy.obligations.actions.record import record
from services.policy.obligations.rules import ObligationAlert, ObligationState, SystemEvent
from services.policy.plan.actions.load_library import library
from services.policy.recoveries import queries as recoveries
from services.policy.recoveries.actions.propose_recovery import tell
from services.policy.recoveries.rules import RecoveryState
from services.policy.recoveries.rules import SystemEvent as RecoverySystemEvent


async def follow_case(session: AsyncSession, case: Case, *, now: datetime) -> None:
    """Do what follows from a case's having been approved or revoked just now.

    A programme that has left the plans since obliges to nothing more.
    """
    if case.state == CaseState.DECIDED:
        programme = library().programme_on(case.programme, city_day(case.created_at))
        if programme is not None:
            await begin_obligations(session, case, programme, now=now)
    elif case.state == CaseState.REVOKED:
        for row in await queries.unfinished_of(session, case.id):
            was = ObligationState(row.state)
            row.state, row.alert = ObligationState.LIFTED, ObligationAlert.NONE
            row.version += 1
            await record(session, row, SystemEvent.ENDED, was=was, now=now)
        standing = await recoveries.open_of(session, case.id)
        if standing is not None:
            standing.state = RecoveryState.LAPSED
            standing.version += 1
            was_open = RecoveryState.OPEN
            await tell(session, standing, RecoverySystemEvent.LAPSED, was=was_open, now=now)
