"""Reading public notices, their items with what came of them, and objections."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Response
from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.kernel.actors import Actor, Role
from services.kernel.calendar import Calendar
from services.kernel.clock import CITY, city_day
from services.kernel.errors import NotFound, Refusal
from services.kernel.pages import PageRequest
from services.kernel.sealed import unseal
from services.policy import pages
from services.policy.base import calendar_of, secret_key_of
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.queries import last_id
from services.policy.cases.rules import CaseState, Outcome
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
    Feed,
    FeedItem,
    FrozenList,
    NoticeItemView,
    NoticeSummary,
    NoticeView,
    ObjectionView,
)
from services.policy.plan.actions.load_library import library
from services.rulebook.reasons import yuan

NOTICES = "/v1/policy/notices"
WANTED = (NoticeItem.result.is_(None), NoticeItem.state != ItemState.REMOVED)


@dataclass(frozen=True)
class Listed:
    """A notice with its newest edition and the items that stand in it."""

    notice: Notice
    edition: NoticeEdition
    items: Sequence[NoticeItem]

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
    return [Listed(notice, edition, items.get(notice.id, [])) for notice, edition in rows]


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
    return Listed(found[0], found[1], items.get(notice_id, []))


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
    session: AsyncSession, notice_id: UUID, objection_id: UUID
) -> tuple[Objection, NoticeItem]:
    """Find an objection to a notice; its id is told to whoever objected, and to officers."""
    statement = (
        select(Objection, NoticeItem)
        .join(NoticeItem, NoticeItem.id == Objection.item_id)
        .where(Objection.id == objection_id, NoticeItem.notice_id == notice_id)
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


def list_page(found: Sequence[NoticeSummary], more: str | None) -> Response:
    """Write the list of notices as a page for people; `more` is the cursor of the next."""
    entries = [(f"{NOTICES}/{each.id}", each.title, f"：{_told(each)}") for each in found]
    next_ = [(f"{NOTICES}?cursor={quote(more)}", "下一页", "")] if more else []
    return pages.page("两新政策公示", pages.links(entries), pages.links([*next_, *rules.WAYS]))


def notice_page(found: NoticeView) -> Response:
    """Write a notice as a page for people: who is proposed for what, until when, and the result."""
    rows = [
        (each.number, each.applicant_name, each.applicant.id,
         None if each.amount_fen is None else f"{yuan(each.amount_fen)}元",
         f"{each.from_}至{each.to}",
         each.result.outcome_name if each.result else rules.ITEM_STATE_NAMES[each.state][0])
        for each in found.items
    ]  # fmt: skip
    until = f"{found.objections.until:%Y-%m-%d %H:%M}"
    return pages.page(
        f"{found.title}拟支持名单公示", pages.paragraph(_told(found)),
        pages.table(rules.COLUMNS, rows),
        pages.paragraph(f"有异议的，请在{until}前实名并附证据，提交至{found.objections.path}。"),
        pages.paragraph(f"名单第{found.frozen.number}版，SHA-256：{found.frozen.sha256}"),
    )  # fmt: skip


def _told(found: NoticeSummary) -> str:
    whom = found.applicant_name or f"共{found.item_count}项"
    state = rules.NOTICE_STATE_NAMES[found.state][0]
    return f"{found.department or '公示部门'}，{whom}，公示期{found.from_}至{found.to}，{state}"


def feed(listed: Sequence[Listed], base_url: str, now: datetime) -> Feed:
    """Tell of notices as feed readers take them: what is proposed, for how many, until when."""
    return Feed(
        version="https://jsonfeed.org/version/1.1",
        title="两新政策公示",
        home_page_url=f"{base_url}{NOTICES}",
        feed_url=f"{base_url}{NOTICES}/feed",
        language="zh-CN",
        items=[_feed_item(summary(each, now), each.notice, base_url) for each in listed],
    )


def _feed_item(found: NoticeSummary, row: Notice, base_url: str) -> FeedItem:
    whom = found.applicant_name or f"共{found.item_count}项"
    fen = found.amount_fen
    amount = "" if fen is None else f"，合计{fen // 100:,}.{fen % 100:02d}元"
    return FeedItem(
        id=f"urn:uuid:{found.id}", url=f"{base_url}{NOTICES}/{found.id}",
        title=f"{found.title}拟支持名单公示", date_published=row.published_at,
        content_text=f"{whom}{amount}；公示期{found.from_}至{found.to}。"
        f"受理异议：{found.department or '公示部门'}。",
    )  # fmt: skip


def rss(found: Feed) -> bytes:
    """Write a feed as RSS 2.0."""
    head = {
        "title": found.title, "link": found.home_page_url, "description": found.title,
        "language": found.language,
    }  # fmt: skip
    entries = (
        {
            "title": each.title, "link": each.url, "description": each.content_text,
            "pubDate": format_datetime(each.date_published), "guid": each.id,
        }
        for each in found.items
    )  # fmt: skip
    return pages.rss(head, entries)


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
            "path": f"{NOTICES}/{found.id}/objections",
            "until": ends_at.astimezone(CITY),
        },
        "plan_flags": plan.flags(city_day(now)) if plan else [],
    }


def _item(published: dict[str, Any], row: NoticeItem, calendar: Calendar) -> NoticeItemView:
    """Show an item as published; while it is suspended nobody knows its later days."""
    stands = row.state == ItemState.LISTED
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
            "result_due_on": rules.result_deadline(row.last_day, calendar).day if stands else None,
            "result": result or None,
        }
    )


def _edition(row: NoticeEdition) -> EditionView:
    return EditionView(
        number=row.number, reason=rules.EditionReason(row.reason), sha256=row.sha256,
        published_at=row.published_at,
    )  # fmt: skip
