"""Recognitions under their firm."""

from typing import Any
from uuid import UUID

from fastapi import Response

from services.enterprise.firms.access import FirmPath, Reader, Registrar
from services.enterprise.firms.queries import find_firm
from services.enterprise.recognitions.actions import move_recognition, record_recognition
from services.enterprise.recognitions.queries import (
    find_recognition,
    recognition_views,
    recognitions_of,
)
from services.enterprise.recognitions.schemas import (
    NewRecognition,
    RecognitionEvent,
    RecognitionPage,
    RecognitionView,
)
from services.kernel.clock import city_day
from services.kernel.etags import set_etag
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router

router = noun_router(
    "enterprise", "recognitions", prefix="/v1/enterprise/firms/{uscc}/recognitions"
)


@router.get("", response_model=RecognitionPage)
async def list_recognitions(
    uscc: FirmPath, actor: Reader, session: Session, now: Now, page: Page
) -> dict[str, Any]:
    """List a firm's titles, the latest recorded first."""
    firm = await find_firm(session, actor, uscc)
    rows = await recognitions_of(session, firm.uscc, page)
    today = city_day(now)
    answer = page_of(rows, page, lambda row: [str(row.id)])
    return answer | {"items": await recognition_views(session, actor, answer["items"], today)}


@router.post("", status_code=201)
async def post_recognition(
    uscc: FirmPath,
    new: NewRecognition,
    actor: Registrar,
    session: Session,
    now: Now,
    response: Response,
) -> RecognitionView:
    """Record a title with grade, issuer, document and validity."""
    row = await record_recognition(session, actor, uscc, new, now=now)
    response.headers["Location"] = f"/v1/enterprise/firms/{uscc}/recognitions/{row.id}"
    set_etag(response, row.version)
    (view,) = await recognition_views(session, actor, [row], city_day(now))
    return view


@router.get("/{recognition_id}")
async def get_recognition(
    uscc: FirmPath,
    recognition_id: UUID,
    actor: Reader,
    session: Session,
    now: Now,
    response: Response,
) -> RecognitionView:
    """Read one title of a firm."""
    firm = await find_firm(session, actor, uscc)
    row = await find_recognition(session, firm.uscc, recognition_id)
    set_etag(response, row.version)
    (view,) = await recognition_views(session, actor, [row], city_day(now))
    return view


@router.post("/{recognition_id}/events")
async def post_recognition_event(  # noqa: PLR0917
    uscc: FirmPath,
    recognition_id: UUID,
    event: RecognitionEvent,
    actor: Registrar,
    session: Session,
    now: Now,
    response: Response,
) -> RecognitionView:
    """Revoke a title from a day on."""
    row = await move_recognition(session, actor, uscc, recognition_id, event, now=now)
    set_etag(response, row.version)
    (view,) = await recognition_views(session, actor, [row], city_day(now))
    return view
