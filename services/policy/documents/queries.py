"""Reading documents, and what they are worth today."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from fastapi import Response
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy import pages
from services.policy.cases.access import visible_to as cases_visible_to
from services.policy.cases.models import Case
from services.policy.cases.queries import applicant_of, last_id
from services.policy.cases.rules import CaseState
from services.policy.documents import rules
from services.policy.documents.access import visible_to
from services.policy.documents.models import (
    ConvertedFile,
    Document,
    DocumentCase,
    DocumentLetter,
    KeptFile,
)
from services.policy.documents.rules import (
    KIND_NAMES,
    NEXT,
    VALIDITY_NAMES,
    DocumentEvent,
    DocumentKind,
    DocumentState,
    Validity,
)
from services.policy.documents.schemas import (
    DocumentLine,
    DocumentSummary,
    DocumentView,
    Minutes,
    VerificationView,
)
from services.policy.office import office_of
from services.policy.plan.actions.load_library import library

LineRow = tuple[DocumentCase, Case]


@dataclass(frozen=True)
class Tally:
    """How many cases a document is about, what it pays in all, and the states they are in."""

    cases: int = 0
    total_fen: int = 0
    states: frozenset[CaseState] = frozenset()


async def document(
    session: AsyncSession, actor: Actor, document_id: UUID, *, for_update: bool = False
) -> Document:
    """Find a document that the caller may know of, and lock it where it is about to move."""
    statement = select(Document).where(Document.id == document_id, visible_to(actor))
    if for_update:
        statement = statement.with_for_update(of=Document)
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这份文书。", "There is no such document.")
    return found


async def documents(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    kind: DocumentKind | None,
    state: DocumentState | None,
    case: UUID | None,
) -> list[Document]:
    """List the documents that the caller may know of, the newest first."""
    statement = select(Document).where(visible_to(actor))
    if kind is not None:
        statement = statement.where(Document.kind == kind)
    if state is not None:
        statement = statement.where(Document.state == state)
    if case is not None:
        about = select(DocumentCase.document_id).where(DocumentCase.case_id == case)
        statement = statement.where(Document.id.in_(about))
    if page.after is not None:
        statement = statement.where(Document.id < last_id(page))
    return list(await session.scalars(statement.order_by(Document.id.desc()).limit(page.limit + 1)))


async def lines_of(session: AsyncSession, found: Document) -> list[LineRow]:
    """Read the cases of a document, in their order."""
    return [(line, case) for line, case in await session.execute(_lines(found))]


async def tallies(session: AsyncSession, found: Sequence[Document]) -> dict[UUID, Tally]:
    """Count the cases of some documents without reading them."""
    statement = (
        select(
            DocumentCase.document_id, Case.state, func.count(), func.sum(DocumentCase.amount_fen)
        )
        .join(Case, Case.id == DocumentCase.case_id)
        .where(DocumentCase.document_id.in_([each.id for each in found]))
        .group_by(DocumentCase.document_id, Case.state)
    )
    known: dict[UUID, Tally] = {}
    for document_id, state, count, total_fen in await session.execute(statement):
        so_far = known.get(document_id, Tally())
        known[document_id] = Tally(
            so_far.cases + count,
            so_far.total_fen + int(total_fen or 0),
            so_far.states | {CaseState(state)},
        )
    return known


async def letters(session: AsyncSession, found: Sequence[Document]) -> dict[UUID, UUID]:
    """Name the recommendations that some documents are about, by document."""
    ids = [each.id for each in found if each.kind == DocumentKind.LETTER]
    if not ids:
        return {}
    statement = select(DocumentLetter).where(DocumentLetter.document_id.in_(ids))
    rows = await session.scalars(statement)
    return {each.document_id: each.recommendation_id for each in rows}


async def letter_of(session: AsyncSession, document_id: UUID) -> DocumentLetter:
    return await session.get_one(DocumentLetter, document_id)


async def standing_letter(session: AsyncSession, recommendation_id: UUID) -> UUID | None:
    """Find a letter that already stands for a recommendation."""
    statement = select(DocumentLetter.document_id).where(
        DocumentLetter.recommendation_id == recommendation_id, DocumentLetter.stands
    )
    return await session.scalar(statement.limit(1))


async def locked_lines(session: AsyncSession, found: Document) -> list[LineRow]:
    """Read the cases of a document as they stand now, and keep them so until the end."""
    statement = _lines(found).with_for_update(read=True, of=Case)
    rows = await session.execute(statement.execution_options(populate_existing=True))
    return [(line, case) for line, case in rows]


async def cases_by_id(session: AsyncSession, actor: Actor, ids: Sequence[UUID]) -> dict[UUID, Case]:
    """Find those of the cases that the caller may know of."""
    statement = select(Case).where(Case.id.in_(ids), cases_visible_to(actor))
    return {each.id: each for each in await session.scalars(statement)}


async def replacements(session: AsyncSession, found: Sequence[Document]) -> dict[UUID, Document]:
    """Find the issued documents that stand in the place of others."""
    statement = select(Document).where(
        Document.replaces.in_([each.id for each in found]), Document.state == DocumentState.ISSUED
    )
    return {each.replaces: each for each in await session.scalars(statement) if each.replaces}


async def documents_of_case(session: AsyncSession, case_id: UUID) -> Sequence[Document]:
    """List every document that was issued about a case, in the order of issue."""
    about = select(DocumentCase.document_id).where(DocumentCase.case_id == case_id)
    statement = select(Document).where(Document.id.in_(about), Document.issued_on.is_not(None))
    return (await session.scalars(statement.order_by(Document.issued_at))).all()


async def standing(
    session: AsyncSession, kind: DocumentKind, case_ids: Sequence[UUID]
) -> UUID | None:
    """Find a document of the kind that already stands for one of the cases."""
    statement = select(DocumentCase.document_id).where(
        DocumentCase.case_id.in_(case_ids), DocumentCase.kind == kind, DocumentCase.stands
    )
    return await session.scalar(statement.limit(1))


async def number_is_taken(session: AsyncSession, number: str) -> bool:
    taken = (Document.state != DocumentState.WITHDRAWN) | Document.issued_on.is_not(None)
    statement = select(Document.id).where(Document.number == number, taken).limit(1)
    return await session.scalar(statement) is not None


async def content_of(session: AsyncSession, sha256: str) -> bytes:
    """Give the bytes that are kept under a hash."""
    return (await session.get_one(KeptFile, sha256)).content


async def converted(session: AsyncSession, sha256: str, media_type: str) -> str | None:
    """Find what a kept file became in another format."""
    statement = select(ConvertedFile.sha256).where(
        ConvertedFile.source_sha256 == sha256, ConvertedFile.media_type == media_type
    )
    return await session.scalar(statement)


async def verification(session: AsyncSession, code: str) -> VerificationView:
    """Tell anybody what a document with this code is worth; an unissued one is not known."""
    statement = select(Document).where(
        Document.code == rules.plain_code(code), Document.issued_on.is_not(None)
    )
    found = await session.scalar(statement)
    if found is None or found.issued_on is None or found.pdf_sha256 is None:
        raise rules.code_unknown()
    tally = (await tallies(session, [found])).get(found.id, Tally())
    replaced_by = (await replacements(session, [found])).get(found.id)
    worth = _validity(found, tally, replaced_by)
    return VerificationView(
        kind=DocumentKind(found.kind), kind_name=KIND_NAMES[found.kind][0], number=found.number,
        issued_on=found.issued_on, department=department_name(session, found.department),
        sha256=found.pdf_sha256, validity=worth, validity_name=VALIDITY_NAMES[worth][0],
        addressee=await _addressee(session, found), replaced_by=replaced_by and replaced_by.number,
        demonstration=bool(orjson.loads(found.content).get("demonstration")),
    )  # fmt: skip


def verification_page(found: VerificationView) -> Response:
    """Write what a code tells as a page for whoever scans it."""
    worth = found.validity_name
    if found.demonstration:
        worth = f"{worth}（演示文书，不具有法律效力）"
    rows = [
        ("效力", worth), ("文书", found.kind_name), ("文号", found.number),
        ("印发日期", found.issued_on), ("机关", found.department), ("送达", found.addressee),
        ("由此文书代替", found.replaced_by), ("SHA-256", found.sha256),
    ]  # fmt: skip
    return pages.page(
        "文书验证", pages.table(("事项", "内容"), (row for row in rows if row[1] is not None))
    )


def department_name(session: AsyncSession, code: str) -> str:
    """Give the name by which an office signs."""
    known = library().departments.get(code)
    return office_of(session).departments.get(code) or (known.name if known else code)


async def summaries(session: AsyncSession, found: Sequence[Document]) -> list[DocumentSummary]:
    """Show some documents as a list does."""
    tally, replaced = await tallies(session, found), await replacements(session, found)
    of = await letters(session, found)
    return [
        _summary(each, tally.get(each.id, Tally()), replaced.get(each.id), of.get(each.id))
        for each in found
    ]


def _summary(
    found: Document, tally: Tally, replaced_by: Document | None, recommendation: UUID | None
) -> DocumentSummary:
    is_payment = found.kind == DocumentKind.PAYMENT
    minutes = None
    if found.minutes_number is not None and found.minutes_on is not None:
        minutes = Minutes(number=found.minutes_number, held_on=found.minutes_on)
    return DocumentSummary(
        id=found.id, kind=DocumentKind(found.kind), number=found.number, title=found.title,
        department=found.department, state=DocumentState(found.state), version=found.version,
        validity=_validity(found, tally, replaced_by) if found.issued_on else None,
        cases=tally.cases, minutes=minutes, replaces=found.replaces,
        recommendation=recommendation,
        total_fen=tally.total_fen if is_payment else None,
        drafted_by=found.drafted_by, drafted_at=found.drafted_at, issued_by=found.issued_by,
        issued_on=found.issued_on, pdf_sha256=found.pdf_sha256,
        withdrawn_for=found.withdrawn_for,
    )  # fmt: skip


async def view(session: AsyncSession, actor: Actor, found: Document) -> DocumentView:
    """Show a document whole, with what the caller may do about it."""
    lines = await lines_of(session, found)
    (summary,) = await summaries(session, [found])
    return DocumentView(
        **summary.model_dump(),
        verification_code=rules.grouped_code(found.code) if found.issued_on else None,
        content=orjson.loads(found.content), content_sha256=found.content_sha256,
        lines=[_line(line, case) for line, case in lines],
        allowed_events=_allowed(actor, found),
    )  # fmt: skip


def _line(line: DocumentCase, case: Case) -> DocumentLine:
    return DocumentLine(
        position=line.position, case=case.id, case_state=case.state, payee=applicant_of(case),
        payee_name=case.applicant_name, programme=case.programme, amount_fen=line.amount_fen,
        functional_subject=line.functional_subject, economic_subject=line.economic_subject,
        quota_document=line.quota_document,
    )  # fmt: skip


def _lines(found: Document) -> Select[tuple[DocumentCase, Case]]:
    return (
        select(DocumentCase, Case)
        .join(Case, Case.id == DocumentCase.case_id)
        .where(DocumentCase.document_id == found.id)
        .order_by(DocumentCase.position)
    )


def _validity(found: Document, tally: Tally, replaced_by: Document | None) -> Validity:
    return rules.validity(
        DocumentState(found.state), DocumentKind(found.kind), tally.states,
        is_replaced=replaced_by is not None,
    )  # fmt: skip


async def _addressee(session: AsyncSession, found: Document) -> str | None:
    """Mask the one addressee of a decision; a confidential programme's is not told at all.

    A letter goes to an office, which is no secret.
    """
    if found.kind == DocumentKind.PAYMENT:
        return None
    if found.kind == DocumentKind.LETTER:
        return str(orjson.loads(found.content)["addressee"])
    ((_, case),) = await lines_of(session, found)
    programme = library().programmes.get(case.programme)
    if programme is None or programme.compiled.programme.confidential:
        return None
    return rules.masked_name(case.applicant_name)


def _allowed(actor: Actor, found: Document) -> list[DocumentEvent]:
    if not actor.has(Role.APPROVER):
        return []
    is_own = actor.subject == found.drafted_by
    return [
        event
        for event in NEXT[DocumentState(found.state)]
        if not (event is DocumentEvent.ISSUE and is_own)
    ]
