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

from services.kernel.unit import commit
from services.policy import pages
from services.policy.cases.models import Case
from services.policy.notices.actions.publish_notice import publish_notice
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
    assert (await read(platform, path))["frozen"]["sha256"] in answer.text
    assert (await public.get(path)).headers["content-type"] == "application/json"


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
