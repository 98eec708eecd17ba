"""One public notice for a call's cases: they wait, an approver publishes them in rank order."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.kernel.ids import new_id
from services.policy.notices.rules import in_order
from tests.policy.notice_steps import (
    AFTER,
    PUBLISHED,
    SOFTWARE,
    case_now,
    notice_of,
    software_firm,
)
from tests.policy.review_steps import end_calls
from tests.policy.steps import (
    budget,
    case_body,
    client_of,
    code,
    firm_client,
    move,
    propose,
    reset_clock,
    set_clock,
    try_move,
    until,
)
from tests.policy.test_calls import CALLS, deed, try_deed


@pytest.fixture(autouse=True)
async def _published_day(platform: Any) -> AsyncIterator[None]:
    await set_clock(platform, PUBLISHED)
    yield
    await end_calls(platform, SOFTWARE)
    await reset_clock(platform)


async def call_of(platform: Any, **changes: Any) -> dict[str, Any]:
    today = date.fromisoformat(PUBLISHED[:10])
    window = {"opens_on": str(today), "closes_on": str(today + timedelta(days=9))}
    body = {"programme": SOFTWARE, "year": today.year, "window": window, **changes}
    made = await platform.client("reviewer").post(CALLS, json=body)
    assert made.status_code == 201, made.text
    return await deed(platform, made.json(), "publish")


async def proposed(platform: Any, call: dict[str, Any]) -> tuple[dict[str, Any], httpx.AsyncClient]:
    uscc = await software_firm(platform)
    firm = await firm_client(platform, uscc)
    body = {**case_body(uscc, SOFTWARE), "call": call["id"]}
    made = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
    assert made.status_code == 201, made.text
    return await propose(platform, firm, made.json()), firm


def test_a_list_is_in_the_order_of_the_ranking_then_as_cases_were_begun() -> None:
    first, second, third = new_id(), new_id(), new_id()
    places: dict[UUID, int] = {third: 1, first: 2}
    assert in_order([first, second, third], places) == [third, first, second]
    assert in_order([second, first], {}) == [first, second]


async def test_cases_wait_for_the_list_of_their_call_and_are_published_together(
    platform: Any,
) -> None:
    await budget(platform, programme=SOFTWARE)
    call = await call_of(platform, notice="list")
    assert (call["notice"], call["allowed_events"]) == (
        "list", ["rank", "cancel", "limit", "publish-list"],
    )  # fmt: skip
    empty = await try_deed(platform, call, "publish-list", "approver")
    assert code(empty) == (409, "nothing-to-list")
    first, _ = await proposed(platform, call)
    second, firm = await proposed(platform, call)
    await platform.settle()
    for case in (first, second):
        assert (await case_now(platform, case))["state"] == "proposed"
        early = await try_move(
            platform, platform.client("approver"), case, "decide", data={"outcome": "approve"}
        )
        assert code(early) == (409, "list-not-published")

    refused = await try_deed(platform, call, "publish-list", "reviewer")
    assert code(refused) == (403, "role-required")
    stake = await client_of(platform, f"list-{call['id'][-6:]}", roles=["approver", "firm"],
                            uscc=second["applicant"]["id"])  # fmt: skip
    body = {"event": "publish-list", "version": call["version"]}
    barred = await stake.post(f"{CALLS}/{call['id']}/events", json=body)
    assert code(barred) == (403, "conflict-of-interest")
    call = await deed(platform, call, "publish-list")
    assert call["state"] == "published"
    first, second = await case_now(platform, first), await case_now(platform, second)
    assert (first["state"], second["state"]) == ("in-notice", "in-notice")
    assert first["notice"]["id"] == second["notice"]["id"]
    notice = await notice_of(platform, first)
    assert [each["case"] for each in notice["items"]] == [first["id"], second["id"]]

    # What is proposed later is on a list of its own; what is listed stands once.
    again = await try_deed(platform, call, "publish-list", "approver")
    assert code(again) == (409, "nothing-to-list")
    third, _ = await proposed(platform, call)
    call = await deed(platform, call, "publish-list")
    assert (await case_now(platform, third))["notice"]["id"] != notice["id"]

    await set_clock(platform, AFTER)
    done = await move(
        platform, platform.client("approver"), first, "decide", data={"outcome": "approve"}
    )
    assert done["state"] == "decided"
    assert (await move(platform, firm, second, "withdraw"))["state"] == "withdrawn"


async def test_a_ranked_call_lists_by_rank_and_waits_for_finance(platform: Any) -> None:
    await budget(platform, programme=SOFTWARE)
    call = await call_of(platform, notice="list", quota=1, ties="first-submitted")
    uscc = await software_firm(platform)
    firm = await firm_client(platform, uscc)
    body = {**case_body(uscc, SOFTWARE), "call": call["id"]}
    case = (await firm.post("/v1/policy/cases", json=body, headers=platform.key())).json()
    case = await move(platform, firm, case, "submit")
    for event in ("accept", "review"):
        case = await move(platform, platform.client("reviewer"), case, event)
    call = await deed(platform, call, "rank", "reviewer")
    assert (
        "publish-list"
        not in (await platform.client("reviewer").get(f"{CALLS}/{call['id']}")).json()[
            "allowed_events"
        ]
    )
    await move(platform, platform.client("reviewer"), case, "propose")
    case = await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
    call = await deed(platform, call, "publish-list")
    assert (call["state"], (await case_now(platform, case))["state"]) == ("ranked", "in-notice")


async def test_cases_of_other_calls_are_in_notice_one_by_one(platform: Any) -> None:
    await budget(platform, programme=SOFTWARE)
    call = await call_of(platform)
    assert (call["notice"], call["allowed_events"]) == ("each", ["rank", "cancel", "limit"])
    case, _ = await proposed(platform, call)
    await until(platform, case, lambda c: c["state"] == "in-notice")
    answer = await try_deed(platform, call, "publish-list", "approver")
    assert code(answer) == (409, "nothing-to-list")
    await deed(platform, call, "cancel", note="测试结束")


async def test_no_list_where_there_is_no_notice(platform: Any) -> None:
    today = date.fromisoformat(PUBLISHED[:10])
    body = {
        "programme": "digital-growth", "year": today.year, "notice": "list",
        "window": {"opens_on": str(today), "closes_on": str(today)},
    }  # fmt: skip
    answer = await platform.client("reviewer").post(CALLS, json=body)
    assert answer.json()["errors"][0]["code"] == "no-notice"
