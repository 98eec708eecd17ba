"""Issuing and withdrawing documents: typeset first, then locked, looked at again and recorded."""

from datetime import date, datetime
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, invalid_field
from services.kernel.etags import check_version
from services.kernel.outbox import announce
from services.kernel.strict_json import canonical, digest
from services.policy.cases.queries import applicant_of
from services.policy.cases.rules import CaseState
from services.policy.contract.events import DocumentIssued, DocumentWithdrawn, PaymentLine
from services.policy.documents import queries, rules
from services.policy.documents.actions.keep_file import PDF, keep_file
from services.policy.documents.actions.typeset import typesetter_of
from services.policy.documents.actions.write_document import (
    TEMPLATE_OF,
    Letter,
    Order,
    Stand,
    pages_of,
    write_document,
)
from services.policy.documents.models import Document, DocumentCase
from services.policy.documents.queries import LineRow
from services.policy.documents.rules import DocumentEvent, DocumentKind, DocumentState
from services.policy.documents.schemas import CaseLine, DocumentDeed, Minutes
from services.policy.recommendations.actions.take_letter import IssuedLetter, take_letter

NOTE_CHARS_MIN = 2


async def move_document(
    session: AsyncSession,
    actor: Actor,
    document_id: UUID,
    deed: DocumentDeed,
    *,
    now: datetime,
    stand: Stand,
) -> Document:
    """Issue a draft as a second person, or withdraw a document with the reason."""
    # A draft is typeset before anything is locked, and looked at again after it.
    withdraws = deed.event is DocumentEvent.WITHDRAW
    document = await queries.document(session, actor, document_id, for_update=withdraws)
    check_version(deed.version, document.version)
    state = rules.move(DocumentState(document.state), deed.event)
    if withdraws:
        await _withdraw(session, actor, document, deed.note, now=now)
    else:
        await _issue(session, actor, document, now=now, stand=stand)
    document.state, document.version = state, document.version + 1
    await session.flush()
    detail = {"number": document.number, "pdf_sha256": document.pdf_sha256}
    action = f"document.{deed.event}"
    audit(session, actor, action, "document", document.id, now=now, detail=detail)
    return document


async def preview(session: AsyncSession, document: Document, *, stand: Stand) -> bytes:
    """Typeset a draft as it would be issued, marked as a draft and without a code."""
    return await _typeset(session, document, None, at=document.drafted_at, stand=stand)


async def _issue(
    session: AsyncSession, actor: Actor, document: Document, *, now: datetime, stand: Stand
) -> None:
    rules.require_other_person(document.drafted_by, actor.subject)
    await _require_unchanged(session, actor, document, stand)
    version = document.version
    pdf = await _typeset(session, document, city_day(now), at=now, stand=stand)
    locked = await queries.document(session, actor, document.id, for_update=True)
    check_version(version, locked.version)
    lines = await queries.locked_lines(session, document)
    for _, case in lines:
        rules.require_case_state(DocumentKind(document.kind), CaseState(case.state))
    sha256 = document.pdf_sha256 = await keep_file(session, pdf, PDF)
    document.issued_by, document.issued_on, document.issued_at = actor.subject, city_day(now), now
    if document.kind == DocumentKind.PAYMENT:
        announce(session, _issued(document, lines), now=now)
    if document.kind == DocumentKind.LETTER:
        letter = await queries.letter_of(session, document.id)
        issued = IssuedLetter(
            document.id, document.number, city_day(now), sha256,
            replaces=document.replaces is not None,
        )  # fmt: skip
        await take_letter(session, actor, letter.recommendation_id, issued, now=now)


async def _typeset(
    session: AsyncSession, document: Document, on: date | None, *, at: datetime, stand: Stand
) -> bytes:
    content = orjson.loads(document.content)
    pages = pages_of(content, stand, code=document.code, issued_on=on)
    template = TEMPLATE_OF[DocumentKind(document.kind)]
    return await typesetter_of(session).typeset(template, pages, at=at)


async def _require_unchanged(
    session: AsyncSession, actor: Actor, document: Document, stand: Stand
) -> None:
    """Issue what was drafted and seen; where the cases have changed since, a new draft is due."""
    lines = await queries.lines_of(session, document)
    minutes = None
    if document.minutes_number is not None and document.minutes_on is not None:
        minutes = Minutes(number=document.minutes_number, held_on=document.minutes_on)
    cases = [
        CaseLine(
            case=line.case_id, functional_subject=line.functional_subject,
            economic_subject=line.economic_subject, quota_document=line.quota_document,
        )
        for line, _ in lines
    ]  # fmt: skip
    order = Order(
        DocumentKind(document.kind), document.number, cases, minutes,
        year=city_day(document.drafted_at).year, title=document.title,
        letter=await _letter(session, document),
    )  # fmt: skip
    written = await write_document(session, actor, order, stand)
    if digest(canonical(written.content)) != document.content_sha256:
        raise Conflict(
            "拟稿后办件或设置已有变化，请收回草稿重新拟稿。",
            "The cases or settings have changed since the draft; withdraw it and draft anew.",
            code="document-stale",
        )


async def _letter(session: AsyncSession, document: Document) -> Letter | None:
    """Give the ground of a letter as it was drafted."""
    if document.kind != DocumentKind.LETTER:
        return None
    row = await queries.letter_of(session, document.id)
    addressee = str(orjson.loads(document.content)["addressee"])
    return Letter(row.recommendation_id, addressee, replaces=document.replaces is not None)


async def _withdraw(
    session: AsyncSession, actor: Actor, document: Document, note: str, *, now: datetime
) -> None:
    """Take a document back: its number stays taken, its cases are free for another."""
    if len(note.strip()) < NOTE_CHARS_MIN:
        raise invalid_field(
            "/note", "note-required", "收回文书须写明理由。", "Withdrawing needs a reason."
        )
    document.withdrawn_by, document.withdrawn_at = actor.subject, now
    document.withdrawn_for = note.strip()
    for line, _ in await queries.lines_of(session, document):
        line.stands = False
    if document.kind == DocumentKind.LETTER:
        (await queries.letter_of(session, document.id)).stands = False
    if document.issued_on is not None and document.kind == DocumentKind.PAYMENT:
        event = DocumentWithdrawn(document_id=document.id, number=document.number, on=city_day(now))
        announce(session, event, now=now)


def _issued(document: Document, lines: list[LineRow]) -> DocumentIssued:
    told = {each["case"]: each for each in orjson.loads(document.content)["lines"]}
    return DocumentIssued.model_validate(
        {
            "document_id": document.id, "number": document.number,
            "department": document.department, "minutes_number": document.minutes_number,
            "minutes_on": document.minutes_on, "issued_on": document.issued_on,
            "issued_by": document.issued_by, "replaces": document.replaces,
            "pdf_sha256": document.pdf_sha256,
            "total_fen": sum(_fen(line) for line, _ in lines),
            "lines": [
                PaymentLine(
                    case_id=case.id, attempt=line.attempt, programme=case.programme,
                    clause=told[str(case.id)]["clause"], payee=applicant_of(case),
                    amount_fen=_fen(line), functional_subject=line.functional_subject,
                    economic_subject=line.economic_subject, quota_document=line.quota_document,
                )
                for line, case in lines
            ],
        }
    )  # fmt: skip


def _fen(line: DocumentCase) -> int:
    """Give what a payment document pays for a case; the database holds no such line without it."""
    if line.amount_fen is None:
        raise ValueError(f"case {line.case_id} stands in a payment document without an amount")
    return line.amount_fen
