import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from services.kernel.actors import Role
from services.kernel.audit import audit
from services.kernel.exports import SUFFIXES, wanted_format
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.archives import queries, rules
from services.policy.archives.access import (
    ArchiveReader,
    Archivist,
    ErasureAsker,
    PackageReader,
)
from services.policy.archives.actions.archive_case import archive_case as archive
from services.policy.archives.actions.restrict_archive import request_erasure as ask_erasure
from services.policy.archives.actions.write_list import WRITERS, cells
from services.policy.archives.schemas import (
    ArchiveCheck,
    ArchiveList,
    ArchiveView,
    ErasureAnswer,
    ErasureRequest,
)
from services.policy.cases import queries as cases

router = noun_router("policy", "archives")
cases_router = noun_router("policy", "cases")
ZIP = "application/zip"
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A page of the list, or all of it as the file that `Accept` asks for",
        "content": {str(media): {"schema": {"type": "string"}} for media in WRITERS},
    }
}


@router.get("", response_model=ArchiveList, responses=FILES)
async def list_archives(
    actor: PackageReader,
    session: Session,
    page: Page,
    request: Request,
    year: Annotated[int | None, Query(ge=2000, le=2199, description="Ended in this year")] = None,
) -> Any:
    """List the volumes as a hand-over list (移交清单), the newest first; as a file, all of them."""
    wanted = wanted_format(request.headers.get("accept"), WRITERS)
    if wanted is None:
        rows = await queries.archives(session, actor, page, year=year)
        found = page_of(rows, page, lambda row: [row.id])
        return ArchiveList(
            items=[queries.summary(row) for row in found["items"]],
            next_cursor=found["next_cursor"],
        )
    lines: list[Sequence[Any]] = []
    async for some in queries.every_archive(session, actor, year=year):
        lines += [cells(row) for row in some]
    content = await asyncio.to_thread(WRITERS[wanted], lines)
    name = f"archives-{year or 'all'}.{SUFFIXES[wanted]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, wanted)


@cases_router.post("/{case_id}/archive", status_code=201, dependencies=[KEYED])
async def archive_case(
    case_id: UUID, actor: Archivist, session: Session, now: Now, response: Response
) -> ArchiveView:
    """Archive an ended case: one sealed volume with an index and one hash over it."""
    found = await archive(session, actor, case_id, now=now)
    response.headers["Location"] = f"/v1/policy/cases/{case_id}/archive"
    return await queries.view(session, found)


@cases_router.get("/{case_id}/archive")
async def get_archive(case_id: UUID, actor: ArchiveReader, session: Session) -> ArchiveView:
    """Read the index (卷内目录) of a case's latest volume."""
    case = await cases.case(session, actor, case_id)
    return await queries.view(session, await queries.archive(session, case.id))


@cases_router.get(
    "/{case_id}/archive/package",
    response_class=StreamingResponse,
    responses={200: {"content": {ZIP: {}}, "description": "The manifest and every file"}},
)
async def get_archive_package(
    case_id: UUID, actor: PackageReader, session: Session, now: Now
) -> StreamingResponse:
    """Take the latest volume out as a zip; where its use is restricted, auditors only."""
    case = await cases.case(session, actor, case_id)
    found = await queries.archive(session, case.id)
    if not actor.has(Role.AUDITOR):
        rules.require_unrestricted(found.restricted_for, found.restriction_rule)
    files = await queries.files_of(session, found)
    detail = {"volume": found.volume, "package_sha256": found.package_sha256}
    audit(session, actor, "archive.download", "case", case.id, now=now, detail=detail)
    name = f'attachment; filename="{case.id}-{found.volume}.zip"'
    headers = {"Content-Disposition": name}
    return StreamingResponse(rules.zipped(files), 200, headers, ZIP)


@cases_router.get("/{case_id}/archive/verification")
async def verify_archive(case_id: UUID, actor: ArchiveReader, session: Session) -> ArchiveCheck:
    """Recompute every hash of the latest volume, and name the files that differ."""
    case = await cases.case(session, actor, case_id)
    return await queries.check(session, await queries.archive(session, case.id))


@cases_router.post("/{case_id}/archive/erasure-requests", dependencies=[KEYED])
async def request_erasure(
    case_id: UUID, body: ErasureRequest, actor: ErasureAsker, session: Session, now: Now
) -> ErasureAnswer:
    """Ask for erasure: while retention runs the archive is kept, its use restricted."""
    return await ask_erasure(session, actor, case_id, body.reason, now=now)
