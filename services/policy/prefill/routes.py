from uuid import UUID

from services.kernel.unit import Now, Session, noun_router
from services.policy.cases import queries as cases
from services.policy.cases.access import CaseReader
from services.policy.prefill import queries
from services.policy.prefill.schemas import PrefillList

cases_router = noun_router("policy", "prefill", prefix="/v1/policy/cases")


@cases_router.get("/{case_id}/prefill")
async def get_prefill(case_id: UUID, actor: CaseReader, session: Session, now: Now) -> PrefillList:
    """List what a case is filled with: each value with source, owner, day and validity."""
    case = await cases.case(session, actor, case_id)
    return await queries.prefill(session, case, now=now)
