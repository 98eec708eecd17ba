"""Files that prove a case: handing in, listing, withdrawing, giving out, and what is shared."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from services.kernel.actors import Anyone
from services.kernel.clock import system_now
from services.kernel.etags import set_etag
from services.kernel.file_types import MEDIA_TYPES, SUFFIXES, FileType
from services.kernel.idempotency import ANSWER_NEVER_KEPT, KEYED, STREAMED
from services.kernel.pages import Page, page_of
from services.kernel.unit import CurrentRuntime, Now, Session, in_unit, noun_router
from services.policy.base import storage_of
from services.policy.cases import queries as cases
from services.policy.cases.access import CaseReader
from services.policy.evidence import queries
from services.policy.evidence.access import EvidenceKeeper, FlagReader, LinkAsker
from services.policy.evidence.actions.give_out import issue_link, open_content
from services.policy.evidence.actions.keep_evidence import keep_evidence, withdraw_evidence
from services.policy.evidence.actions.receive_file import receive_file
from services.policy.evidence.rules import require_link
from services.policy.evidence.schemas import (
    About,
    DuplicateList,
    EvidenceDeed,
    EvidenceList,
    EvidenceView,
    LinkView,
    MaterialList,
    about,
)
from services.policy.prefill.queries import unproved

case_router = noun_router("policy", "evidence", prefix="/v1/policy/cases")
router = noun_router("policy", "evidence")

FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file as it is; its type is judged by its content",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}}
            for media in ("application/octet-stream", *MEDIA_TYPES.values())
        },
    },
    "responses": {"200": {"description": "The same file was there already, for the same material"}},
}
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as an attachment",
        "content": {
            media: {"schema": {"type": "string", "format": "binary"}}
            for media in MEDIA_TYPES.values()
        },
    }
}


@case_router.post(
    "/{case_id}/evidence", status_code=201, dependencies=[STREAMED], openapi_extra=FILE
)
async def upload_evidence(  # noqa: PLR0917  FastAPI hands each of these over by name
    case_id: UUID,
    said: Annotated[About, Depends(about)],
    actor: EvidenceKeeper,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    request: Request,
    response: Response,
) -> EvidenceView:
    """Hand a file in: an applicant while he completes his case, an officer as an internal paper."""
    if not hasattr(request.state, "received"):
        # A unit that lost a race runs again; the body has come once and is kept.
        request.state.received = await receive_file(
            runtime, storage_of(session), actor, case_id, said, request
        )
    received = request.state.received
    file, case, is_new = await keep_evidence(session, actor, case_id, said, received, now=now)
    if not is_new:
        response.status_code = 200
    set_etag(response, file.version)
    response.headers["Location"] = f"/v1/policy/evidence/{file.row.id}"
    return (await queries.views(session, actor, case, [file]))[0]


@case_router.get("/{case_id}/evidence")
async def list_evidence(case_id: UUID, actor: CaseReader, session: Session) -> EvidenceList:
    """List the files of a case; internal papers and what is shared are shown to officers."""
    case = await cases.case(session, actor, case_id)
    files = await queries.files_of(session, actor, case)
    return EvidenceList(items=await queries.views(session, actor, case, files))


@case_router.get("/{case_id}/materials")
async def list_materials(
    case_id: UUID, actor: CaseReader, session: Session, now: Now
) -> MaterialList:
    """List what the programme asks as proof: held by the state, uploaded, or missing.

    What the state should hold is `missing` while a fact behind it is asked and not there.
    """
    case = await cases.case(session, actor, case_id)
    return await queries.material_list(session, case, await unproved(session, case, now=now))


@router.get("/duplicates", response_model=DuplicateList)
async def list_duplicates(actor: FlagReader, session: Session, page: Page) -> dict[str, Any]:
    """List files, invoices and agents that several applicants share."""
    found = await queries.duplicates(session, actor, page)
    return page_of(found, page, lambda each: [each.kind, each.value])


@router.get("/{evidence_id}")
async def get_evidence(
    evidence_id: UUID, actor: CaseReader, session: Session, response: Response
) -> EvidenceView:
    """Read what is on record of a file."""
    file, case = await queries.file(session, actor, evidence_id)
    set_etag(response, file.version)
    return (await queries.views(session, actor, case, [file]))[0]


@router.post("/{evidence_id}/events", dependencies=[KEYED])
async def move_evidence(
    evidence_id: UUID,
    body: EvidenceDeed,
    actor: EvidenceKeeper,
    session: Session,
    now: Now,
    response: Response,
) -> EvidenceView:
    """Withdraw a file; its record stays with the case."""
    file, case = await withdraw_evidence(session, actor, evidence_id, body, now=now)
    set_etag(response, file.version)
    return (await queries.views(session, actor, case, [file]))[0]


@router.post("/{evidence_id}/links", status_code=201, dependencies=[ANSWER_NEVER_KEPT])
async def link_evidence(
    evidence_id: UUID, actor: LinkAsker, session: Session, now: Now, runtime: CurrentRuntime
) -> LinkView:
    """Obtain a link that gives the file for some minutes, without a token."""
    return await issue_link(
        session, actor, evidence_id, runtime.settings.secret_key, now=now, system_now=system_now()
    )


@router.get("/{evidence_id}/content", response_class=StreamingResponse, responses=CONTENT)
async def download_evidence(
    evidence_id: UUID,
    link: UUID,
    expires: int,
    signature: Annotated[str, Query(max_length=200)],
    actor: Anyone,
    runtime: CurrentRuntime,
) -> Response:
    """Download a file by a link that holds."""
    key = runtime.settings.secret_key
    require_link(key, evidence_id, link, expires, signature, system_now())
    row, content = await in_unit(
        runtime,
        lambda session, now: open_content(session, actor, evidence_id, link, now=now),
    )
    kind = FileType(row.file_type)
    plain, named = f"evidence{SUFFIXES[kind][0]}", quote(row.name)
    # The gateway adds what it adds to every answer: nosniff, no-store, no content of its own.
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{named}",
        "Content-Length": str(row.bytes),
    }
    return StreamingResponse(content, 200, headers, MEDIA_TYPES[kind])
