"""Receiving an objection: kept whatever it is, and in time it stops the days of its item."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, TooMany, invalid_field
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.sealed import fingerprint, seal
from services.kernel.strict_json import canonical
from services.policy.base import calendar_of, secret_key_of
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case
from services.policy.cases.queries import case_of_award, listed_item
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.contract.events import ObjectionReceived
from services.policy.notices import queries, rules
from services.policy.notices.models import NoticeItem, Objection
from services.policy.notices.rules import ItemState, ObjectionState
from services.policy.notices.schemas import NAME_CHARS_MAX, NewObjection
from services.policy.plan.actions.load_library import library

RETRY_S = 3600


@dataclass(frozen=True)
class Received:
    """An objection as it was kept; `is_new` unless the same was said before."""

    objection: Objection
    item: NoticeItem
    is_new: bool


async def receive_objection(
    session: AsyncSession, actor: Actor, notice_id: UUID, new: NewObjection, *, now: datetime
) -> Received:
    """Keep an objection; signed, with evidence and in time it suspends its item's case."""
    await queries.notice(session, notice_id)
    named = await queries.item_of(session, notice_id, new.item)
    case = await case_of_award(session, named.case_id) if named is not None else None
    if named is None or case is None:
        raise invalid_field(
            "/item", "item-unknown", "该公示中没有此项，请按公示所列items的id填写。",
            "This notice has no such item; name one by its id, as listed in items.",
        )  # fmt: skip
    item = await queries.current(session, named.id)
    mark = fingerprint(secret_key_of(session), canonical(new.model_dump(mode="json")),
                       purpose=f"objection|{item.id}")  # fmt: skip
    before = await queries.same_objection(session, item.id, mark)
    if before is not None:
        return Received(before, item, is_new=False)
    objection = await _keep(session, actor, case, item, new, mark=mark, now=now)
    if objection.state == ObjectionState.RECEIVED and item.state == ItemState.LISTED:
        was, case.state = CaseState(case.state), CaseState.SUSPENDED
        case.version += 1
        data = {"receipt": objection.receipt, "days_left": suspend(session, item, now)}
        await record(session, case, SystemEvent.SUSPENDED, was=was, now=now, data=data)
    return Received(objection, item, is_new=True)


async def object_as_applicant(
    session: AsyncSession, actor: Actor, case: Case, reason: str, evidence: list[str], now: datetime
) -> None:
    """Keep an applicant's objection to how its own case is listed, and suspend the case."""
    item = await listed_item(session, case)
    if item is None or not _is_in_time(case, item, now):
        raise Conflict(
            "公示期已满，不能再提出异议；如有意见，请与公示部门联系。",
            "The notice of this case is over; turn to the department that published it.",
            code="objection-late",
        )
    new = NewObjection(
        item=item.id,
        name=case.applicant_name[:NAME_CHARS_MAX],
        reason=reason,
        evidence=evidence,
    )
    await _keep(session, actor, case, item, new, mark=str(new_id()), now=now, is_own=True)
    suspend(session, item, now)


def suspend(session: AsyncSession, item: NoticeItem, now: datetime) -> int:
    """Stop an item's days; its timer finds it suspended, and the days that are left are kept."""
    left = rules.days_left(now, item.first_day, item.last_day, calendar_of(session))
    item.state, item.days_left, item.ended_at = ItemState.SUSPENDED, left, None
    return left


async def _keep(
    session: AsyncSession,
    actor: Actor,
    case: Case,
    item: NoticeItem,
    new: NewObjection,
    *,
    mark: str,
    now: datetime,
    is_own: bool = False,
) -> Objection:
    if await queries.objection_count(session, item.id) >= rules.OBJECTIONS_PER_ITEM_MAX:
        raise TooMany(
            "该项收到的异议过多，请直接与公示部门联系。",
            "This item has had too many objections; turn to the department itself.",
            code="objections-too-many", retry_after_s=RETRY_S,
        )  # fmt: skip
    id_, is_in_time = new_id(), _is_in_time(case, item, now)
    state = ObjectionState.LATE
    if is_in_time:
        # An applicant is known, and need not prove how its own case is listed.
        suspends = is_own or rules.suspends(new.name, new.evidence)
        state = ObjectionState.RECEIVED if suspends else ObjectionState.RECORDED
    words = canonical(new.model_dump(mode="json", exclude={"item"}))
    purpose = queries.purpose_of(id_)
    objection = Objection(
        id=id_, item_id=item.id, receipt=rules.receipt_of(id_.hex, city_day(now)), state=state,
        version=1, sealed=seal(secret_key_of(session), words, purpose=purpose), fingerprint=mark,
        received_at=now,
    )  # fmt: skip
    session.add(objection)
    await session.flush()
    programme = library().programmes.get(case.programme)
    event = ObjectionReceived(
        objection_id=id_, notice_id=item.notice_id, case_id=case.id,
        department=programme.lead_code if programme else None, is_in_time=is_in_time,
        suspends=state == ObjectionState.RECEIVED,
    )  # fmt: skip
    announce(session, event, now=now)
    told = {"notice": str(item.notice_id), "case": str(case.id), "state": state}
    audit(session, actor, "objection.receive", "objection", id_, now=now, detail=told)
    return objection


def _is_in_time(case: Case, item: NoticeItem, now: datetime) -> bool:
    """Tell whether an item is still in its days; while it is suspended they are not over."""
    if case.attempt != item.attempt or item.result is not None:
        return False
    if item.state == ItemState.SUSPENDED:
        return case.state == CaseState.SUSPENDED
    return (
        item.state == ItemState.LISTED and case.state == CaseState.IN_NOTICE and now < item.ends_at
    )
