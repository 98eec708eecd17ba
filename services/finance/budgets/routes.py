"""Budget lines over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from services.finance.budgets import actions, queries
from services.finance.budgets.access import Approver, BudgetReader, Treasurer
from services.finance.budgets.schemas import BudgetBody, BudgetEventBody, BudgetPage, BudgetView
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED_FOR_MONEY
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router("finance", "budgets")


@router.post("", status_code=201, dependencies=[KEYED_FOR_MONEY])
async def draft_budget(
    body: BudgetBody, actor: Treasurer, session: Session, now: Now, response: Response
) -> BudgetView:
    """Write a budget line down; it can be spent from once another person approves it."""
    budget = await actions.draft_budget(session, actor, body, now=now)
    set_etag(response, budget.version)
    return await queries.view(session, actor, budget)


@router.post("/{budget_id}/events", dependencies=[KEYED_FOR_MONEY])
async def move_budget(
    budget_id: UUID,
    body: BudgetEventBody,
    actor: Approver,
    session: Session,
    now: Now,
    response: Response,
) -> BudgetView:
    """Approve another's budget line, which funds it."""
    budget = await actions.approve_budget(session, actor, budget_id, body.version, now=now)
    set_etag(response, budget.version)
    return await queries.view(session, actor, budget)


@router.get("", response_model=BudgetPage)
async def list_budgets(
    actor: BudgetReader,
    session: Session,
    page: Page,
    year: int | None = None,
    measure: int | None = None,
    programme: Annotated[str | None, Query(max_length=200)] = None,
) -> dict[str, Any]:
    """List budget lines with what is available, reserved and paid, the newest first."""
    rows = await queries.budgets(session, page, year=year, measure=measure, programme=programme)
    answer = page_of(rows, page, lambda row: [row.id])
    return {**answer, "items": await queries.views(session, actor, answer["items"])}


@router.get("/{budget_id}")
async def get_budget(
    budget_id: UUID, actor: BudgetReader, session: Session, response: Response
) -> BudgetView:
    """Read one budget line with what stands on it now."""
    budget = await queries.budget(session, budget_id)
    set_etag(response, budget.version)
    return await queries.view(session, actor, budget)
