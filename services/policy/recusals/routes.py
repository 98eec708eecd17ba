from uuid import UUID

from services.kernel.idempotency import KEYED
from services.kernel.unit import Now, Session, noun_router
from services.policy.cases import queries as cases
from services.policy.recusals import queries
from services.policy.recusals.access import RecusalReader, Recuser
from services.policy.recusals.actions import recuse
from services.policy.recusals.schemas import NewRecusal, RecusalList, RecusalView

router = noun_router("policy", "recusals", prefix="/v1/policy/cases")


@router.get("/{case_id}/recusals")
async def list_recusals(case_id: UUID, actor: RecusalReader, session: Session) -> RecusalList:
    """List who does not act on a case, and why."""
    case = await cases.case(session, actor, case_id)
    rows = await queries.recusals_of(session, case.id)
    return RecusalList(items=[queries.view(row) for row in rows])


@router.post("/{case_id}/recusals", status_code=201, dependencies=[KEYED])
async def recuse_person(
    *, case_id: UUID, body: NewRecusal, actor: Recuser, session: Session, now: Now
) -> RecusalView:
    """Recuse oneself from a case, or, as an approver, another person."""
    return queries.view(await recuse(session, actor, case_id, body, now=now))
