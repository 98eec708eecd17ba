"""Cases without money over the running platform: noticed, decided, recorded, revoked, ended."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from tests.policy.notice_steps import (
    AFTER,
    NOTICES,
    PUBLISHED,
    case_now,
    events,
    handle,
    notice_of,
    object_to,
    until_event,
)
from tests.policy.review_steps import end_calls
from tests.policy.steps import (
    case_body,
    client_of,
    code,
    firm_client,
    fresh_uscc,
    move,
    open_case,
    register,
    reset_clock,
    set_clock,
    set_parameter,
    state_of_day,
    try_move,
    until,
    walk_to_review,
)
from tests.policy.title_steps import (
    LEADER,
    STARS,
    decided,
    green_firm,
    noticed,
    record_title,
    titles_of,
    told,
    until_told,
)

APPROVE, REFUSE = {"outcome": "approve"}, {"outcome": "refuse"}
BASE = "pilot-platform-building"
NUMBER = "慈经信绿〔2026〕3号"


@pytest.fixture(autouse=True)
async def _published_day(platform: Any) -> AsyncIterator[None]:
    await set_clock(platform, PUBLISHED)
    yield
    await reset_clock(platform)


async def awards_of(platform: Any, case: dict[str, Any]) -> int:
    async with platform.service("finance").engine.connect() as connection:
        counted = await connection.execute(
            text("SELECT count(*) FROM award WHERE case_id = :id"), {"id": case["id"]}
        )
        return int(counted.scalar_one())


async def test_a_title_is_noticed_decided_and_recorded_without_finance(platform: Any) -> None:
    case, firm = await noticed(platform)
    assert (case["state"], case["without_money"]) == ("in-notice", True)
    assert case["reservation"]["state"] == "none"
    assert case["title"] is None
    notice = await notice_of(platform, case)
    assert notice["items"][0]["amount_fen"] is None
    early = await try_move(platform, platform.client("approver"), case, "decide", data=APPROVE)
    assert code(early) == (409, "notice-running")

    await set_clock(platform, AFTER)
    await until_event(platform, case, "notice-ended")
    own = await try_move(platform, platform.client("reviewer"), case, "decide", data=APPROVE)
    assert code(own) == (403, "role-required")
    answer = await move(
        platform, platform.client("approver"), case, "decide", data={**APPROVE, "document": NUMBER}
    )
    assert (answer["state"], answer["title"]["state"]) == ("decided", "pending")

    case = await until(platform, case, lambda c: c["state"] == "closed")
    uscc = case["applicant"]["id"]
    (title,) = await titles_of(platform, uscc)
    assert title["source"] == {"kind": "case", "id": case["id"]}
    assert (title["recognition"], title["grade"]) == ("green-factory-star", "3")
    assert (title["document"], title["holds"], title["valid_to"]) == (NUMBER, True, None)
    assert title["valid_from"] == "2026-11-10"
    assert case["title"] == {
        "recognition": "green-factory-star", "grade": "3", "valid_from": "2026-11-10",
        "valid_to": None, "state": "recorded", "record": title["id"],
    }  # fmt: skip
    assert await events(platform, case) == [
        "created", "submit", "accept", "review", "propose", "notice-begun", "notice-ended",
        "decide", "title-recorded",
    ]  # fmt: skip
    assert "award.proposed" not in await told(platform, "policy", f"case:{case['id']}")
    await platform.settle()
    assert await awards_of(platform, case) == 0
    mine = await firm.get(f"/v1/policy/cases/{case['id']}")
    assert mine.json()["title"]["record"] == title["id"]
    hidden = await platform.client("treasurer").get(f"/v1/policy/cases/{case['id']}")
    assert hidden.status_code == 404
    shown = await platform.client("public").get(f"{NOTICES}/{case['notice']['id']}")
    assert shown.json()["items"][0]["result"]["outcome"] == "approved"


async def test_a_revoked_case_takes_its_title_back(platform: Any) -> None:
    case, _ = await noticed(platform)
    case = await decided(platform, case)
    await move(platform, platform.client("approver"), case, "revoke", note="材料不实")
    case = await until(platform, case, lambda c: c["title"]["state"] == "revoked")
    assert case["state"] == "revoked"
    (title,) = await titles_of(platform, case["applicant"]["id"])
    assert (title["state"], title["holds"]) == ("revoked", False)
    assert (title["revoked_on"], title["revocation_note"]) == ("2026-11-10", "材料不实")
    assert (await events(platform, case))[-2:] == ["revoke", "title-revoked"]


async def test_a_second_application_assesses_the_title_anew(platform: Any) -> None:
    await set_parameter(platform, f"{LEADER}.validity_months", 12, "2026-11-02")
    case, firm = await noticed(platform, LEADER, checked=["leads-chain"])
    assert case["reassesses"] is None
    case = await decided(platform, case)
    first = case["title"]
    assert (first["valid_from"], first["valid_to"]) == ("2026-11-10", "2027-11-09")

    await set_clock(platform, "2027-11-01T10:00:00+08:00")
    uscc = case["applicant"]["id"]
    body = case_body(uscc, LEADER, 2026)
    answer = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
    assert answer.status_code == 201, answer.text
    again = answer.json()
    assert again["reassesses"] == {
        "record": first["record"], "recognition": "chain-leader", "grade": None,
        "valid_from": "2026-11-10", "valid_to": "2027-11-09",
    }  # fmt: skip
    again = await walk_to_review(platform, firm, again)
    again = await move(
        platform, platform.client("reviewer"), again, "propose", data={"checked": ["leads-chain"]}
    )
    decision_day = again["notice"]["decision_from"]
    await set_clock(platform, f"{decision_day}T10:00:00+08:00")
    await move(platform, platform.client("approver"), again, "decide", data=APPROVE)
    again = await until(platform, again, lambda c: c["state"] == "closed")
    new, old = await titles_of(platform, uscc)
    assert (old["id"], old["state"], old["revoked_on"]) == (
        first["record"], "superseded", new["valid_from"],
    )  # fmt: skip
    assert (new["holds"], new["source"]["id"]) == (True, again["id"])


async def test_what_only_people_can_judge_is_checked_before_it_is_proposed(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state_of_day(platform, uscc, has_enterprise_research_institute=True)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    desk = await client_of(platform, f"desk-{uscc.lower()}", roles=["reviewer"], department="kjj")
    case = await move(platform, firm, await open_case(platform, firm, uscc, BASE), "submit")
    for event in ("accept", "review"):
        case = await move(platform, desk, case, event)
    unchecked = await try_move(platform, desk, case, "propose")
    assert code(unchecked) == (409, "manual-check-needed")
    assert "产业链龙头企业" in unchecked.json()["detail"]
    unknown = await try_move(platform, desk, case, "propose", data={"checked": ["never"]})
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "/data/checked/0"
    case = await move(platform, desk, case, "propose", data={"checked": ["chain-leader"]})
    assert (case["state"], case["notice"]) == ("proposed", None)

    approver = platform.client("approver")
    named = await try_move(platform, approver, case, "decide", data={**APPROVE, "document": NUMBER})
    assert named.status_code == 422
    done = await move(platform, approver, case, "decide", data=APPROVE)
    # Nothing is to be recorded of a place, so nobody is waited for.
    assert (done["state"], done["title"]) == ("closed", None)
    assert (await events(platform, case))[-2:] == ["decide", "completed"]
    assert await titles_of(platform, uscc) == []


async def test_an_open_fact_or_a_failed_condition_grants_nothing(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state_of_day(platform, uscc, green_factory_score=80, per_mu_class="A")
    await platform.settle()
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc, STARS))
    reviewer = platform.client("reviewer")
    assert code(await try_move(platform, reviewer, case, "propose")) == (409, "facts-unknown")
    await state_of_day(platform, uscc, had_major_incident_3y=True)
    await platform.settle()
    assert code(await try_move(platform, reviewer, case, "propose")) == (409, "not-eligible")
    case = await move(platform, reviewer, case, "propose", data=REFUSE)
    refused = await move(platform, platform.client("approver"), case, "decide", data=REFUSE)
    assert (refused["state"], refused["title"]) == ("refused", None)


async def test_an_objection_that_is_upheld_sends_a_title_back_to_review(platform: Any) -> None:
    case, _ = await noticed(platform)
    answer = await object_to(platform, case)
    objection = answer.json() | {"notice": case["notice"]["id"]}
    assert (await case_now(platform, case))["state"] == "suspended"
    assert (await handle(platform, objection, "uphold")).status_code == 200
    assert (await case_now(platform, case))["state"] == "in-review"
    again = await move(platform, platform.client("reviewer"), case, "propose")
    assert again["state"] == "in-notice"
    assert again["notice"]["id"] != case["notice"]["id"]


async def test_places_that_the_text_counts_are_given_in_a_call(platform: Any) -> None:
    await end_calls(platform, "government-quality-award")
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state_of_day(platform, uscc, quality_review_points=90)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    desk = await client_of(platform, f"desk-{uscc.lower()}", roles=["reviewer"], department="scjgj")
    case = await open_case(platform, firm, uscc, "government-quality-award")
    case = await move(platform, firm, case, "submit")
    for event in ("accept", "review"):
        case = await move(platform, desk, case, event)
    answer = await try_move(platform, desk, case, "propose", data={"checked": ["criteria"]})
    assert code(answer) == (409, "call-required")


async def test_a_title_that_the_registry_has_already_is_not_recorded_twice(platform: Any) -> None:
    case, _ = await noticed(platform)
    uscc = case["applicant"]["id"]
    known = await record_title(platform, uscc, "green-factory-star", grade="3")
    case = await decided(platform, case)
    assert (case["title"]["state"], case["title"]["record"]) == ("already-held", known["id"])
    assert case["title"]["valid_from"] == "2025-01-01"
    assert [each["id"] for each in await titles_of(platform, uscc)] == [known["id"]]
    # What another granted is not taken back with this case.
    await move(platform, platform.client("approver"), case, "revoke", note="撤销")
    await platform.settle()
    (title,) = await titles_of(platform, uscc)
    assert title["state"] == "held"


async def test_a_title_that_ends_is_told_of_and_the_firm_matched_again(platform: Any) -> None:
    uscc = await green_firm(platform)
    title = await record_title(platform, uscc, "gazelle-star", valid_to="2027-01-31")
    await platform.settle()
    key = f"recognition:{title['id']}"
    assert await standing(platform, uscc) == "eligible"
    await set_clock(platform, "2026-12-01T23:58:00+08:00")
    assert await told(platform, "enterprise", key) == []
    # 60 days before its last one, as the platform is set.
    await set_clock(platform, "2026-12-02T00:00:30+08:00")
    assert await until_told(platform, "enterprise", key, "recognition.expiring") == [
        "recognition.expiring"
    ]
    # Its last day still counts.
    await set_clock(platform, "2027-01-31T23:58:00+08:00")
    assert "recognition.expired" not in await told(platform, "enterprise", key)
    assert await standing(platform, uscc) == "eligible"
    await set_clock(platform, "2027-02-01T00:00:30+08:00")
    assert await until_told(platform, "enterprise", key, "recognition.expired") == [
        "recognition.expiring", "recognition.expired",
    ]  # fmt: skip
    await platform.settle()
    assert await standing(platform, uscc) != "eligible"


async def standing(platform: Any, uscc: str) -> str | None:
    """Read where a firm stands under a service for gazelle stars."""
    answer = await platform.client("auditor").get(f"/v1/policy/firms/{uscc}/matches")
    found = {each["programme"]: each["outcome"] for each in answer.json()["items"]}
    return found.get("gazelle-research-service")
