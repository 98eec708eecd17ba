"""Moving a case by what a person does to it: one row lock, one transition, one row of history."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, Forbidden, Refusal, invalid_field
from services.kernel.etags import check_version
from services.kernel.outbox import announce
from services.policy.base import calendar_of
from services.policy.calls.queries import require_listed
from services.policy.cases import queries, rules
from services.policy.cases.access import acts_for
from services.policy.cases.actions.deed import Deed, answer_of, programme_of
from services.policy.cases.actions.propose_case import propose, proposed_already
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.actions.return_case import say_what_is_missing
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
from services.policy.cases.schemas import CaseDeed, DecideData, NoData, ObjectData
from services.policy.contract.events import CaseDecided, CaseEnded
from services.policy.evaluations.access import is_confidential
from services.policy.evidence.queries import require_materials
from services.policy.fact_objections.queries import require_uncontested
from services.policy.firms.queries import wait_until_heard
from services.policy.matches.actions.mark_due import mark_due
from services.policy.notices.actions.end_notice import publish_result
from services.policy.notices.actions.receive_objection import object_as_applicant
from services.policy.notices.rules import ItemResult, require_notice_over
from services.policy.obligations.actions.follow_case import follow_case
from services.policy.offers.actions.answer_offer import answer_offer
from services.policy.offers.rules import OfferState
from services.policy.plan.actions.load_library import library
from services.policy.recusals.queries import require_not_recused
from services.policy.situations.actions import show_answer
from services.policy.steps.actions.open_steps import (
    open_steps,
    require_decidable,
)
from services.policy.titles.actions import go_on, grant_title
from services.policy.titles.rules import (
    require_noticed,
)


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
        raise proposed_already(ReservationState(case.reservation_state))
    if not case.person_version <= body.version <= case.version:
        check_version(body.version, case.version)
    if body.event is CaseEvent.RETURN:
        body = await say_what_is_missing(deed)
    effect = EFFECTS.get(body.event)
    target = await effect(deed) if effect else _plainly(deed, move)
    case.state = target
    case.version += 1
    case.person_version = case.version
    by = Hand(actor, min(move.who & actor.roles), body.note)
    await record(session, case, body.event, was=was, now=now, by=by, data=body.data)
    if target in (CaseState.DECIDED, CaseState.REVOKED):
        await follow_case(session, case, now=now)
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
    programme = programme_of(deed.case)
    answer = await answer_of(deed, programme)
    show_answer(deed.case, programme, answer)
    return rules.NEXT[CaseState(deed.case.state)][deed.body.event].to[0]


async def _review(deed: Deed) -> CaseState:
    """Look again, and open the steps that the programme asks for."""
    target = await _look_again(deed)
    await open_steps(deed.session, deed.case, now=deed.now)
    return target


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
        result: str | None = case.assessment.get("outcome")
        rules.require_reason_to_refuse(deed.body.note, result, case.reservation_reason)
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
        require_noticed(programme_of(case).notice_days, is_listed=item is not None)
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
    # Whose case it is and what for is told of no confidential programme, but for a title's record.
    is_told = grant is not None or not is_confidential(case.programme)
    event = CaseDecided(
        case_id=case.id, attempt=case.attempt, reviewed_by=case.reviewed_by or "",
        decided_by=deed.actor.subject, on=deed.on, programme=case.programme if is_told else None,
        department=programme.lead_code if programme and is_told else None,
        beneficiary=queries.applicant_of(case) if is_told else None,
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
    rules.require_reason_to_revoke(deed.body.note)
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


def _not_yours() -> Refusal:
    return Forbidden("本件不由您办理。", "This case is not yours to handle.", code="not-your-case")


Effect = Callable[[Deed], Awaitable[CaseState]]
EFFECTS: dict[CaseEvent, Effect] = {
    CaseEvent.SUBMIT: _look_again,
    CaseEvent.COMPLETE: _look_again,
    CaseEvent.REVIEW: _review,
    CaseEvent.PROPOSE: propose,
    CaseEvent.DECIDE: _decide,
    CaseEvent.OBJECT: _object,
    CaseEvent.WITHDRAW: _withdraw,
    CaseEvent.REVOKE: _revoke,
    CaseEvent.CONFIRM: _confirm,
    CaseEvent.DECLINE: _decline,
}
