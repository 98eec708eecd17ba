from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.cases import queries as cases
from services.policy.cases.access import Applicant, CaseReader
from services.policy.fact_objections import queries
from services.policy.fact_objections.access import FactObjectionMover, FactObjectionReader
from services.policy.fact_objections.actions.answer_objection import answer_objection
from services.policy.fact_objections.actions.lodge_objection import lodge_objection
from services.policy.fact_objections.rules import FactObjectionState
from services.policy.fact_objections.schemas import (
    FactObjectionDeed,
    FactObjectionList,
    FactObjectionView,
    NewFactObjection,
)

router = noun_router("policy", "fact-objections")
cases_router = noun_router("policy", "fact-objections", prefix="/v1/policy/cases")


@cases_router.post("/{case_id}/fact-objections", status_code=201, dependencies=[KEYED])
async def object_to_fact(
    *,
    case_id: UUID,
    body: NewFactObjection,
    actor: Applicant,
    session: Session,
    now: Now,
    response: Response,
) -> FactObjectionView:
    """Object to a fact that the case is filled with: the department that states it answers."""
    objection, case = await lodge_objection(session, actor, case_id, body, now=now)
    set_etag(response, objection.version)
    response.headers["Location"] = f"/v1/policy/fact-objections/{objection.id}"
    return queries.view(objection, case, actor)


@cases_router.get("/{case_id}/fact-objections")
async def list_case_fact_objections(
    case_id: UUID, actor: CaseReader, session: Session, page: Page
) -> FactObjectionList:
    """List what was said against the facts of one case, the newest first."""
    case = await cases.case(session, actor, case_id)
    rows = await queries.objections_of(session, case, page)
    found = page_of(rows, page, lambda row: [row.id])
    items = [queries.view(row, case, actor) for row in found["items"]]
    return FactObjectionList(items=items, next_cursor=found["next_cursor"])


@router.get("")
async def list_fact_objections(
    *,
    actor: FactObjectionReader,
    session: Session,
    page: Page,
    department: Annotated[
        str | None, Query(max_length=20, description="That this department is to answer")
    ] = None,
    state: FactObjectionState | None = None,
) -> FactObjectionList:
    """List objections to facts, the newest first: a department's, or an applicant's own."""
    rows = await queries.objections(session, actor, page, department=department, state=state)
    found = page_of(rows, page, lambda row: [row[0].id])
    items = [queries.view(row, case, actor) for row, case in found["items"]]
    return FactObjectionList(items=items, next_cursor=found["next_cursor"])


@router.get("/{objection_id}")
async def get_fact_objection(
    objection_id: UUID, actor: FactObjectionReader, session: Session, response: Response
) -> FactObjectionView:
    """Read one objection to a fact."""
    objection, case = await queries.objection(session, actor, objection_id)
    set_etag(response, objection.version)
    return queries.view(objection, case, actor)


@router.post("/{objection_id}/events", dependencies=[KEYED])
async def move_fact_objection(
    objection_id: UUID,
    body: FactObjectionDeed,
    actor: FactObjectionMover,
    session: Session,
    now: Now,
    response: Response,
) -> FactObjectionView:
    """Uphold by a new statement, or dismiss with a reason; an applicant takes its own back."""
    objection, case = await answer_objection(session, actor, objection_id, body, now=now)
    set_etag(response, objection.version)
    return queries.view(objection, case, actor)
