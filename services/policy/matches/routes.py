from typing import Annotated, Literal

from fastapi import Query

from services.kernel.pages import Page, page_of
from services.kernel.unit import Session, noun_router
from services.policy.evaluations.access import require_own_firm
from services.policy.firms.rules import fold_uscc
from services.policy.matches import queries
from services.policy.matches.access import MatchReader
from services.policy.matches.queries import MatchFilter
from services.policy.matches.rules import kinds_of
from services.policy.matches.schemas import FirmMatches, MatchList
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown

router = noun_router("policy", "matches")
firms_router = noun_router("policy", "firms")


@router.get("")
async def list_matches(
    *,
    actor: MatchReader,
    session: Session,
    page: Page,
    programme: Annotated[str | None, Query(max_length=100)] = None,
    outcome: Literal["eligible", "ineligible", "unknown"] | None = None,
    near: Annotated[
        bool | None, Query(description="Who fails narrowly, or who does not; both by default")
    ] = None,
    applied: Annotated[
        bool | None, Query(description="Who has applied, or who has not; both by default")
    ] = None,
) -> MatchList:
    """List which firms are entitled, near, or of unknown standing: who is, and has not applied."""
    if programme is not None and programme not in library().programmes:
        raise programme_unknown("query/programme", programme, library().programmes)
    wanted = MatchFilter(programme, kinds_of(outcome, near=near), applied)
    rows = await queries.matches(session, actor, page, wanted)
    found = page_of(rows, page, lambda row: [row[0].kind, row[0].programme, row[0].uscc])
    items = [queries.view(*row) for row in found["items"]]
    return MatchList(items=items, next_cursor=found["next_cursor"])


@firms_router.get("/{uscc}/matches")
async def get_firm_matches(uscc: str, actor: MatchReader, session: Session) -> FirmMatches:
    """Read where a firm stands under every programme for firms, as it was matched last."""
    canonical = fold_uscc(uscc)
    require_own_firm(actor, canonical)
    return await queries.firm_matches(session, actor, canonical)
