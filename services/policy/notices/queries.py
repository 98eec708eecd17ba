"""Reading public notices, their items with what came of them, and objections."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.kernel.actors import Actor, Role
from services.kernel.calendar import Calendar
from services.kernel.clock import CITY, city_day
from services.kernel.errors import NotFound, Refusal
from services.kernel.pages import PageRequest
from services.kernel.sealed import unseal
from services.policy.base import calendar_of, secret_key_of
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.queries import last_id
from services.policy.cases.rules import CaseState, Outcome
from services.policy.limits import limits_of
from services.policy.notices import rules
from services.policy.notices.models import Notice, NoticeEdition, NoticeItem, Objection
from services.policy.notices.rules import (
    ItemState,
    NoticeState,
    ObjectionState,
    shown_contact,
    shown_name,
)
from services.policy.notices.schemas import (
    EditionView,
    FrozenList,
    NoticeItemView,
    NoticeSummary,
    NoticeView,
    ObjectionView,
)
from services.policy.office import office_of
from services.policy.plan.actions.load_library import library

NOTICES = "/v1/policy/notices"
WANTED = (NoticeItem.result.is_(None), NoticeItem.state != ItemState.REMOVED)


@dataclass(frozen=True)
class Listed:
    """A notice with its newest edition and the items that stand in it."""

    notice: Notice
    edition: NoticeEdition
    items: Sequence[NoticeItem]
    # Of the place where it is shown: whether it is in earnest, and how to reach whom it names.
    demonstration: bool
    contact: str | None

    @property
    def published(self) -> dict[str, Any]:
        return json.loads(self.edition.text)


async def notices(
    session: AsyncSession, page: PageRequest, *, running: bool, now: datetime
) -> list[Listed]:
    """List notices that have an item in its days or suspended, or those of the past."""
    open_item = exists().where(NoticeItem.notice_id == Notice.id, *WANTED, _is_open(now))
    statement = _newest().where(open_item if running else ~open_item)
    if page.after is not None:
        statement = statement.where(Notice.id < last_id(page))
    found = await session.execute(statement.order_by(Notice.id.desc()).limit(page.limit + 1))
    rows = [(notice, edition) for notice, edition in found]
    items = await _items_of(session, [notice.id for notice, _ in rows])
    return [_listed(session, *row, items.get(row[0].id, [])) for row in rows]


async def waiting_of_call(session: AsyncSession, call_id: UUID) -> Sequence[Case]:
    """Find and lock what a call's list is made of: proposals for approval that are not listed."""
    statement = select(Case).where(
        Case.call_id == call_id,
        Case.state == CaseState.PROPOSED,
        Case.proposed_outcome == Outcome.APPROVE,
    )
    statement = statement.order_by(Case.id).with_for_update(of=Case)
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def notice(session: AsyncSession, notice_id: UUID) -> Listed:
    found = (await session.execute(_newest().where(Notice.id == notice_id))).first()
    if found is None:
        raise NotFound("没有这份公示。", "There is no such notice.")
    items = await _items_of(session, [notice_id])
    return _listed(session, found[0], found[1], items.get(notice_id, []))


async def editions(session: AsyncSession, notice_id: UUID) -> Sequence[NoticeEdition]:
    statement = select(NoticeEdition).where(NoticeEdition.notice_id == notice_id)
    return (await session.scalars(statement.order_by(NoticeEdition.number))).all()


async def next_edition(session: AsyncSession, notice_id: UUID) -> int:
    statement = select(func.max(NoticeEdition.number)).where(NoticeEdition.notice_id == notice_id)
    return (await session.scalar(statement) or 0) + 1


async def item_of(session: AsyncSession, notice_id: UUID, named: UUID) -> NoticeItem | None:
    """Find an item of a notice by its own id or its case's."""
    statement = select(NoticeItem).where(
        NoticeItem.notice_id == notice_id, or_(NoticeItem.id == named, NoticeItem.case_id == named)
    )
    return await session.scalar(statement)


async def current(session: AsyncSession, item_id: UUID) -> NoticeItem:
    """Read an item as it is now that its case is locked."""
    return await session.get_one(NoticeItem, item_id, populate_existing=True)


async def same_objection(
    session: AsyncSession, item_id: UUID, fingerprint: str
) -> Objection | None:
    statement = select(Objection).where(
        Objection.item_id == item_id, Objection.fingerprint == fingerprint
    )
    return await session.scalar(statement)


async def objection_count(session: AsyncSession, item_id: UUID) -> int:
    statement = select(func.count()).where(Objection.item_id == item_id)
    return await session.scalar(statement) or 0


async def is_disputed(session: AsyncSession, item_id: UUID) -> bool:
    """Tell whether an objection that suspends an item waits to be handled."""
    waiting = exists().where(
        Objection.item_id == item_id, Objection.state == ObjectionState.RECEIVED
    )
    return bool(await session.scalar(select(waiting)))


async def objection(
    session: AsyncSession, notice_id: UUID, named: UUID | str
) -> tuple[Objection, NoticeItem]:
    """Find an objection to a notice by its id or its receipt's number, told to who objected."""
    is_it = Objection.id == named if isinstance(named, UUID) else Objection.receipt == named
    statement = (
        select(Objection, NoticeItem)
        .join(NoticeItem, NoticeItem.id == Objection.item_id)
        .where(is_it, NoticeItem.notice_id == notice_id)
        .execution_options(populate_existing=True)
    )
    found = (await session.execute(statement)).first()
    if found is None:
        raise objection_not_found()
    return found[0], found[1]


def objection_not_found() -> Refusal:
    return NotFound("没有这份异议。", "There is no such objection.")


async def objections(
    session: AsyncSession, actor: Actor, notice_id: UUID, page: PageRequest
) -> list[tuple[Objection, NoticeItem]]:
    """List the objections to a notice, as far as the actor may see its cases."""
    statement = (
        select(Objection, NoticeItem)
        .join(NoticeItem, NoticeItem.id == Objection.item_id)
        .where(NoticeItem.notice_id == notice_id, cases.is_visible(NoticeItem.case_id, actor))
    )
    if page.after is not None:
        statement = statement.where(Objection.id < last_id(page))
    rows = await session.execute(statement.order_by(Objection.id.desc()).limit(page.limit + 1))
    return [(found, item) for found, item in rows]


def summary(listed: Listed, now: datetime) -> NoticeSummary:
    return NoticeSummary.model_validate(_summary(listed, now))


async def view(session: AsyncSession, listed: Listed, now: datetime) -> NoticeView:
    """Show a notice as it was published, with where each item stands now."""
    calendar, rows = calendar_of(session), {row.case_id: row for row in listed.items}
    items = [
        _item(each, rows[UUID(each["case"])], calendar)
        for each in listed.published["items"]
        if UUID(each["case"]) in rows
    ]
    known = [_edition(each) for each in await editions(session, listed.notice.id)]
    newest = FrozenList(**_edition(listed.edition).model_dump(), text=listed.edition.text)
    fields = _summary(listed, now) | {"items": items, "editions": known, "frozen": newest}
    return NoticeView.model_validate(fields)


async def objection_view(
    session: AsyncSession, actor: Actor, found: Objection, item: NoticeItem
) -> ObjectionView:
    """Show an objection: whole to who may handle it, masked to officers, its fate to others."""
    key = secret_key_of(session)
    reply = found.sealed_reply and unseal(key, found.sealed_reply, purpose=purpose_of(found.id))
    fields: dict[str, Any] = {
        "id": found.id, "receipt": found.receipt, "notice": item.notice_id, "item": item.id,
        "case": item.case_id, "state": found.state, "version": found.version,
        "received_at": found.received_at, "handled_at": found.handled_at,
        "outcome": found.outcome, "reply": reply or None,
    }  # fmt: skip
    handles = await cases.may_handle(session, actor, item.case_id)
    if handles or actor.has(Role.APPROVER, Role.AUDITOR):
        said = json.loads(unseal(key, found.sealed, purpose=purpose_of(found.id)))
        if not handles:
            said["name"] = shown_name(rules.PERSON, said["name"]) if said["name"] else ""
            said["contact"] = shown_contact(said["contact"])
        fields |= said
    if handles:
        fields["allowed_events"] = list(rules.NEXT[ObjectionState(found.state)])
    return ObjectionView.model_validate(fields)


def purpose_of(objection_id: UUID) -> str:
    """Name what an objection's words are sealed for: this one, and no other."""
    return f"objection:{objection_id}"


def state_of(items: Sequence[NoticeItem], now: datetime) -> NoticeState:
    """Tell whether a list has an item in its days; else one that is suspended; else it is over."""
    wanted = [each for each in items if each.result is None]
    if any(each.state == ItemState.LISTED and now < each.ends_at for each in wanted):
        return NoticeState.RUNNING
    is_suspended = any(each.state == ItemState.SUSPENDED for each in wanted)
    return NoticeState.SUSPENDED if is_suspended else NoticeState.ENDED


def _listed(
    session: AsyncSession, notice: Notice, edition: NoticeEdition, items: Sequence[NoticeItem]
) -> Listed:
    programme = library().programmes.get(notice.programme)
    contact = office_of(session).contacts.get(programme.lead_code) if programme else None
    return Listed(notice, edition, items, limits_of(session).demonstration, contact)


def _newest() -> Select[tuple[Notice, NoticeEdition]]:
    """Select notices, each with its newest edition."""
    later = aliased(NoticeEdition)
    newest = select(func.max(later.number)).where(later.notice_id == Notice.id).scalar_subquery()
    return select(Notice, NoticeEdition).join(
        NoticeEdition, and_(NoticeEdition.notice_id == Notice.id, NoticeEdition.number == newest)
    )


def _is_open(now: datetime) -> ColumnElement[bool]:
    return or_(NoticeItem.state == ItemState.SUSPENDED, NoticeItem.ends_at > now)


async def _items_of(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, list[NoticeItem]]:
    found: dict[UUID, list[NoticeItem]] = {}
    statement = select(NoticeItem).where(
        NoticeItem.notice_id.in_(ids), NoticeItem.state != ItemState.REMOVED
    )
    for row in await session.scalars(statement.order_by(NoticeItem.number)) if ids else ():
        found.setdefault(row.notice_id, []).append(row)
    return found


def _summary(listed: Listed, now: datetime) -> dict[str, Any]:
    found, published = listed.notice, listed.published
    shown = published["items"]
    only = shown[0] if len(shown) == 1 else {}
    amounts = [each["amount_fen"] for each in shown if each["amount_fen"] is not None]
    plan = library().plans.get(found.plan)
    ends_at = max((each.ends_at for each in listed.items), default=rules.midnight(found.last_day))
    return {
        "id": found.id,
        "state": state_of(listed.items, now),
        "case": only.get("case"),
        "programme": found.programme,
        "title": published["title"],
        "clause": published["clause"],
        "department": published["department"],
        "measure": found.measure,
        "applicant": only.get("applicant"),
        "applicant_name": only.get("applicant_name"),
        "item_count": len(shown),
        "amount_fen": sum(amounts) if amounts else None,
        "published_on": found.published_on,
        "from": found.first_day,
        "to": max((each.last_day for each in listed.items), default=found.last_day),
        "days": found.days,
        "provisional": any(each.provisional for each in listed.items),
        "objections": {
            "department": published["department"],
            "contact": listed.contact,
            "path": f"{NOTICES}/{found.id}/objections",
            "until": ends_at.astimezone(CITY),
        },
        "plan_flags": plan.flags(city_day(now)) if plan else [],
        "demonstration": listed.demonstration,
    }


def _item(published: dict[str, Any], row: NoticeItem, calendar: Calendar) -> NoticeItemView:
    """Show an item as published; while it is suspended nobody knows its later days."""
    stands = row.state == ItemState.LISTED
    due = rules.result_deadline(row.last_day, calendar) if stands else None
    result = row.result and {
        "outcome": row.result,
        "outcome_name": rules.RESULT_NAMES[row.result][0],
        "on": city_day(row.result_at) if row.result_at else None,
    }
    return NoticeItemView.model_validate(
        {
            **published,
            "id": row.id,
            "state": row.state,
            "from": row.first_day,
            "to": row.last_day,
            "provisional": row.provisional,
            "days_left": row.days_left,
            "decision_from": rules.decision_day(row.last_day, calendar) if stands else None,
            "result_due_on": due and due.day,
            "result_due_provisional": due is not None and due.provisional,
            "result": result or None,
        }
    )


def _edition(row: NoticeEdition) -> EditionView:
    return EditionView(
        number=row.number, reason=rules.EditionReason(row.reason), sha256=row.sha256,
        published_at=row.published_at,
    )  # fmt: skip
