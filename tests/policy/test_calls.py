"""Calls over HTTP: written by a department, published by another, applied under, ranked."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.policy.steps import (
    budget,
    case_body,
    client_of,
    firm_client,
    growing_firm,
    move,
    try_move,
    walk_to_review,
)

CALLS = "/v1/policy/calls"
GROWTH = "digital-growth"


async def draft(platform: Any, today: date, **changes: Any) -> httpx.Response:
    window = {"opens_on": str(today), "closes_on": str(today + timedelta(days=9))}
    body = {"programme": GROWTH, "year": today.year, "window": window, **changes}
    return await platform.client("reviewer").post(CALLS, json=body)


async def published(platform: Any, today: date, **changes: Any) -> dict[str, Any]:
    made = await draft(platform, today, **changes)
    assert made.status_code == 201, made.text
    return await deed(platform, made.json(), "publish")


async def deed(
    platform: Any, call: dict[str, Any], event: str, client: str = "approver", **body: Any
) -> dict[str, Any]:
    answer = await try_deed(platform, call, event, client, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def try_deed(
    platform: Any, call: dict[str, Any], event: str, client: str, **body: Any
) -> httpx.Response:
    return await platform.client(client).post(
        f"{CALLS}/{call['id']}/events", json={"event": event, "version": call["version"], **body}
    )


async def cancel(platform: Any, call: dict[str, Any]) -> None:
    """End a call that would take the applications of other tests."""
    await deed(platform, call, "cancel", note="测试结束")


async def apply(platform: Any, client: httpx.AsyncClient, uscc: str, call: Any) -> httpx.Response:
    body = {**case_body(uscc), "call": call}
    return await client.post("/v1/policy/cases", json=body, headers=platform.key())


async def test_a_draft_is_seen_by_its_department_and_published_by_another(
    platform: Any, today: date
) -> None:
    call = (await draft(platform, today)).json()
    path = f"{CALLS}/{call['id']}"

    assert (call["state"], call["allowed_events"]) == ("draft", ["cancel"])
    assert (await platform.client("public").get(path)).status_code == 404
    refused = await try_deed(platform, call, "publish", "reviewer")
    assert (refused.status_code, refused.json()["code"]) == (403, "role-required")
    call = await deed(platform, call, "publish")
    shown = (await platform.client("public").get(path)).json()
    assert (shown["state"], shown["open_today"]) == ("published", True)
    await cancel(platform, call)


async def test_who_wrote_a_call_does_not_publish_it(platform: Any, today: date) -> None:
    both = await client_of(platform, "call-both", roles=["reviewer", "approver"], department="jxj")
    window = {"opens_on": str(today), "closes_on": str(today)}
    body = {"programme": GROWTH, "year": today.year, "window": window}
    call = (await both.post(CALLS, json=body)).json()
    answer = await both.post(
        f"{CALLS}/{call['id']}/events", json={"event": "publish", "version": 1}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "four-eyes")


async def test_a_call_of_another_department_is_refused(platform: Any, today: date) -> None:
    answer = await draft(platform, today, programme="talent-project-matching")

    assert (answer.status_code, answer.json()["code"]) == (403, "not-your-department")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"programme": "digital-grow"}, "programme-unknown"),
        ({"window": {"opens_on": "2026-11-30", "closes_on": "2026-11-29"}}, "window-order"),
        ({"per_applicant": 1}, "reason-required"),
    ],
)
async def test_a_call_that_contradicts_itself_is_refused(
    platform: Any, today: date, changes: dict[str, Any], code: str
) -> None:
    answer = await draft(platform, today, **changes)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == code


async def test_the_notice_quotes_the_clause_and_says_what_is_not_set(
    platform: Any, today: date
) -> None:
    client = await client_of(platform, "call-kjj", roles=["reviewer"], department="kjj")
    window = {"opens_on": str(today), "closes_on": str(today)}
    body = {"programme": "rd-matching", "year": today.year, "window": window, "quota": 3}
    call = (await client.post(CALLS, json=body)).json()
    notice = (await client.get(f"{CALLS}/{call['id']}/preview")).json()
    sections = {each["heading"]: each["paragraphs"] for each in notice["sections"]}

    assert "年度研发经费内部支出超过200万元（不含200万元）" in "".join(sections["申报条件"])
    assert any("尚未确定" in line for line in sections["支持标准"])
    assert any("名额3个" in line for line in sections["名额与资金"])
    assert "宁波研发投入后补助文件及清单" in sections["免予提交（由部门自行核查）"]
    assert any("不能据以拨付" in line for line in sections["申报依据"])


async def test_an_application_falls_under_the_open_call(platform: Any, today: date) -> None:
    call = await published(platform, today, per_applicant=1, per_applicant_reason="试点")
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    made = await apply(platform, firm, uscc, None)
    again = await apply(platform, firm, uscc, call["id"])

    assert (made.status_code, made.json()["call"]) == (201, call["id"])
    assert (again.status_code, again.json()["code"]) == (409, "applications-limit")
    await cancel(platform, call)
    late = await growing_firm(platform)
    answer = await apply(platform, await firm_client(platform, late), late, call["id"])
    assert (answer.status_code, answer.json()["code"]) == (409, "call-not-open")


async def test_a_call_of_another_programme_is_refused(platform: Any, today: date) -> None:
    call = await published(platform, today, programme="large-strong")
    uscc = await growing_firm(platform)
    answer = await apply(platform, await firm_client(platform, uscc), uscc, call["id"])

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "call-of-another-programme"


async def test_two_firms_and_one_place(platform: Any, today: date) -> None:
    await budget(platform)
    call = await published(platform, today, quota=1, ties="first-submitted")
    cases: list[tuple[httpx.AsyncClient, dict[str, Any]]] = []
    for _ in range(2):
        uscc = await growing_firm(platform)
        firm = await firm_client(platform, uscc)
        case = (await apply(platform, firm, uscc, call["id"])).json()
        cases.append((firm, await walk_to_review(platform, firm, case)))
    reviewer = platform.client("reviewer")
    early = await try_move(platform, reviewer, cases[0][1], "propose")
    assert (early.status_code, early.json()["code"]) == (409, "call-not-ranked")
    call = await deed(platform, call, "rank", "reviewer")
    ranking = (await reviewer.get(f"{CALLS}/{call['id']}/ranking")).json()

    assert [each["within"] for each in ranking["items"]] == [True, False]
    outside = await try_move(platform, reviewer, cases[1][1], "propose")
    assert (outside.status_code, outside.json()["code"]) == (409, "outside-quota")
    first = await move(platform, reviewer, cases[0][1], "propose")
    assert first["state"] == "proposed"


async def test_a_year_gives_out_no_more_places_than_the_clause(platform: Any, today: date) -> None:
    writer = await client_of(platform, "call-scjgj", roles=["reviewer"], department="scjgj")
    window = {"opens_on": str(today), "closes_on": str(today)}

    async def attempt(quota: int) -> httpx.Response:
        body = {
            "programme": "government-quality-award", "year": 2199, "window": window,
            "quota": quota,
        }  # fmt: skip
        made = await writer.post(CALLS, json=body)
        if made.status_code != 201:
            return made
        return await try_deed(platform, made.json(), "publish", "approver")

    assert (await attempt(6)).json()["errors"][0]["code"] == "places-exceeded"
    assert (await attempt(3)).status_code == 200
    assert (await attempt(3)).json()["errors"][0]["code"] == "places-exceeded"
    assert (await attempt(2)).status_code == 200
