"""Drafts of calls: read before they are stored, and changed until they are published."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from services.policy.call_texts.rules import Terms, notice
from services.policy.calls.rules import Ties
from services.policy.parameters.rules import numbers_of
from services.policy.plan.actions.load_library import library
from tests.policy.panel_steps import known
from tests.policy.steps import code
from tests.policy.test_calls import CALLS, GROWTH, cancel, deed, draft, try_deed


def body_of(today: date, **changes: Any) -> dict[str, Any]:
    window = {"opens_on": str(today), "closes_on": str(today + timedelta(days=20))}
    return {"programme": GROWTH, "year": today.year, "window": window, **changes}


async def redraft(
    platform: Any, call: dict[str, Any], body: dict[str, Any], client: Any = "reviewer",
    version: int | None = None,
) -> httpx.Response:  # fmt: skip
    who = platform.client(client) if isinstance(client, str) else client
    headers = {"If-Match": f'"{version or call["version"]}"'}
    return await who.put(f"{CALLS}/{call['id']}", json=body, headers=headers)


async def test_a_draft_is_put_in_place_of_the_draft_that_was(platform: Any, today: date) -> None:
    call = (await draft(platform, today, quota=3, budget_fen=500)).json()
    answer = await redraft(platform, call, body_of(today, budget_fen=900, title="改后的通知"))

    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["id"], changed["version"], changed["state"]) == (call["id"], 2, "draft")
    assert (changed["title"], changed["budget_fen"], changed["quota"]) == ("改后的通知", 900, None)
    assert changed["window"]["closes_on"] == str(today + timedelta(days=20))
    assert answer.headers["etag"] == '"2"'
    stale = await redraft(platform, call, body_of(today), version=1)
    assert stale.status_code == 412
    bare = await platform.client("reviewer").put(f"{CALLS}/{call['id']}", json=body_of(today))
    assert bare.status_code == 428


async def test_another_draft_passes_the_checks_of_the_first(platform: Any, today: date) -> None:
    call = (await draft(platform, today)).json()
    for changes, told in (
        ({"programme": "digital-grow"}, "programme-unknown"),
        ({"per_applicant": 1}, "reason-required"),
        ({"window": {"opens_on": "2026-11-30", "closes_on": "2026-11-29"}}, "window-order"),
        ({"notice": "list"}, "no-notice"),
    ):
        answer = await redraft(platform, call, body_of(today, **changes))
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["code"] == told
    other = await redraft(platform, call, body_of(today, programme="talent-project-matching"))
    assert code(other) == (403, "not-your-department")
    foreign = await known(platform, "drafts-rsj", roles=["reviewer"], department="rsj")
    assert (await redraft(platform, call, body_of(today), foreign)).status_code in (403, 404)
    now = (await platform.client("reviewer").get(f"{CALLS}/{call['id']}")).json()
    assert (now["version"], now["title"]) == (1, call["title"])


async def test_what_was_published_stands(platform: Any, today: date) -> None:
    call = await deed(platform, (await draft(platform, today)).json(), "publish")
    answer = await redraft(platform, call, body_of(today, title="另一标题"))

    assert code(answer) == (409, "call-not-draft")
    await cancel(platform, call)
    call = (await platform.client("reviewer").get(f"{CALLS}/{call['id']}")).json()
    assert code(await redraft(platform, call, body_of(today))) == (409, "call-not-draft")


async def test_who_changed_a_draft_does_not_publish_it(platform: Any, today: date) -> None:
    both = await known(platform, "drafts-both", roles=["reviewer", "approver"], department="jxj")
    call = (await draft(platform, today)).json()
    shown = (await both.get(f"{CALLS}/{call['id']}")).json()
    assert "publish" in shown["allowed_events"]
    call = (await redraft(platform, call, body_of(today), both)).json()
    assert call["allowed_events"] == ["cancel"]
    publish = {"event": "publish", "version": call["version"]}
    own = await both.post(f"{CALLS}/{call['id']}/events", json=publish)

    assert code(own) == (403, "four-eyes")
    assert (await try_deed(platform, call, "publish", "approver")).status_code == 200
    await cancel(platform, (await both.get(f"{CALLS}/{call['id']}")).json())


async def test_a_limit_that_an_approver_has_set_stays_with_a_new_draft(
    platform: Any, today: date
) -> None:
    kjj = await known(platform, "drafts-kjj", roles=["reviewer"], department="kjj")
    body = body_of(today, programme="gazelle-key-rd-applications")
    call = (await kjj.post(CALLS, json=body)).json()
    data = {"per_applicant": 2}
    call = await deed(platform, call, "limit", note="经费有限，经集体研究", data=data)
    refused = await redraft(platform, call, {**body, "per_applicant": 5}, kjj)
    assert refused.json()["errors"][0]["code"] == "limit-by-approver"
    call = (await redraft(platform, call, {**body, "title": "改后"}, kjj)).json()

    assert (call["title"], call["per_applicant"]) == ("改后", 2)
    assert call["per_applicant_reason"] == "经费有限，经集体研究"


async def test_a_draft_is_read_before_it_is_stored(platform: Any, today: date) -> None:
    reviewer = platform.client("reviewer")
    before = (await reviewer.get(CALLS, params={"programme": GROWTH, "limit": 1})).json()["items"]
    body = body_of(today, quota=3, title="预览的通知")
    answer = await reviewer.post(f"{CALLS}/previews", json=body)

    assert answer.status_code == 200, answer.text
    assert answer.json()["title"] == "预览的通知"
    sections = {each["heading"]: each["paragraphs"] for each in answer.json()["sections"]}
    assert any("名额3个" in line for line in sections["名额与资金"])
    after = (await reviewer.get(CALLS, params={"programme": GROWTH, "limit": 1})).json()["items"]
    assert [each["id"] for each in after] == [each["id"] for each in before]
    wrong = await reviewer.post(f"{CALLS}/previews", json=body_of(today, per_applicant=1))
    assert wrong.json()["errors"][0]["code"] == "reason-required"
    denied = await platform.client("approver").post(f"{CALLS}/previews", json=body)
    assert code(denied) == (403, "role-required")


@pytest.mark.parametrize(
    ("programme", "says"),
    [
        ("little-giant-recommendation",
         "由上级公示：认定结果由上级部门公示，推荐申报不在本市另行公示"),
        ("upper-talent-recommendation", "不公示"),
        ("software-growth", "公示5个工作日"),
        (GROWTH, "不公示"),
    ],
)  # fmt: skip
def test_a_call_says_truly_who_publishes(programme: str, says: str) -> None:
    found, on = library().programmes[programme], date(2026, 11, 2)
    terms = Terms(
        opens_on=date(2026, 11, 2), closes_on=date(2026, 11, 30), budget_fen=None, quota=None,
        ties=Ties.UNDECIDED, per_applicant=None, document=None, contact="见公告", asked=(), held=(),
    )  # fmt: skip
    numbers = numbers_of(found, library(), {}, on, samples=False)
    parts = {each.heading: each.lines for each in notice(found, terms, numbers, on)}
    assert parts["公示"] == (says,)
