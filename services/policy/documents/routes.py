from typing import Annotated
from uuid import UUID

from fastapi import Header, Path, Query, Response

from services.kernel.actors import Anyone
from services.kernel.audit import audit
from services.kernel.errors import Conflict, NotFound
from services.kernel.etags import set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.problems import prefers_english
from services.kernel.settings import Profile
from services.kernel.unit import CurrentRuntime, Now, Session, noun_router
from services.policy import pages
from services.policy.documents import queries
from services.policy.documents.access import DocumentReader, Drafter, Issuer
from services.policy.documents.actions.draft_document import draft_document as draft
from services.policy.documents.actions.give_ofd import give_ofd
from services.policy.documents.actions.issue_document import move_document as move
from services.policy.documents.actions.issue_document import preview
from services.policy.documents.actions.keep_file import OFD, PDF
from services.policy.documents.actions.write_document import Stand
from services.policy.documents.rules import DocumentKind, DocumentState
from services.policy.documents.schemas import (
    DocumentDeed,
    DocumentList,
    DocumentView,
    NewDocument,
    VerificationView,
)
from services.policy.pages import PAGES, Accept, wants_page

router = noun_router("policy", "documents")


@router.post("", status_code=201, dependencies=[KEYED])
async def draft_document(
    body: NewDocument,
    actor: Drafter,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    response: Response,
) -> DocumentView:
    """Draft a decision of one case, a payment document (资金下达文件), or a letter (推荐函)."""
    document = await draft(session, actor, body, now=now, stand=_stand(runtime))
    set_etag(response, document.version)
    response.headers["Location"] = f"/v1/policy/documents/{document.id}"
    return await queries.view(session, actor, document)


@router.get("")
async def list_documents(
    actor: DocumentReader,
    session: Session,
    page: Page,
    kind: DocumentKind | None = None,
    state: DocumentState | None = None,
    case: Annotated[UUID | None, Query(description="Documents about this case")] = None,
) -> DocumentList:
    """List the documents that the caller may know of, the newest first."""
    rows = await queries.documents(session, actor, page, kind=kind, state=state, case=case)
    found = page_of(rows, page, lambda row: [row.id])
    items = await queries.summaries(session, found["items"])
    return DocumentList(items=items, next_cursor=found["next_cursor"])


@router.get("/verify/{code}", responses=PAGES)
async def verify_document(
    code: Annotated[str, Path(max_length=60)],
    _: Anyone,
    session: Session,
    accept: Accept = "",
    accept_language: Annotated[str, Header()] = "",
) -> VerificationView:
    """Check a document in hand by its code: its number, day, office, hash and validity."""
    try:
        found = await queries.verification(session, code)
    except NotFound as refusal:
        if not wants_page(accept):
            raise
        return pages.problem(refusal, english=prefers_english(accept_language))  # pyright: ignore[reportReturnType]
    if wants_page(accept):
        return queries.verification_page(found)  # pyright: ignore[reportReturnType]
    return found


@router.get("/{document_id}")
async def get_document(
    document_id: UUID, actor: DocumentReader, session: Session, response: Response
) -> DocumentView:
    """Read one document as data; `allowed_events` is what the caller may do to it now."""
    document = await queries.document(session, actor, document_id)
    set_etag(response, document.version)
    return await queries.view(session, actor, document)


@router.post("/{document_id}/events", dependencies=[KEYED])
async def move_document(
    *,
    document_id: UUID,
    body: DocumentDeed,
    actor: Issuer,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
    response: Response,
) -> DocumentView:
    """Issue a draft as another person than who drafted it, or withdraw a document with a reason."""
    stand = _stand(runtime)
    document = await move(session, actor, document_id, body, now=now, stand=stand)
    set_etag(response, document.version)
    return await queries.view(session, actor, document)


@router.get(
    "/{document_id}/pdf",
    response_class=Response,
    responses={200: {"content": {PDF: {}}, "description": "PDF/A-2u"}},
)
async def get_document_pdf(
    document_id: UUID,
    actor: DocumentReader,
    session: Session,
    now: Now,
    runtime: CurrentRuntime,
) -> Response:
    """Download the issued PDF/A, byte for byte; of a draft a preview, marked as such."""
    document = await queries.document(session, actor, document_id)
    if document.pdf_sha256 is not None:
        content = await queries.content_of(session, document.pdf_sha256)
    elif document.state == DocumentState.DRAFT:
        content = await preview(session, document, stand=_stand(runtime))
    else:
        raise Conflict(
            "草稿已收回，没有签发过的文件可供下载。",
            "The draft was withdrawn; nothing was ever issued.",
            code="never-issued",
        )
    detail = {"number": document.number, "pdf_sha256": document.pdf_sha256}
    audit(session, actor, "document.download", "document", document.id, now=now, detail=detail)
    name = f'attachment; filename="{document.id}.pdf"'
    return Response(content, media_type=PDF, headers={"Content-Disposition": name})


@router.get(
    "/{document_id}/ofd",
    response_class=Response,
    responses={200: {"content": {OFD: {}}, "description": "OFD, as the configured converter made"}},
)
async def get_document_ofd(
    document_id: UUID, actor: DocumentReader, session: Session, now: Now
) -> Response:
    """Download the issued document as OFD, converted once and kept; without a converter 409."""
    document = await queries.document(session, actor, document_id)
    sha256, content = await give_ofd(session, document, now=now)
    detail = {
        "number": document.number, "pdf_sha256": document.pdf_sha256, "ofd_sha256": sha256
    }  # fmt: skip
    audit(session, actor, "document.download", "document", document.id, now=now, detail=detail)
    name = f'attachment; filename="{document.id}.ofd"'
    return Response(content, media_type=OFD, headers={"Content-Disposition": name})


def _stand(runtime: CurrentRuntime) -> Stand:
    settings = runtime.settings
    return Stand(settings.issuer, settings.profile is Profile.DEMONSTRATION)
