"""Lists in public notice: frozen, of many cases, without what is confidential, as a feed."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select, text

from services.kernel.ids import new_id
from services.kernel.unit import commit
from services.policy import pages
from services.policy.cases.models import Case
from services.policy.notices.actions.publish_notice import publish_notice
from services.policy.notices.actions.write_page import list_page, notice_page
from services.policy.notices.rules import NoticeState
from services.policy.notices.schemas import NoticeView
from services.policy.plan.actions.load_library import library
from tests.policy.notice_steps import (
    NOTICES,
    PUBLISHED,
    SOFTWARE,
    case_now,
    handle,
    in_notice,
    notice_of,
    object_to,
    read,
)
from tests.policy.steps import (
    budget,
    code,
    firm_client,
    growing_firm,
    open_case,
    propose,
    reset_clock,
    set_clock,
)


@pytest.fixture(autouse=True)
async def _published_day(platform: Any) -> AsyncIterator[None]:
    await set_clock(platform, PUBLISHED)
    yield
    await reset_clock(platform)


async def test_the_list_is_frozen_and_its_hash_can_be_checked(platform: Any) -> None:
    case, _ = await in_notice(platform)
    shown = await notice_of(platform, case)
    frozen = shown["frozen"]
    assert hashlib.sha256(frozen["text"].encode()).hexdigest() == frozen["sha256"]
    published = json.loads(frozen["text"])
    (item,) = published["items"]
    assert item["applicant"] == case["applicant"]
    assert item["amount_fen"] == case["reservation"]["amount_fen"]
    assert published["clause"] == shown["clause"] == "慈政办发〔2025〕20号（一）2（1）"
    async with platform.service("policy").sessions() as session:
        with pytest.raises(Exception, match=r"permission denied|only ever added"):
            await session.execute(text("UPDATE notice_edition SET text = ''"))


async def reserved_case(platform: Any) -> dict[str, Any]:
    """Have a case with money held of a programme without a notice, as a call would gather them."""
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    assert (case["state"], case["reservation"]["state"]) == ("proposed", "reserved")
    return case


async def test_one_list_of_many_cases_and_one_that_is_removed(platform: Any) -> None:
    await budget(platform)
    made = [await reserved_case(platform) for _ in range(3)]
    async with platform.service("policy").sessions() as session:
        ids = [UUID(each["id"]) for each in made]
        rows = list(await session.scalars(select(Case).where(Case.id.in_(ids)).order_by(Case.id)))
        for row in rows:
            row.programme = SOFTWARE
        rows[0].applicant_kind, rows[0].applicant_name = "person", "张三丰"
        published = await publish_notice(session, rows, now=datetime.fromisoformat(PUBLISHED))
        assert published is not None
        await session.flush()
        await commit(session)

    shown = await read(platform, f"{NOTICES}/{published.id}")
    assert (shown["item_count"], shown["case"], shown["applicant"]) == (3, None, None)
    assert shown["amount_fen"] == sum(each["amount_fen"] for each in shown["items"])
    first, second, third = shown["items"]
    assert (first["applicant"]["id"], first["applicant_name"]) == (None, "张*")
    assert rows[0].applicant_id not in json.dumps(shown)
    assert second["applicant_name"].endswith("有限公司")

    case = await case_now(platform, {"id": second["case"]})
    objection = (await object_to(platform, case, item=second["id"])).json()
    assert (await read(platform, f"{NOTICES}/{published.id}"))["state"] == "running"
    assert (await handle(platform, objection, "uphold")).status_code == 200
    after = await read(platform, f"{NOTICES}/{published.id}")
    assert after["items"] == [first, third]
    assert [each["number"] for each in after["editions"]] == [1, 2]


async def test_a_confidential_programme_is_never_published(platform: Any) -> None:
    secret = next(p for p in library().programmes.values() if p.compiled.programme.confidential)
    await budget(platform)
    case = await reserved_case(platform)
    async with platform.service("policy").sessions() as session:
        row = await session.get_one(Case, UUID(case["id"]))
        row.programme = secret.id
        assert await publish_notice(session, [row], now=datetime.fromisoformat(PUBLISHED)) is None
        assert row.state == "proposed"


async def test_the_feed_comes_as_json_and_as_rss(platform: Any) -> None:
    case, _ = await in_notice(platform)
    public = platform.client("public")
    answer = await public.get(f"{NOTICES}/feed")
    assert answer.headers["vary"] == "Accept"
    (entry,) = [e for e in answer.json()["items"] if e["url"].endswith(case["notice"]["id"])]
    assert case["applicant_name"] in entry["content_text"]
    assert "500,000.00元" in entry["content_text"]
    assert "演示公示，不具有法律效力" in entry["content_text"]

    answer = await public.get(f"{NOTICES}/feed", headers={"Accept": "application/rss+xml"})
    assert answer.headers["content-type"].startswith("application/rss+xml")
    links = [item.findtext("link") for item in ET.fromstring(answer.content).iter("item")]  # noqa: S314
    assert entry["url"] in links


async def test_a_person_s_browser_is_shown_a_page_and_a_program_json(platform: Any) -> None:
    case, _ = await in_notice(platform)
    public = platform.client("public")
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    listed = await public.get(NOTICES, headers=browser)
    assert listed.headers["content-type"] == "text/html; charset=utf-8"
    path = f"{NOTICES}/{case['notice']['id']}"
    assert f'href="{path}"' in listed.text
    answer = await public.get(path, headers=browser)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    for said in (case["applicant_name"], "500,000元", case["notice"]["to"], "有异议的"):
        assert said in answer.text
    known = await read(platform, path)
    assert known["demonstration"] is True
    assert "演示公示，不具有法律效力" in answer.text
    assert ("所依据的方案尚未施行" in answer.text) is ("plan-not-in-force" in known["plan_flags"])
    assert f"向{known['department']}提出" in answer.text
    assert "/objections" not in answer.text
    assert (await read(platform, path))["frozen"]["sha256"] in answer.text
    assert (await public.get(path)).headers["content-type"] == "application/json"


async def test_a_notice_that_is_not_there_is_said_on_a_page_to_a_browser(platform: Any) -> None:
    path, public = f"{NOTICES}/{new_id()}", platform.client("public")
    answer = await public.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "没有这份公示" in answer.text
    assert code(await public.get(path)) == (404, "not-found")


async def test_a_day_in_a_year_without_a_calendar_is_called_provisional(platform: Any) -> None:
    await set_clock(platform, "2026-12-10T10:00:00+08:00")
    case, _ = await in_notice(platform)
    (item,) = (await notice_of(platform, case))["items"]
    assert (item["to"], item["provisional"]) == ("2026-12-17", False)
    assert item["result_due_on"] > "2027-01-01"
    assert item["result_due_provisional"] is True


def _notice(state: NoticeState, **changes: Any) -> NoticeView:
    """Make a notice without items, as it is shown."""
    fields = {
        "id": new_id(), "state": state, "case": None, "programme": "x", "title": "增长奖励",
        "clause": None, "department": "经信局", "measure": None, "applicant": None,
        "applicant_name": None, "item_count": 0, "amount_fen": None, "published_on": "2026-11-02",
        "from": "2026-11-03", "to": "2026-11-09", "days": 5, "provisional": False,
        "objections": {
            "department": "经信局", "contact": "0574-63990000", "path": f"{NOTICES}/x/objections",
            "until": "2026-11-10T00:00:00+08:00",
        },
        "plan_flags": [], "demonstration": False, "items": [], "editions": [],
        "frozen": {
            "number": 1, "reason": "published", "sha256": "0" * 64, "text": "{}",
            "published_at": "2026-11-02T10:00:00+08:00",
        },
        **changes,
    }  # fmt: skip
    return NoticeView.model_validate(fields)


def test_an_ended_list_keeps_its_state_from_page_to_page() -> None:
    found = [_notice(NoticeState.ENDED)]
    text = bytes(list_page(found, NoticeState.ENDED, limit=1, more="a/b").body).decode()
    assert "state=ended&amp;limit=1&amp;cursor=a%2Fb" in text
    assert "<h1>两新政策往期公示及结果</h1>" in text
    assert f'href="{NOTICES}">正在公示' in text
    text = bytes(list_page([], NoticeState.RUNNING, limit=50, more=None).body).decode()
    assert "<h1>两新政策公示</h1>" in text
    assert "目前没有正在公示的项目" in text
    assert "下一页" not in text
    assert "尚无已结束的公示" in bytes(
        list_page([], NoticeState.ENDED, limit=50, more=None).body
    ).decode()  # fmt: skip


def test_a_notice_says_who_receives_objections_or_that_the_time_is_over() -> None:
    running = bytes(notice_page(_notice(NoticeState.RUNNING)).body).decode()
    assert "向经信局（联系方式：0574-63990000）提出" in running
    assert "演示" not in running
    flagged = _notice(NoticeState.RUNNING, plan_flags=["plan-not-in-force"], demonstration=True)
    text = bytes(notice_page(flagged).body).decode()
    assert "演示公示，不具有法律效力；所依据的方案尚未施行" in text
    ended = bytes(notice_page(_notice(NoticeState.ENDED)).body).decode()
    assert "异议期已于2026-11-10 00:00截止" in ended
    assert "有异议的" not in ended


def test_what_a_page_says_is_never_markup() -> None:
    evil = '<script>alert("1")</script>&'
    answer = pages.page(
        evil, pages.paragraph(evil), pages.table((evil,), [(evil, None)]),
        pages.links([('x" onclick="y', evil, evil)]),
    )  # fmt: skip
    text_ = bytes(answer.body).decode()
    assert "<script" not in text_
    assert 'onclick="y"' not in text_
    assert text_.count("&lt;script&gt;") == 7
