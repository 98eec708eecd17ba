"""Writing the content of any document from its cases as they stand, and the data of its pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, NotFound
from services.policy.cases.models import Case
from services.policy.cases.queries import applicant_of
from services.policy.cases.rules import CaseState, require_no_stake
from services.policy.documents import queries
from services.policy.documents.actions.typeset import qr_svg
from services.policy.documents.actions.write_decision import write_decision
from services.policy.documents.actions.write_letter import write_letter
from services.policy.documents.actions.write_payment import PaymentRow, write_payment
from services.policy.documents.rules import (
    DocumentKind,
    chinese_day,
    grouped_code,
    require_case_state,
    require_one_department,
)
from services.policy.documents.schemas import CaseLine, Minutes
from services.policy.office import office_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.recommendations import queries as recommendations

TEMPLATE_OF = {
    DocumentKind.APPROVAL: "decision.typ",
    DocumentKind.REFUSAL: "decision.typ",
    DocumentKind.REVOCATION: "decision.typ",
    DocumentKind.PAYMENT: "payment.typ",
    DocumentKind.LETTER: "letter.typ",
}
VERIFICATION_PATH = "/v1/policy/documents/verify/"


@dataclass(frozen=True)
class Stand:
    """Where this installation stands: the public address, and whether it is in earnest."""

    address: str
    demonstration: bool


@dataclass(frozen=True)
class Letter:
    """The recommendation that a letter is about, and the upper department that it goes to."""

    recommendation: UUID
    addressee: str
    replaces: bool


@dataclass(frozen=True)
class Order:
    """What document is to be written, of which cases; a title of its own where one is given."""

    kind: DocumentKind
    number: str
    lines: Sequence[CaseLine]
    minutes: Minutes | None
    year: int
    title: str | None
    letter: Letter | None = None


@dataclass(frozen=True)
class Written:
    """What a document says, the department that says it, and the cases it is about."""

    content: dict[str, Any]
    department: str
    rows: list[PaymentRow]


async def write_document(
    session: AsyncSession, actor: Actor, order: Order, stand: Stand
) -> Written:
    """Write a document of what the actor sees and has no stake in: cases, or a recommendation."""
    if order.letter is not None:
        return await _write_letter(session, actor, order, order.letter, stand)
    rows = await _rows(session, actor, order.lines)
    for _, case, _ in rows:
        require_case_state(order.kind, CaseState(case.state))
        require_no_stake(actor, applicant_of(case))
    department = require_one_department(programme.lead_code for _, _, programme in rows)
    if order.kind is DocumentKind.PAYMENT and order.minutes is not None:
        _require_open([programme for _, _, programme in rows])
        content = write_payment(rows, order.minutes, year=order.year)
    else:
        _require_remedies(session)
        ((_, case, programme),) = rows
        content = await write_decision(session, order.kind, case, programme)
    return Written(_headed(session, order, content, department, stand), department, rows)


async def _write_letter(
    session: AsyncSession, actor: Actor, order: Order, letter: Letter, stand: Stand
) -> Written:
    """Write a letter in the name of the department that leads the programme."""
    found = await recommendations.recommendation(session, actor, letter.recommendation)
    name = queries.department_name(session, found.department)
    content = await write_letter(
        session, actor, found.id, addressee=letter.addressee, department=name,
        replaces=letter.replaces,
    )  # fmt: skip
    return Written(_headed(session, order, content, found.department, stand), found.department, [])


def _headed(
    session: AsyncSession, order: Order, content: dict[str, Any], department: str, stand: Stand
) -> dict[str, Any]:
    return {
        **content,
        "kind": order.kind,
        "number": order.number,
        "title": order.title or content["title"],
        "department": queries.department_name(session, department),
        "demonstration": stand.demonstration,
    }


def pages_of(
    content: dict[str, Any], stand: Stand, *, code: str, issued_on: date | None
) -> dict[str, Any]:
    """Give the template what it shows: the content, and the issue where there is one."""
    issued = None
    if issued_on is not None:
        address = f"{stand.address.rstrip('/')}{VERIFICATION_PATH}{code}"
        issued = {
            "day": chinese_day(issued_on),
            "code": grouped_code(code),
            "address": address,
            "qr": qr_svg(address),
        }
    return {
        **content,
        "issued": issued,
        "mark": None if issued else "草稿",
        "notice": "（演示文书，不具有法律效力）" if content["demonstration"] else None,
    }


async def _rows(session: AsyncSession, actor: Actor, lines: Sequence[CaseLine]) -> list[PaymentRow]:
    """Find the cases in the order of their lines, each with the wording it was opened under."""
    found = await queries.cases_by_id(session, actor, [line.case for line in lines])
    if len(found) != len(lines):
        raise NotFound("没有这份办件。", "There is no such case.")
    return [(line, found[line.case], _programme(found[line.case])) for line in lines]


def _programme(case: Case) -> PlanProgramme:
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if programme is None:
        raise Conflict(
            "该项目已不在现行政策之列，不能据以制发文书。",
            "The programme is no longer part of the plans; no document can be made of it.",
            code="programme-gone",
        )
    return programme


def _require_open(programmes: Sequence[PlanProgramme]) -> None:
    """Name no confidential programme beside others; its owner pays it by a document of its own."""
    if any(each.compiled.programme.confidential for each in programmes):
        raise Conflict(
            "保密项目不列入资金下达文件，由主管部门另行办理。",
            "A confidential programme is not listed in a payment document; its owner handles it.",
            code="confidential-programme",
        )


def _require_remedies(session: AsyncSession) -> None:
    if office_of(session).remedies.reconsideration.authority is None:
        raise Conflict(
            "行政复议机关尚未设置，决定书不能写明救济途径，不能制发。",
            "No authority of reconsideration is set, so a decision could not name its remedies.",
            code="remedies-unset",
        )
