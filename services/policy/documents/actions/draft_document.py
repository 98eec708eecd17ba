"""Drafting a document: its content is fixed here, and a second person issues just that."""

import secrets
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.kernel.ids import new_id
from services.kernel.strict_json import canonical, digest
from services.policy.cases.models import Case
from services.policy.documents import queries
from services.policy.documents.access import may_draft
from services.policy.documents.actions.write_document import Letter, Order, Stand, write_document
from services.policy.documents.models import Document, DocumentCase, DocumentLetter
from services.policy.documents.rules import (
    CODE_ALPHABET,
    CODE_CHARS,
    DocumentKind,
    DocumentState,
)
from services.policy.documents.schemas import CaseLine, NewDocument


async def draft_document(
    session: AsyncSession, actor: Actor, new: NewDocument, *, now: datetime, stand: Stand
) -> Document:
    """Draft a decision of one case, a payment document of many, or a letter."""
    letter = _letter(new)
    _require_shape(new)
    if not may_draft(actor, new.kind):
        raise Forbidden(
            "资金下达文件由审批人拟稿。", "A payment document is drafted by an approver.",
            code="role-required",
        )  # fmt: skip
    order = Order(
        new.kind, new.number, new.cases, new.minutes, year=city_day(now).year, title=new.title,
        letter=letter,
    )  # fmt: skip
    written = await write_document(session, actor, order, stand)
    await _require_free(session, new)
    if new.replaces is not None:
        await _require_replaceable(session, actor, new, new.replaces)
    content = canonical(written.content)
    document = Document(
        id=new_id(), kind=new.kind, number=new.number, title=written.content["title"],
        department=written.department, state=DocumentState.DRAFT, version=1, code=_fresh_code(),
        minutes_number=new.minutes and new.minutes.number,
        minutes_on=new.minutes and new.minutes.held_on, replaces=new.replaces, content=content,
        content_sha256=digest(content), drafted_by=actor.subject, drafted_at=now,
    )  # fmt: skip
    session.add(document)
    await session.flush()
    if letter is not None:
        session.add(
            DocumentLetter(
                document_id=document.id, recommendation_id=letter.recommendation, stands=True
            )
        )
    session.add_all(
        _line(document, position, line, case)
        for position, (line, case, _) in enumerate(written.rows, start=1)
    )
    await session.flush()
    detail = {"kind": new.kind, "number": new.number, "content_sha256": document.content_sha256}
    audit(session, actor, "document.draft", "document", document.id, now=now, detail=detail)
    return document


def _line(document: Document, position: int, line: CaseLine, case: Case) -> DocumentCase:
    is_payment = document.kind == DocumentKind.PAYMENT
    return DocumentCase(
        document_id=document.id, position=position, case_id=case.id, kind=document.kind,
        stands=True, attempt=case.attempt,
        amount_fen=case.reservation_amount_fen if is_payment else None,
        functional_subject=line.functional_subject, economic_subject=line.economic_subject,
        quota_document=line.quota_document,
    )  # fmt: skip


def _letter(new: NewDocument) -> Letter | None:
    """Give the ground of a letter; other kinds have none, and a letter has no cases."""
    if new.kind is not DocumentKind.LETTER:
        for pointer, given in (
            ("/recommendation", new.recommendation), ("/addressee", new.addressee),
        ):  # fmt: skip
            if given is not None:
                raise invalid_field(
                    pointer, "letter-only", "此项只用于推荐函。", "This is for letters only."
                )
        return None
    if new.cases:
        raise invalid_field(
            "/cases", "cases-unexpected", "推荐函依据推荐申报制发，不列办件。",
            "A letter is about a recommendation and lists no cases.",
        )  # fmt: skip
    if new.recommendation is None:
        raise invalid_field(
            "/recommendation", "recommendation-required", "推荐函须写明推荐申报的编号。",
            "A letter names its recommendation.",
        )  # fmt: skip
    if new.addressee is None:
        raise invalid_field(
            "/addressee", "addressee-required", "推荐函须写明主送的上级部门。",
            "A letter names the upper department that it goes to.",
        )  # fmt: skip
    return Letter(new.recommendation, new.addressee, replaces=new.replaces is not None)


def _require_shape(new: NewDocument) -> None:
    """Require one case of a decision, and of a payment minutes and each case once."""
    is_payment = new.kind is DocumentKind.PAYMENT
    if is_payment and new.minutes is None:
        raise invalid_field(
            "/minutes", "minutes-required", "资金下达须写明集体决策的会议纪要文号和日期。",
            "A payment names the minutes of the collective decision, with number and day.",
        )  # fmt: skip
    if not is_payment and new.minutes is not None:
        raise invalid_field(
            "/minutes", "minutes-unexpected", "会议纪要只用于资金下达文件。",
            "Minutes belong to payment documents only.",
        )  # fmt: skip
    if new.kind is DocumentKind.LETTER:
        return
    if not new.cases:
        raise invalid_field(
            "/cases", "cases-required", "须列明办件。", "Name the cases of the document."
        )
    if not is_payment and len(new.cases) != 1:
        raise invalid_field(
            "/cases", "one-case", "决定书只就一份办件制发。", "A decision is about one case."
        )
    if len({line.case for line in new.cases}) != len(new.cases):
        raise invalid_field(
            "/cases", "case-twice", "同一办件只能列一次。", "A case is listed once only."
        )


async def _require_free(session: AsyncSession, new: NewDocument) -> None:
    """One number, one document; one standing document of a kind for each case."""
    if await queries.number_is_taken(session, new.number):
        raise Conflict(
            "该发文字号已被使用，请另编字号。", "This number is taken; give another one.",
            code="number-taken",
        )  # fmt: skip
    ids = [line.case for line in new.cases]
    stands = await queries.standing(session, new.kind, ids)
    if new.recommendation is not None:
        stands = await queries.standing_letter(session, new.recommendation)
    if stands is not None:
        raise Conflict(
            "所列办件或推荐申报已有同类文书；如须更正，请先收回原文书。",
            "A document of this kind already stands for one of the cases, or for the"
            " recommendation; withdraw it first.",
            code="document-stands",
        )


async def _require_replaceable(
    session: AsyncSession, actor: Actor, new: NewDocument, document_id: UUID
) -> None:
    """Replace only a document of the same kind that was issued and withdrawn, and only once."""
    old = await queries.document(session, actor, document_id)
    was_withdrawn = old.state == DocumentState.WITHDRAWN and old.issued_on is not None
    is_alike = old.kind == new.kind
    if is_alike and new.recommendation is not None:
        is_alike = (
            await queries.letter_of(session, old.id)
        ).recommendation_id == new.recommendation
    if not is_alike or not was_withdrawn or await queries.replacements(session, [old]):
        raise Conflict(
            "只能替代同类、已签发后收回且未被替代的文书。",
            "Only a document of the same kind that was issued, withdrawn and not yet replaced can"
            " be replaced.",
            code="not-replaceable",
        )


def _fresh_code() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))
