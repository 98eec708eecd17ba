from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query

from services.kernel.clock import city_day
from services.kernel.days import Day
from services.kernel.unit import Now, Session, noun_router
from services.policy.evaluations import queries
from services.policy.evaluations.access import EntitlementReader, Evaluator, require_own_firm
from services.policy.evaluations.schemas import (
    EntitlementsView,
    EvaluationRequest,
    EvaluationView,
)
from services.policy.firms.rules import fold_uscc

router = noun_router("policy", "evaluations")
firms_router = noun_router("policy", "firms")

Overlay = Annotated[
    Literal["demonstration"] | None,
    Query(description="Fill parameters that are not set with sample values; marked as such"),
]


@router.post("")
async def evaluate(
    body: EvaluationRequest, _: Evaluator, session: Session, now: Now, overlay: Overlay = None
) -> EvaluationView:
    """Answer what given facts entitle to, under all programmes or a draft that is sent along."""
    return await queries.evaluate(
        session, body, today=city_day(now), demonstration=overlay is not None
    )


@firms_router.get("/{uscc}/entitlements")
async def get_entitlements(
    *,
    uscc: str,
    actor: EntitlementReader,
    session: Session,
    now: Now,
    on: Day | None = None,
    after: Annotated[
        UUID | None, Query(description="Wait up to 2 s until this statement has been heard here")
    ] = None,
    programme: Annotated[
        list[str] | None, Query(max_length=50, description="Only these; all when left out")
    ] = None,
    overlay: Overlay = None,
) -> EntitlementsView:
    """Answer what a firm is entitled to, and why, from what its register says."""
    canonical = fold_uscc(uscc)
    require_own_firm(actor, canonical)
    day = on or city_day(now)
    return await queries.entitlements(
        session, canonical, queries.of_firms(programme, day, actor), actor=actor, on=day,
        after=after, demonstration=overlay is not None,
    )  # fmt: skip
