from typing import Annotated

from fastapi import Query

from services.kernel.actors import Anyone
from services.kernel.clock import city_day
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.versions import queries
from services.policy.versions.schemas import VersionDifference, VersionList, VersionText

router = noun_router("policy", "programmes")

Version = Annotated[str, Query(max_length=40, description="A version of the programme")]


@router.get("/{programme_id}/versions")
async def list_versions(
    programme_id: str, _: Anyone, session: Session, page: Page, now: Now
) -> VersionList:
    """List the wordings of a programme that this installation has run."""
    rows = await queries.versions(session, programme_id, page)
    found = page_of(rows, page, lambda row: [row.version])
    items = [queries.view(row, city_day(now)) for row in found["items"]]
    return VersionList(items=items, next_cursor=found["next_cursor"])


@router.get("/{programme_id}/versions/{version}")
async def get_version(
    programme_id: str, version: str, _: Anyone, session: Session, now: Now
) -> VersionText:
    """Read one wording with its whole rule, as cases freeze it."""
    return await queries.text(session, programme_id, version, city_day(now))


@router.get("/{programme_id}/changes")
async def get_changes(
    programme_id: str, _: Anyone, session: Session, before: Version, after: Version
) -> VersionDifference:
    """Tell what changed from one wording to another, part by part."""
    return await queries.difference(session, programme_id, before, after)
