from fastapi import Request, Response

from services.kernel.idempotency import KEYED
from services.kernel.operations import OperationView, operation_view
from services.kernel.problems import prefers_english
from services.kernel.unit import Now, Session, noun_router
from services.policy.case_batches.access import Officer
from services.policy.case_batches.actions.begin_batch import begin_batch
from services.policy.case_batches.schemas import NewBatch

router = noun_router("policy", "case-batches")


@router.post("", status_code=202, dependencies=[KEYED])
async def post_case_batch(
    body: NewBatch,
    actor: Officer,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
) -> OperationView:
    """Do one event to up to 500 cases; the operation's result answers for each of them.

    Every item is under the rules of the single event: state, version, department or town, four
    eyes. One that is refused stops no other. The result has `event`, `moved`, `refused` and
    `items`, in the order sent: `{"case", "moved", "state", "version", "problem"}`.
    """
    operation = await begin_batch(session, response, actor, body, now=now)
    english = prefers_english(request.headers.get("accept-language"))
    return await operation_view(session, operation, english=english)
