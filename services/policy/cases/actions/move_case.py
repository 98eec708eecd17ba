"""Moving a case by what a person does to it: one row lock, one transition, one row of history."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, Forbidden, Refusal, invalid_field
from services.kernel.etags import check_version
from services.kernel.outbox import announce
from services.kernel.problems import refusal_from_validation
from services.policy.base import calendar_of
from services.policy.calls.queries import require_listed, require_place
from services.policy.cases import queries, rules
from services.policy.cases.access import acts_for
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import (
    APPLICANT,
    APPROVER,
    REVIEWER,
    CaseEvent,
    CaseState,
    Move,
    Outcome,
    ReservationState,
)
from services.policy.cases.schemas import CaseDeed, DecideData, NoData, ObjectData, ProposeData
from services.policy.contract.events import AwardProposed, CaseDecided, CaseEnded
from services.policy.evidence.queries import require_materials
from services.policy.fact_objections.queries import require_uncontested
from services.policy.firms.queries import wait_until_heard
from services.policy.matches.actions.mark_due import mark_due
from services.policy.notices.actions.end_notice import publish_result
from services.policy.notices.actions.receive_objection import object_as_applicant
from services.policy.notices.rules import ItemResult, require_notice_over
from services.policy.offers.actions.answer_offer import answer_offer
from services.policy.offers.rules import OfferState
from services.policy.overrides.actions import overridden_amount, record_override
from services.policy.overrides.rules import require_departure
from services.policy.panels.queries import judged_facts
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import stacking_mode
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import DatedParameter, PlanProgramme
from services.policy.recusals.queries import require_not_recused
from services.policy.situations.actions import freeze_situation, show_answer
from services.policy.situations.queries import Answer, answer_for
from services.policy.situations.rules import require_payable
from services.policy.stacking.rules import OWN_LEVEL, require_known
from services.policy.steps.actions.open_steps import (
    open_steps,
    require_decidable,
    require_reviewed,
)
from services.policy.titles.actions import go_on, grant_title
from services.policy.titles.rules import (
    require_call,
    require_grantable,
    require_known_checks,
    require_noticed,
)
from services.rulebook import Assessment
from services.rulebook.stacking import Position, StackingMode, limits_from

DataT = TypeVar("DataT", bound=BaseModel)


@dataclass(frozen=True)
class Deed:
    """One event of one case, by whom and when."""

    session: AsyncSession
    actor: Actor
    case: Case
    body: CaseDeed
    now: datetime

    @property
    def on(self) -> date:
        return city_day(self.now)

    def data(self, shape: type[DataT]) -> DataT:
        """Read the event's data, or name the field that does not fit."""
        try:
            return shape.model_validate(self.body.data)
        except ValidationError as error:
            found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
            raise refusal_from_validation(found) from None


async def move_case(
    session: AsyncSession,
    actor: Actor,
    case_id: UUID,
    body: CaseDeed,
    *,
    now: datetime,
    after: UUID | None,
) -> Case:
    """Do one event to a case, if this person may do it in this state.

    What was stated is waited for before the case is locked, so that nobody else waits for it.
    """
    if after is not None:
        known = await queries.case(session, actor, case_id)
        await wait_until_heard(session, known.applicant_id, after)
    case = await queries.case(session, actor, case_id, for_update=True)
    was = CaseState(case.state)
    offered = case.offer_batch_id is not None
    move = rules.move(was, body.event, actor.roles, offered=offered)
    deed = Deed(session, actor, case, body, now)
    await _require_whose(deed, move)
    if body.event is CaseEvent.PROPOSE and not queries.may_propose(case):
        # Of two who propose at once, the second is told of the state and not of a version.
        raise rules.not_allowed(was, body.event)
    if not case.person_version <= body.version <= case.version:
        check_version(body.version, case.version)
    effect = EFFECTS.get(body.event)
    target = await effect(deed) if effect else _plainly(deed, move)
    case.state = target
    case.version += 1
    case.person_version = case.version
    by = Hand(actor, min(move.who & actor.roles), body.note)
    await record(session, case, body.event, was=was, now=now, by=by, data=body.data)
    if case.without_money:
        await go_on(session, case, now=now)
    if case.applicant_kind == rules.FIRM and (was in rules.RECEIVED) is not (
        CaseState(case.state) in rules.RECEIVED
    ):
        await mark_due(session, case.applicant_id)
    return case


async def _require_whose(deed: Deed, move: Move) -> None:
    """Applicants move their own case; officers move no case that they have a stake in."""
    applicant = queries.applicant_of(deed.case)
    if move.who == APPLICANT:
        if not acts_for(deed.actor, applicant):
            raise _not_yours()
        return
    rules.require_no_stake(deed.actor, applicant)
    await require_not_recused(deed.session, deed.case.id, deed.actor)
    if move.who == REVIEWER and not await queries.may_review(
        deed.session, deed.actor, deed.case.id
    ):
        raise _not_yours()
    if move.who == APPROVER:
        reviewers = await queries.reviewers(deed.session, deed.case.id)
        rules.require_other_person(deed.actor.subject, reviewers)


def _plainly(deed: Deed, move: Move) -> CaseState:
    deed.data(NoData)
    return move.to[0]


async def _look_again(deed: Deed) -> CaseState:
    """Show the facts as they are now to whoever takes the case up next."""
    deed.data(NoData)
    if deed.body.event in (CaseEvent.SUBMIT, CaseEvent.COMPLETE):
        await require_materials(deed.session, deed.case)
    programme = _programme(deed.case)
    answer = await _answer(deed, programme)
    show_answer(deed.case, programme, answer)
    return rules.NEXT[CaseState(deed.case.state)][deed.body.event].to[0]


async def _review(deed: Deed) -> CaseState:
    """Look again, and open the steps that the programme asks for."""
    target = await _look_again(deed)
    await open_steps(deed.session, deed.case, now=deed.now)
    return target


async def _propose(deed: Deed) -> CaseState:
    """Freeze the situation and ask finance to reserve; or propose that the case be refused."""
    case, data = deed.case, deed.data(ProposeData)
    outcome, override = data.outcome, data.override
    if override is not None and outcome is not Outcome.APPROVE:
        raise invalid_field(
            "/data/override", "override-outcome", "突破规则只用于提请批准。",
            "An override is for proposing approval.",
        )  # fmt: skip
    await require_uncontested(deed.session, case)
    programme = _programme(case)
    answer = await _answer(deed, programme)
    amount_fen = None
    require_known_checks(programme, data.checked)
    if outcome is Outcome.APPROVE:
        await require_reviewed(deed.session, case, now=deed.now)
        await require_place(deed.session, case)
        amount_fen = _proposed_amount(case, programme, answer, data)
    case.attempt += 1
    case.proposed_outcome, case.reviewed_by = outcome, deed.actor.subject
    case.reservation_amount_fen = case.reservation_line = None
    case.reservation_reason = case.reservation_reason_en = case.reservation_reason_code = None
    case.reservation_state = ReservationState.NONE
    await deed.session.flush()
    await freeze_situation(deed.session, case, programme, answer, now=deed.now)
    if override is not None:
        await record_override(
            deed.session, deed.actor, case, answer, override, amount_fen, now=deed.now
        )
    if amount_fen is not None:
        case.reservation_state = ReservationState.PENDING
        await _ask_finance(deed, programme, answer.assessment, amount_fen)
    return CaseState.PROPOSED


def _proposed_amount(
    case: Case, programme: PlanProgramme, answer: Answer, data: ProposeData
) -> int | None:
    """Give the amount to propose; None where the programme gives something else than money."""
    assessment, override = answer.assessment, data.override
    if case.without_money:
        require_call(programme, case.call_id)
        if override is None:
            require_grantable(assessment, programme, data.checked)
        else:
            require_departure(assessment.outcome, override.amount_fen)
        return None
    if override is None:
        return require_payable(assessment, programme.compiled.vocabulary)
    return overridden_amount(programme.compiled, answer, override)


async def _ask_finance(
    deed: Deed, programme: PlanProgramme, assessment: Assessment, amount_fen: int
) -> None:
    """Ask for money under terms that are frozen here: finance looks no rule up."""
    case, rule, stacking = deed.case, programme.compiled.programme, library().stacking
    mode = await _stacking_mode(deed)
    applicant, matter = queries.applicant_of(case), queries.matter_of(case)
    position = Position(
        programme=programme.id, level=OWN_LEVEL, matter=matter.key(),
        group=programme.stacking_group, relation=rule.relation, year=deed.on.year,
    )  # fmt: skip
    terms = stacking.terms(StackingMode(str(mode.value)))
    plan = library().plans[stacking.highest.plan]
    event = AwardProposed(
        case_id=case.id, attempt=case.attempt, programme=programme.id,
        measure=programme.measure.number, beneficiary=applicant, payee=applicant,
        matter=matter, budget_year=position.year, amount_fen=amount_fen,
        amount_kind=rule.amount_kind, relation=rule.relation,
        stacking_group=programme.stacking_group, stacking_mode=terms.mode.value,
        stacking_source=mode.source, clause=programme.clause,
        department=programme.lead_code, proposed_by=deed.actor.subject, on=deed.on,
        ceilings=require_known(limits_from(assessment.ceilings)),
        one_clause=tuple(each for each in terms.rules if each.names(position)),
        stacking_clause=terms.clause, stacking_version=f"{plan.id}@{plan.version}",
    )  # fmt: skip
    announce(deed.session, event, now=deed.now)


async def _stacking_mode(deed: Deed) -> DatedParameter:
    dated = stacking_mode(library(), await decisions(deed.session), deed.on)
    if dated is None:
        raise Conflict(
            "重复补助的处理方式在当日没有取值，不能提请。",
            "No stacking mode is in force on this day, so nothing can be proposed.",
            code="parameter-unset",
        )
    return dated


async def _decide(deed: Deed) -> CaseState:
    """Decide as another person than the reviewers, once the notice is over."""
    case, decision = deed.case, deed.data(DecideData)
    outcome = decision.outcome
    item = await queries.listed_item(deed.session, case)
    if item is not None and case.state == CaseState.IN_NOTICE:
        require_notice_over(item.last_day, calendar_of(deed.session), deed.now)
    rules.require_answered(ReservationState(case.reservation_state))
    await require_uncontested(deed.session, case)
    if outcome is Outcome.REFUSE:
        case.decided_by = deed.actor.subject
        _end(deed, "refused", "审批不予批准")
        await publish_result(deed.session, case, ItemResult.REFUSED, now=deed.now)
        return CaseState.REFUSED
    if case.proposed_outcome != Outcome.APPROVE:
        raise Conflict(
            "本件提请不予批准，不能批准；如应批准，请审核人员重新提请。",
            "The case was proposed for refusal; to be approved it must be proposed again.",
            code="proposed-for-refusal",
        )
    await require_listed(deed.session, case)
    await require_decidable(deed.session, case)
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if case.without_money:
        require_noticed(_programme(case).notice_days, is_listed=item is not None)
    else:
        rules.require_reserved(
            ReservationState(case.reservation_state),
            case.reservation_reason,
            case.reservation_reason_en,
        )
    case.decided_by = deed.actor.subject
    grant = await grant_title(
        deed.session, case, programme, document=decision.document, now=deed.now
    )
    event = CaseDecided(
        case_id=case.id, attempt=case.attempt, reviewed_by=case.reviewed_by or "",
        decided_by=deed.actor.subject, on=deed.on, programme=case.programme,
        department=programme and programme.lead_code, beneficiary=queries.applicant_of(case),
        without_money=case.without_money, grant=grant,
    )  # fmt: skip
    announce(deed.session, event, now=deed.now)
    await publish_result(deed.session, case, ItemResult.APPROVED, now=deed.now)
    return CaseState.DECIDED


async def _object(deed: Deed) -> CaseState:
    """Have the applicant object to how its case is listed; the note says why."""
    evidence, reason = deed.data(ObjectData).evidence, deed.body.note.strip()
    if not reason:
        raise invalid_field(
            "/note", "objection-reason", "请在note中写明异议的理由。", "Give the reason in note."
        )
    await object_as_applicant(deed.session, deed.actor, deed.case, reason, evidence, deed.now)
    return CaseState.SUSPENDED


async def _withdraw(deed: Deed) -> CaseState:
    deed.data(NoData)
    await publish_result(deed.session, deed.case, ItemResult.WITHDRAWN, now=deed.now)
    _end(deed, "withdrawn", "申请单位撤回")
    return CaseState.WITHDRAWN


async def _confirm(deed: Deed) -> CaseState:
    """Take the firm's one word for an application: the facts are looked at as of now."""
    await answer_offer(deed.session, deed.case, OfferState.CONFIRMED, now=deed.now)
    return await _look_again(deed)


async def _decline(deed: Deed) -> CaseState:
    deed.data(NoData)
    await answer_offer(deed.session, deed.case, OfferState.DECLINED, now=deed.now)
    _end(deed, "withdrawn", "申请单位放弃免申即享")
    return CaseState.WITHDRAWN


async def _revoke(deed: Deed) -> CaseState:
    deed.data(NoData)
    await publish_result(deed.session, deed.case, ItemResult.REVOKED, now=deed.now)
    if deed.case.legacy:
        # No award of ours will say so: what was paid counts as aid no more.
        deed.case.reservation_state = ReservationState.NONE
    _end(deed, "revoked", "撤销决定")
    return CaseState.REVOKED


def _end(deed: Deed, outcome: str, default_reason: str) -> None:
    event = CaseEnded.model_validate(
        {
            "case_id": deed.case.id,
            "outcome": outcome,
            "reason": deed.body.note or default_reason,
            "on": deed.on,
        }
    )
    announce(deed.session, event, now=deed.now)


async def _answer(deed: Deed, programme: PlanProgramme) -> Answer:
    return await answer_for(
        deed.session, programme, queries.applicant_of(deed.case), await decisions(deed.session),
        on=deed.on, year=deed.case.reference_year,
        judged=await judged_facts(deed.session, deed.case, programme),
    )  # fmt: skip


def _programme(case: Case) -> PlanProgramme:
    """Find the wording of the day on which the case was opened."""
    programme = library().programme_on(case.programme, city_day(case.created_at))
    if programme is None:
        raise Conflict(
            "该项目已不在现行政策之列，不能继续办理。",
            "The programme is no longer part of the plans; the case cannot go on.",
            code="programme-gone",
        )
    return programme


def _not_yours() -> Refusal:
    return Forbidden("本件不由您办理。", "This case is not yours to handle.", code="not-your-case")


Effect = Callable[[Deed], Awaitable[CaseState]]
EFFECTS: dict[CaseEvent, Effect] = {
    CaseEvent.SUBMIT: _look_again,
    CaseEvent.COMPLETE: _look_again,
    CaseEvent.REVIEW: _review,
    CaseEvent.PROPOSE: _propose,
    CaseEvent.DECIDE: _decide,
    CaseEvent.OBJECT: _object,
    CaseEvent.WITHDRAW: _withdraw,
    CaseEvent.REVOKE: _revoke,
    CaseEvent.CONFIRM: _confirm,
    CaseEvent.DECLINE: _decline,
}
