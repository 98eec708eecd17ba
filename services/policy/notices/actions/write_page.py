"""Writing notices for people: the list and a notice as pages, and the feeds."""

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlencode

from fastapi import Response

from services.policy import pages
from services.policy.notices import rules
from services.policy.notices.models import Notice
from services.policy.notices.queries import NOTICES, Listed, summary
from services.policy.notices.rules import NoticeState
from services.policy.notices.schemas import Feed, FeedItem, NoticeSummary, NoticeView
from services.policy.plan.rules import PLAN_NOT_IN_FORCE
from services.rulebook.reasons import yuan


def list_page(
    found: Sequence[NoticeSummary], state: NoticeState, *, limit: int, more: str | None
) -> Response:
    """Write the list of notices as a page for people; `more` is the cursor of the next."""
    title, none, ways = rules.LISTS[state is NoticeState.ENDED]
    entries = [(f"{NOTICES}/{each.id}", each.title, f"：{_told(each)}") for each in found]
    query = urlencode({"state": state, "limit": limit, "cursor": more or ""})
    next_ = [(f"{NOTICES}?{query}", "下一页", "")] if more else []
    return pages.page(
        title, pages.links(entries) if entries else pages.paragraph(none),
        pages.links([*next_, *ways]),
    )  # fmt: skip


def notice_page(found: NoticeView) -> Response:
    """Write a notice as a page for people: who is proposed for what, until when, and the result."""
    rows = [
        (each.number, each.applicant_name, each.applicant.id,
         None if each.amount_fen is None else f"{yuan(each.amount_fen)}元",
         f"{each.from_}至{each.to}",
         each.result.outcome_name if each.result else rules.ITEM_STATE_NAMES[each.state][0])
        for each in found.items
    ]  # fmt: skip
    return pages.page(
        f"{found.title}拟支持名单公示", pages.paragraph(_told(found)),
        pages.table(rules.COLUMNS, rows), pages.paragraph(_how_to_object(found)),
        pages.paragraph(f"名单第{found.frozen.number}版，SHA-256：{found.frozen.sha256}"),
        pages.links(rules.BACK),
    )  # fmt: skip


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


def _told(found: NoticeSummary) -> str:
    state = rules.NOTICE_STATE_NAMES[found.state][0]
    desk = found.department or "公示部门"
    return f"{desk}，{_whom(found)}，公示期{found.from_}至{found.to}，{state}{_marks(found)}"


def _how_to_object(found: NoticeView) -> str:
    """Say to whom an objection goes, and until when; or that the time for it is over."""
    desk, until = found.objections, f"{found.objections.until:%Y-%m-%d %H:%M}"
    if found.state is NoticeState.ENDED:
        return f"异议期已于{until}截止；逾期提出的意见只作登记，视为无异议。"
    reached = f"（联系方式：{desk.contact}）" if desk.contact else ""
    return f"有异议的，请在{until}前实名并附证据，向{desk.department or '公示部门'}{reached}提出。"


def _whom(found: NoticeSummary) -> str:
    return found.applicant_name or f"共{found.item_count}项"


def _marks(found: NoticeSummary) -> str:
    """Say what a reader must not miss: a notice of no effect, or of a plan not in force."""
    said = [rules.DEMONSTRATION_MARK] if found.demonstration else []
    said += [rules.NOT_IN_FORCE_MARK] if PLAN_NOT_IN_FORCE in found.plan_flags else []
    return f"（{'；'.join(said)}）" if said else ""


def _feed_item(found: NoticeSummary, row: Notice, base_url: str) -> FeedItem:
    fen = found.amount_fen
    amount = "" if fen is None else f"，合计{fen // 100:,}.{fen % 100:02d}元"
    return FeedItem(
        id=f"urn:uuid:{found.id}", url=f"{base_url}{NOTICES}/{found.id}",
        title=f"{found.title}拟支持名单公示", date_published=row.published_at,
        content_text=f"{_whom(found)}{amount}；公示期{found.from_}至{found.to}。"
        f"受理异议：{found.department or '公示部门'}{_marks(found)}。",
    )  # fmt: skip
