"""Opening a case: a draft that shows what is known of the applicant and what follows from it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, Refusal, invalid_field
from services.kernel.ids import new_id
from services.policy.calls.queries import call_for
from services.policy.cases import queries, rules
from services.policy.cases.access import acts_for
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import FIRM, CaseState, ReservationState, SystemEvent
from services.policy.cases.schemas import NewCase
from services.policy.contract.events import Matter, Party
from services.policy.firms.queries import firm_not_found
from services.policy.gates.rules import require_live
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import BENEFICIARY_NAMES, PlanProgramme
from services.policy.situations.actions import show_answer
from services.policy.situations.queries import answer_for
from services.policy.titles.rules import reassessed

EXTERNAL_KEY = "uq_policy_case_external"


async def open_case(
    session: AsyncSession,
    actor: Actor,
    new: NewCase,
    *,
    now: datetime,
    after: UUID | None,
    demonstration: bool,
) -> Case:
    """Begin a case for the applicant that the actor acts for."""
    on = city_day(now)
    programme = _programme(new.programme, on)
    applicant, matter = new.applicant.party(), new.matter.matter()
    _require_applicant(actor, applicant, programme)
    call = await call_for(session, new.call, programme, applicant.id, on)
    if not demonstration:
        require_live(programme, library(), on)
    year = rules.require_matter(matter, programme, on)
    known = await decisions(session)
    answer = await answer_for(session, programme, applicant, known, on=on, year=year, after=after)
    case = draft(actor, programme, applicant, matter, now)
    case.applicant_name, case.reference_year = answer.firm.state.name, year
    case.call_id = call.id if call else None
    case.without_money = programme.compiled.programme.amount is None
    before = case.reassesses = reassessed(programme, answer.firm.state.recognitions, on)
    if new.external_ref is not None:
        case.external_ref, case.external_system = new.external_ref, actor.client_id
    show_answer(case, programme, answer)
    try:
        async with session.begin_nested():
            session.add(case)
            await session.flush()
    except IntegrityError as error:
        if EXTERNAL_KEY in str(error.orig):
            raise external_ref_used() from None
        raise _already_open(await queries.open_case_id(session, case)) from None
    # Only now: this case bars whatever would be begun beside it, and what is awarded can be seen.
    existing = await queries.open_case_id(session, case)
    if existing is not None:
        raise _already_open(existing)
    data: dict[str, Any] = {"programme": programme.id, "matter": matter.key()}
    if before is not None:
        data["reassesses"] = before["record"]
    by = Hand(actor, "firm" if applicant.kind == FIRM else "institution")
    await record(session, case, SystemEvent.CREATED, was=None, now=now, by=by, data=data)
    return case


def draft(
    actor: Actor, programme: PlanProgramme, applicant: Party, matter: Matter, now: datetime
) -> Case:
    """Begin a case; what is known of its applicant is still to be shown on it."""
    return Case(
        id=new_id(), plan=programme.plan.id, programme=programme.id,
        measure=programme.measure.number, applicant_kind=applicant.kind,
        applicant_id=applicant.id, matter_kind=matter.kind, matter_id=matter.id,
        matter_period=matter.period, open_key=rules.open_key(matter, programme),
        state=CaseState.DRAFT, version=1, person_version=1, attempt=0, award_version=0,
        reservation_state=ReservationState.NONE, created_by=actor.subject, created_at=now,
        changed_at=now,
    )  # fmt: skip


def _programme(programme_id: str, on: date) -> PlanProgramme:
    programme = library().programme_on(programme_id, on)
    if programme is None:
        raise programme_unknown("/programme", programme_id, library().programmes)
    return programme


def _require_applicant(actor: Actor, applicant: Party, programme: PlanProgramme) -> None:
    beneficiary = programme.compiled.programme.beneficiary
    if applicant.kind != beneficiary:
        zh, en = BENEFICIARY_NAMES[beneficiary]
        raise invalid_field(
            "/applicant/kind", "applicant-kind", f"该项目的申报主体为{zh}。",
            f"This programme is for: {en}.",
        )  # fmt: skip
    if applicant.kind != FIRM:
        zh, en = BENEFICIARY_NAMES[beneficiary]
        raise invalid_field(
            "/programme", "applicant-kind-unsupported",
            f"平台尚未接入{zh}的登记，无从核对条件，暂不能在此申报；"
            "请向牵头部门提出，办结后由其作为以往年度的办件导入。",
            f"No register of this kind of applicant ({en.lower()}) is joined yet, so that nothing"
            " could be checked; turn to the lead department, which enters the case once it is"
            " decided.",
        )  # fmt: skip
    if not acts_for(actor, applicant):
        raise firm_not_found()


def external_ref_used() -> Refusal:
    return Conflict(
        "本系统已用此external_ref登记过一份办件；请按external_ref查询该件，或另编一个。",
        "This system has used this external_ref for a case; find it by external_ref, or choose"
        " another.",
        code="external-ref-used",
    )


def _already_open(existing: UUID | None) -> Refusal:
    return Conflict(
        f"同一项目、同一事项已有在办件{existing}，请继续办理该件。",
        f"Case {existing} is already open for this programme and matter; go on with that one.",
        code="case-exists",
        headers={"Location": f"/v1/policy/cases/{existing}"} if existing else {},
    )
