from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.operations import OperationView, operation_view
from services.kernel.pages import Page, page_of
from services.kernel.problems import prefers_english
from services.kernel.row_files import Media, content_of, require_media
from services.kernel.settings import Profile
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router
from services.policy.recommendations import queries
from services.policy.recommendations.access import (
    OFFICERS,
    Beginner,
    RecommendationHandler,
    RecommendationReader,
    ResultImporter,
)
from services.policy.recommendations.actions.begin_recommendation import begin_recommendation
from services.policy.recommendations.actions.import_results import (
    FILE_BYTES_MAX,
    accept_results,
)
from services.policy.recommendations.actions.move_recommendation import move_recommendation
from services.policy.recommendations.rules import RecommendationState
from services.policy.recommendations.schemas import (
    NewRecommendation,
    RecommendationDeed,
    RecommendationHistoryEntry,
    RecommendationHistoryList,
    RecommendationList,
    RecommendationView,
)
from services.rulebook.titles import Level

router = noun_router("policy", "recommendations")
FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The raw file; columns: `recommendation`, or `programme` and `upper_number`;"
        " `outcome`, `document`, `issuer`, `decided_on`; `grade`, `valid_from`, `valid_to`, `note`",
        "content": {
            str(each): {"schema": {"type": "string", "format": "binary"}} for each in Media
        },
    }
}


@router.post("", status_code=201, dependencies=[KEYED])
async def post_recommendation(
    *,
    body: NewRecommendation,
    actor: Beginner,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    response: Response,
) -> RecommendationView:
    """Begin a recommendation for oneself, or as a reviewer for a firm that matching found."""
    demonstration = runtime.settings.profile is Profile.DEMONSTRATION
    found = await begin_recommendation(session, actor, body, now=now, demonstration=demonstration)
    set_etag(response, found.version)
    response.headers["Location"] = f"/v1/policy/recommendations/{found.id}"
    return await queries.view(session, actor, found)


@router.get("")
async def list_recommendations(
    *,
    actor: RecommendationReader,
    session: Session,
    page: Page,
    state: RecommendationState | None = None,
    programme: Annotated[str | None, Query(max_length=100)] = None,
    level: Level | None = None,
    applicant: Annotated[str | None, Query(max_length=100)] = None,
    year: Annotated[int | None, Query(ge=2000, le=2199)] = None,
) -> RecommendationList:
    """List the recommendations that the caller may know of, the newest first."""
    rows = await queries.recommendations(
        session, actor, page, state=state, programme=programme, level=level, applicant=applicant,
        year=year,
    )  # fmt: skip
    found = page_of(rows, page, lambda row: [row.id])
    items = [queries.summary(row) for row in found["items"]]
    return RecommendationList(items=items, next_cursor=found["next_cursor"])


@router.post("/imports", status_code=202, openapi_extra=FILE)
async def import_recommendation_results(
    actor: ResultImporter, session: Session, now: Now, request: Request, response: Response
) -> OperationView:
    """Import the upper levels' results; the operation answers for every row by itself."""
    media = require_media(request.headers.get("content-type"))
    content = await content_of(request.stream(), FILE_BYTES_MAX)
    operation = await accept_results(session, response, actor, media, content, now=now)
    english = prefers_english(request.headers.get("accept-language"))
    return await operation_view(session, operation, english=english)


@router.get("/{recommendation_id}")
async def get_recommendation(
    recommendation_id: UUID, actor: RecommendationReader, session: Session, response: Response
) -> RecommendationView:
    """Read one recommendation; `allowed_events` is what the caller may do to it now."""
    found = await queries.recommendation(session, actor, recommendation_id)
    set_etag(response, found.version)
    return await queries.view(session, actor, found)


@router.post("/{recommendation_id}/events", dependencies=[KEYED])
async def post_recommendation_event(
    recommendation_id: UUID,
    body: RecommendationDeed,
    actor: RecommendationHandler,
    session: Session,
    now: Now,
    response: Response,
) -> RecommendationView:
    """Do one event to a recommendation, at the version that the caller has seen."""
    found = await move_recommendation(session, actor, recommendation_id, body, now=now)
    set_etag(response, found.version)
    return await queries.view(session, actor, found)


@router.get("/{recommendation_id}/history")
async def list_recommendation_history(
    recommendation_id: UUID, actor: RecommendationReader, session: Session
) -> RecommendationHistoryList:
    """List what happened to a recommendation, in order; applicants see roles and not persons."""
    found = await queries.recommendation(session, actor, recommendation_id)
    sees_persons = actor.has(*OFFICERS)
    return RecommendationHistoryList(
        items=[
            RecommendationHistoryEntry(
                number=row.number, at=row.at, event=row.event, from_state=row.from_state,
                to_state=row.to_state, role=row.role,
                actor=row.actor if sees_persons or row.actor == actor.subject else None,
                note=row.note, data=row.data,
            )
            for row in await queries.history(session, found.id)
        ]
    )  # fmt: skip
