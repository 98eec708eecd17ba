"""Handling an objection: upheld, its item leaves the list; dismissed, its days run on."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Forbidden
from services.kernel.etags import check_version
from services.kernel.outbox import announce
from services.kernel.sealed import seal
from services.kernel.timers import set_timer
from services.policy.base import calendar_of, secret_key_of
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.queries import applicant_of, case_of_award, may_review
from services.policy.cases.rules import CaseState, Outcome, SystemEvent, require_no_stake
from services.policy.contract.events import ObjectionHandled
from services.policy.notices import queries, rules
from services.policy.notices.actions.write_edition import rewrite
from services.policy.notices.models import NoticeItem, Objection
from services.policy.notices.rules import (
    END_TIMER,
    EditionReason,
    ItemState,
    ObjectionEvent,
    ObjectionState,
    UpheldOutcome,
)
from services.policy.notices.schemas import ObjectionDeed
from services.policy.plan.actions.load_library import library
from services.policy.recusals.queries import require_not_recused


@dataclass(frozen=True)
class Handled:
    """One objection as one officer handles it, with its item and case locked."""

    session: AsyncSession
    actor: Actor
    objection: Objection
    item: NoticeItem
    case: Case
    deed: ObjectionDeed
    now: datetime


async def handle_objection(
    session: AsyncSession,
    actor: Actor,
    notice_id: UUID,
    objection_id: UUID,
    deed: ObjectionDeed,
    *,
    now: datetime,
) -> tuple[Objection, NoticeItem]:
    """Uphold or dismiss, with reasons and a written reply; of two officers the first counts."""
    _, item = await queries.objection(session, notice_id, objection_id)
    case = await case_of_award(session, item.case_id)
    if case is None:
        raise queries.objection_not_found()
    objection, _ = await queries.objection(session, notice_id, objection_id)
    item = await queries.current(session, item.id)
    require_no_stake(actor, applicant_of(case))
    await require_not_recused(session, case.id, actor)
    if not await may_review(session, actor, case.id):
        raise Forbidden(
            "本件不由您办理。", "This case is not yours to handle.", code="not-your-case"
        )
    objection.state = rules.move(ObjectionState(objection.state), deed.event)
    check_version(deed.version, objection.version)
    objection.version += 1
    objection.handled_by, objection.handled_at = actor.subject, now
    reply, purpose = deed.data.reply, queries.purpose_of(objection.id)
    objection.sealed_reply = seal(secret_key_of(session), reply, purpose=purpose)
    handled = Handled(session, actor, objection, item, case, deed, now)
    await (_uphold if deed.event is ObjectionEvent.UPHOLD else _dismiss)(handled)
    _tell(handled)
    return objection, item


async def _uphold(handled: Handled) -> None:
    """Take the item out of the list; its case is reviewed again, or goes on to be refused.

    Who handles an objection decides nothing: a refusal is proposed, and an approver decides on it.
    """
    item, case, outcome = handled.item, handled.case, handled.deed.data.outcome
    handled.objection.outcome = outcome
    was = CaseState(case.state)
    if _stands(handled):
        item.state, item.days_left = ItemState.REMOVED, None
        case.state = CaseState.IN_REVIEW
        if outcome is UpheldOutcome.REFUSE:
            case.state, case.proposed_outcome = CaseState.PROPOSED, Outcome.REFUSE
            case.reviewed_by = handled.actor.subject
        case.version += 1
        case.person_version = case.version
        await rewrite(handled.session, item, EditionReason.ITEM_REMOVED, now=handled.now)
    await _record(handled, SystemEvent.OBJECTION_UPHELD, was, {"outcome": outcome})


async def _dismiss(handled: Handled) -> None:
    """Let the days that are left run, once no other objection is waiting."""
    session, item, case = handled.session, handled.item, handled.case
    was, told = CaseState(case.state), dict[str, Any]()
    await session.flush()
    is_free = item.days_left is not None and not await queries.is_disputed(session, item.id)
    if is_free and was is CaseState.SUSPENDED and _stands(handled):
        days = item.days_left or 0
        period = rules.notice_period(city_day(handled.now), days, calendar_of(session))
        item.state, item.days_left = ItemState.LISTED, None
        item.first_day, item.last_day = period.first_day, period.last_day
        item.ends_at, item.provisional = period.ends_at, period.provisional
        case.state = CaseState.IN_NOTICE
        case.version += 1
        await set_timer(session, END_TIMER, str(item.id), item.ends_at)
        await rewrite(session, item, EditionReason.ITEM_RESUMED, now=handled.now)
        told = {"days": days, "to": item.last_day.isoformat()}
    await _record(handled, SystemEvent.OBJECTION_DISMISSED, was, told)


def _stands(handled: Handled) -> bool:
    """Tell whether the case still waits in this notice."""
    item, case = handled.item, handled.case
    in_notice = case.state in (CaseState.IN_NOTICE, CaseState.SUSPENDED)
    return in_notice and case.attempt == item.attempt and item.state != ItemState.REMOVED


async def _record(
    handled: Handled, event: SystemEvent, was: CaseState, told: dict[str, Any]
) -> None:
    by = Hand(handled.actor, Role.REVIEWER, handled.deed.note)
    data = {"receipt": handled.objection.receipt, **told}
    await record(handled.session, handled.case, event, was=was, now=handled.now, by=by, data=data)


def _tell(handled: Handled) -> None:
    objection, case = handled.objection, handled.case
    programme = library().programmes.get(case.programme)
    event = ObjectionHandled(
        objection_id=objection.id, notice_id=handled.item.notice_id, case_id=case.id,
        department=programme.lead_code if programme else None,
        is_upheld=objection.state == ObjectionState.UPHELD, case_state=case.state,
    )  # fmt: skip
    announce(handled.session, event, now=handled.now)
    told = {"state": objection.state, "case": str(case.id), "case_state": case.state}
    audit(handled.session, handled.actor, f"objection.{handled.deed.event}", "objection",
          objection.id, now=handled.now, detail=told)  # fmt: skip
