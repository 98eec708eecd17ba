"""A case from draft to payment, over HTTP: who may, when, on what grounds, and only once."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.kernel.ids import new_id
from tests.policy.steps import (
    GROWTH,
    WAN,
    approve,
    budget,
    case_body,
    client_of,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    propose,
    state,
    try_move,
    until,
)


async def pay(platform: Any, case: dict[str, Any]) -> None:
    """Pay an award: prepared by one treasurer, checked by another, sent and settled."""
    treasurer = platform.client("treasurer")
    found = await treasurer.get("/v1/finance/awards", params={"case_id": case["id"]})
    body = {"awards": [found.json()["items"][0]["id"]], "document": "慈测拨〔2026〕1号"}
    payout = await treasurer.post("/v1/finance/payouts", json=body, headers=platform.key())
    assert payout.status_code == 201, payout.text
    for role, event in (("treasurer-b", "check"), ("treasurer", "send"), ("treasurer", "settle")):
        deed = {"event": event, "version": payout.json()["version"], "data": {}}
        payout = await platform.client(role).post(
            f"/v1/finance/payouts/{payout.json()['id']}/events", json=deed, headers=platform.key()
        )
        assert payout.status_code == 200, payout.text


async def test_a_case_from_draft_to_payment(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)

    case = await open_case(platform, firm, uscc)
    assert (case["state"], case["version"], case["allowed_events"]) == (
        "draft", 1, ["submit", "withdraw"],
    )  # fmt: skip
    assert case["reservation"] == {
        "state": "none", "amount_fen": None, "reason": None, "line": None, "reason_code": None,
        "reason_en": None,
    }  # fmt: skip
    assert case["due_on"] is None
    assert case["assessment"]["outcome"] == "eligible"
    assert case["assessment"]["amount_fen"] == 30 * WAN
    assert case["situation"]["situation"]["year"] == 2025

    case = await propose(platform, firm, case)
    assert (case["state"], case["reservation"]["state"]) == ("proposed", "reserved")
    assert case["reservation"]["amount_fen"] == 30 * WAN
    assert case["reservation"]["line"]["year"] >= 2026

    case = await approve(platform, case)
    assert case["state"] == "awarded"
    await pay(platform, case)
    case = await until(platform, case, lambda c: c["state"] == "closed")
    assert case["allowed_events"] == []

    history = (await firm.get(f"/v1/policy/cases/{case['id']}/history")).json()["items"]
    assert [row["event"] for row in history] == [
        "created", "submit", "accept", "review", "propose", "reserved", "decide", "awarded", "paid",
    ]  # fmt: skip
    assert [row["number"] for row in history] == list(range(1, 10))
    assert {row["role"]: row["actor"] for row in history}["reviewer"] is None
    seen = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/history")
    assert "reviewer" in {row["actor"] for row in seen.json()["items"]}


async def test_the_frozen_situation_replays_byte_for_byte(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    path = f"/v1/policy/cases/{case['id']}/replay"
    assert code(await firm.get(path)) == (409, "not-frozen")

    case = await propose(platform, firm, case)
    # What the register learns afterwards does not touch what was frozen.
    await state(platform, uscc, 2025, revenue_fen=1)
    await platform.settle()
    replay = (await platform.client("auditor").get(path)).json()

    assert replay["same"] is True
    assert replay["frozen"] == replay["recomputed"] == case["assessment"]
    assert replay["situation"] == case["situation"]
    assert replay["assessment_sha256"] == replay["recomputed_sha256"]
    assert replay["situation"]["situation"]["facts"]["revenue_fen"]["2025"] == 260_000 * WAN
    assert replay["situation"]["plan"]["version"] == case["plan"]["version"]
    assert set(replay["situation"]["situation"]["facts"]) == {
        "is_above_scale", "is_digital_manufacturing", "revenue_fen",
    }  # fmt: skip


async def test_frozen_rows_and_history_cannot_be_changed(platform: Any) -> None:
    for statement in (
        "UPDATE situation SET assessment = '{}'",
        "DELETE FROM situation",
        "UPDATE case_event SET note = 'x'",
        "DELETE FROM case_event",
        "DELETE FROM rule_text",
    ):
        async with platform.service("policy").sessions() as session:
            with pytest.raises(DBAPIError, match=r"permission denied|only ever added"):
                await session.execute(text(statement))


async def test_the_same_matter_is_open_once(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)

    again = await firm.post("/v1/policy/cases", json=case_body(uscc), headers=platform.key())
    assert code(again) == (409, "case-exists")
    assert case["id"] in again.json()["detail"]
    other_year = case_body(uscc, year=2024)
    other = await firm.post("/v1/policy/cases", json=other_year, headers=platform.key())
    assert other.status_code == 201

    await move(platform, firm, case, "withdraw")
    after = await firm.post("/v1/policy/cases", json=case_body(uscc), headers=platform.key())
    assert after.status_code == 201


async def test_many_at_once_open_one_case(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    answers = await asyncio.gather(
        *(
            firm.post("/v1/policy/cases", json=case_body(uscc), headers=platform.key())
            for _ in range(6)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]


async def test_a_repeated_key_gets_the_same_case(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    key = platform.key()
    first = await firm.post("/v1/policy/cases", json=case_body(uscc), headers=key)
    again = await firm.post("/v1/policy/cases", json=case_body(uscc), headers=key)
    without = await firm.post("/v1/policy/cases", json=case_body(uscc))

    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.headers["ETag"] == '"1"'
    assert without.status_code == 400


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"programme": "digital-grow"}, "/programme"),
        ({"call": str(new_id())}, "/call"),
        ({"matter": {"kind": "project", "id": "p"}}, "/matter/kind"),
        ({"matter": {"kind": "year", "period": "2099"}}, "/matter/period"),
        ({"applicant": {"kind": "town", "id": "330282107"}}, "/applicant/kind"),
        ({"amount_fen": 1}, "/?"),
    ],
)
async def test_a_case_that_does_not_fit_is_refused(
    platform: Any, changes: dict[str, Any], pointer: str
) -> None:
    body = {**case_body(platform.uscc("firm")), **changes}
    answer = await platform.client("firm").post(
        "/v1/policy/cases", json=body, headers=platform.key()
    )

    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_nobody_applies_for_a_foreign_or_unknown_firm(platform: Any) -> None:
    uscc = await growing_firm(platform)
    foreign = await platform.client("firm-b").post(
        "/v1/policy/cases", json=case_body(uscc), headers=platform.key()
    )
    mine = fresh_uscc()
    unknown = await (await firm_client(platform, mine)).post(
        "/v1/policy/cases", json=case_body(mine), headers=platform.key()
    )

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json()["detail"] == unknown.json()["detail"]


async def test_who_sees_a_case(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    path = f"/v1/policy/cases/{case['id']}"
    town = await client_of(platform, f"town-{uscc.lower()}", roles=["reviewer"],
                           town_code="330282114")  # fmt: skip
    statuses = {
        role: (await platform.client(role).get(path)).status_code
        for role in ("firm-b", "reviewer", "reviewer-b", "reviewer-town", "approver", "treasurer",
                     "auditor", "institution", "bank", "registrar", "steward", "admin", "public")
    }  # fmt: skip

    assert (await firm.get(path)).status_code == 200
    assert (await town.get(path)).status_code == 200
    assert statuses == {
        "firm-b": 404, "reviewer": 200, "reviewer-b": 404, "reviewer-town": 404, "approver": 200,
        "treasurer": 404, "auditor": 200, "institution": 404, "bank": 403, "registrar": 403,
        "steward": 403, "admin": 403, "public": 401,
    }  # fmt: skip
    listed = await town.get("/v1/policy/cases", params={"programme": GROWTH})
    assert case["id"] in {each["id"] for each in listed.json()["items"]}
    listed = await platform.client("reviewer-b").get("/v1/policy/cases")
    assert listed.json()["items"] == []


async def test_lists_are_paged_and_filtered(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    opened = []
    for year in (2023, 2024, 2025):
        body = case_body(uscc, year=year)
        answer = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
        opened.append(answer.json())
    await move(platform, firm, opened[0], "submit")
    first = (await firm.get("/v1/policy/cases", params={"limit": 2})).json()
    rest = (
        await firm.get("/v1/policy/cases", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    drafts = (await firm.get("/v1/policy/cases", params={"state": "draft"})).json()

    assert [each["id"] for each in (*first["items"], *rest["items"])] == [
        each["id"] for each in reversed(opened)
    ]
    assert rest["next_cursor"] is None
    assert {each["id"] for each in drafts["items"]} == {opened[1]["id"], opened[2]["id"]}
    wrong = await firm.get("/v1/policy/cases", params={"state": "lost"})
    assert wrong.status_code == 422


async def test_each_event_is_its_owners(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    reviewer, approver = platform.client("reviewer"), platform.client("approver")

    assert code(await try_move(platform, firm, case, "accept")) == (403, "role-required")
    assert code(await try_move(platform, reviewer, case, "submit")) == (403, "role-required")
    assert code(await try_move(platform, approver, case, "accept")) == (403, "role-required")
    early = await try_move(platform, reviewer, case, "accept")
    assert code(early) == (409, "event-not-allowed")
    assert "草稿" in early.json()["detail"]
    assert "提交" in early.json()["detail"]
    unknown = await try_move(platform, firm, case, "hurry")
    assert unknown.status_code == 422
    outsider = await try_move(platform, platform.client("reviewer-b"), case, "accept")
    assert outsider.status_code == 404
    auditor = await try_move(platform, platform.client("auditor"), case, "submit")
    assert auditor.status_code == 403


async def test_a_version_that_is_not_the_cases_is_refused(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)

    assert code(await try_move(platform, firm, case, "submit", version=2)) == (
        412, "version-mismatch",
    )  # fmt: skip
    await move(platform, firm, case, "submit", version=1)
    stale = await try_move(platform, firm, case, "withdraw", version=1)
    assert code(stale) == (412, "version-mismatch")
    extra = await try_move(platform, firm, case, "withdraw", version=2, data={"why": "x"})
    assert extra.json()["errors"][0]["pointer"] == "/data/?"


async def test_a_case_goes_back_and_is_completed(platform: Any) -> None:
    uscc = await growing_firm(platform, last_wan=219_999)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    assert case["assessment"]["outcome"] == "ineligible"
    await move(platform, firm, case, "submit")
    reviewer = platform.client("reviewer")
    returned = await move(platform, reviewer, case, "return", note="请更正2025年营收")
    assert (returned["state"], returned["allowed_events"]) == ("returned", [])

    statement = await state(platform, uscc, 2025, revenue_fen=260_000 * WAN)
    answer = await firm.post(
        f"/v1/policy/cases/{case['id']}/events",
        json={"event": "complete", "version": returned["version"], "note": "", "data": {}},
        headers=platform.key(),
        params={"after": statement},
    )
    assert answer.json()["state"] == "submitted"
    assert answer.json()["assessment"]["amount_fen"] == 30 * WAN


async def test_whose_register_is_not_joined_is_told_where_to_turn(platform: Any) -> None:
    body = {
        "programme": "skill-body-retention", "matter": {"kind": "year", "period": "2025"},
        "applicant": {"kind": "institution", "id": "demo-institution"},
    }  # fmt: skip
    answer = await platform.client("institution").post(
        "/v1/policy/cases", json=body, headers=platform.key()
    )
    assert code(answer) == (422, "applicant-kind-unsupported")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/programme"
    assert "高校院所" in error["detail"]
