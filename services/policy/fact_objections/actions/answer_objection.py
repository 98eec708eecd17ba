"""The owner's answer: a new statement of the fact, or a reason why the old one stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Forbidden, NotFound, invalid_field
from services.kernel.etags import check_version
from services.kernel.outbox import announce
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, SystemEvent, require_no_stake
from services.policy.contract.facts import FactObjectionAnswered
from services.policy.fact_objections import queries, rules
from services.policy.fact_objections.models import FactObjection
from services.policy.fact_objections.rules import FactObjectionEvent, FactObjectionState
from services.policy.fact_objections.schemas import FactObjectionDeed
from services.policy.firms.queries import wait_until_heard
from services.policy.firms.rules import ground_of
from services.policy.panels.queries import judged_facts
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.prefill.actions.recheck_facts import send_back
from services.policy.prefill.rules import UNDECIDED, UNFROZEN, split_name, value_in
from services.policy.situations.actions import show_answer
from services.policy.situations.queries import Answer, answer_for


@dataclass(frozen=True)
class Answered:
    """One objection as one person answers it, with its case locked."""

    session: AsyncSession
    actor: Actor
    objection: FactObjection
    case: Case
    deed: FactObjectionDeed
    now: datetime


async def answer_objection(
    session: AsyncSession,
    actor: Actor,
    objection_id: UUID,
    deed: FactObjectionDeed,
    *,
    now: datetime,
) -> tuple[FactObjection, Case]:
    """Uphold, dismiss or take back; what was stated is waited for before anything is locked."""
    rules.require_whose(deed.event, actor.roles)
    found, case = await queries.objection(session, actor, objection_id)
    _require_whose(actor, found, case, deed.event)
    rules.require_open(FactObjectionState(found.state))
    statement = deed.data.statement_id
    if (statement is None) is (deed.event is FactObjectionEvent.UPHOLD):
        raise invalid_field(
            "/data/statement_id", "statement-id", "认定成立须写明更正事实的statement_id。",
            "To uphold, give the statement_id that corrected the fact; else give none.",
        )  # fmt: skip
    if statement is not None:
        await wait_until_heard(session, case.applicant_id, statement)
    locked = await cases.case_of_award(session, case.id)
    if locked is None:
        raise NotFound("没有这项对事实的异议。", "There is no such objection to a fact.")
    objection = await queries.locked(session, objection_id)
    rules.require_open(FactObjectionState(objection.state))
    check_version(deed.version, objection.version)
    answered = Answered(session, actor, objection, locked, deed, now)
    was = CaseState(locked.state)
    if deed.event is FactObjectionEvent.UPHOLD and statement is not None:
        await _uphold(answered, statement)
    elif deed.event is FactObjectionEvent.DISMISS:
        objection.answer = rules.require_reason(deed.note)
    objection.state = rules.TO[deed.event]
    objection.version += 1
    objection.answered_by, objection.answered_at = actor.subject, now
    await _tell(answered, was)
    return objection, locked


def _require_whose(
    actor: Actor, objection: FactObjection, case: Case, event: FactObjectionEvent
) -> None:
    """Applicants take back their own; registrars answer, but not about their own firm."""
    applicant = cases.applicant_of(case)
    if event is FactObjectionEvent.WITHDRAW:
        is_right = acts_for(actor, applicant)
    else:
        is_right = actor.department == objection.department
        require_no_stake(actor, applicant)
    if not is_right:
        raise Forbidden(
            "该异议不由您办理。", "This objection is not yours to handle.", code="not-your-case"
        )


async def _uphold(answered: Answered, statement: UUID) -> None:
    """Take the department's new statement, and let the case rest on it."""
    session, case, objection = answered.session, answered.case, answered.objection
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if programme is None:
        raise rules.statement_unfit()
    answer = await answer_for(
        session, programme, cases.applicant_of(case), await decisions(session),
        on=city_day(answered.now), year=case.reference_year,
        judged=await judged_facts(session, case, programme),
    )  # fmt: skip
    objection.stated = _require_corrected(answered, answer, statement)
    objection.statement_id = statement
    objection.answer = answered.deed.note.strip() or None
    if case.state in UNDECIDED:
        await send_back(session, case, now=answered.now)
    if case.state in UNFROZEN:
        show_answer(case, programme, answer)


def _require_corrected(answered: Answered, answer: Answer, statement: UUID) -> Any:
    """Find that the statement is the department's, of this fact, and says something else."""
    name = answered.objection.name
    ground = ground_of(name, answer.firm.grounds)
    stated = value_in(answer.situation.to_json()["facts"], name)
    if ground is not None:
        is_fit = ground.statement_id == statement
        is_fit = is_fit and ground.department == answered.actor.department
    else:
        # The value was withdrawn: nothing is left that a statement could be of.
        is_fit = stated is None
    if not is_fit or stated == answered.objection.held:
        raise rules.statement_unfit()
    return stated


async def _tell(answered: Answered, was: CaseState) -> None:
    session, objection, case = answered.session, answered.objection, answered.case
    fact, year = split_name(objection.name)
    role = min(rules.OWNERS[answered.deed.event] & answered.actor.roles)
    told = {"objection": str(objection.id), "fact": objection.name, "outcome": objection.state}
    await record(
        session, case, SystemEvent.FACT_OBJECTION_ANSWERED, was=was, now=answered.now,
        by=Hand(answered.actor, role), data=told,
    )  # fmt: skip
    audit(
        session, answered.actor, f"fact-objection.{answered.deed.event}", "fact-objection",
        objection.id, now=answered.now,
        detail={"case": str(case.id), "fact": objection.name, "state": objection.state,
                "case_state": case.state},
    )  # fmt: skip
    event = FactObjectionAnswered.model_validate(
        {
            "objection_id": objection.id,
            "case_id": case.id,
            "fact": fact,
            "year": year,
            "department": objection.department,
            "outcome": str(objection.state),
            "statement_id": objection.statement_id,
            "case_state": case.state,
        }
    )
    announce(session, event, now=answered.now)
