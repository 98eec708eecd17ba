"""Recommendations over the running platform: guided, filed, reviewed, recommended, granted."""

import asyncio
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from services.kernel.unit import commit
from services.policy.recommendations.actions.record import restate_recommendations
from tests.policy.recommendation_steps import (
    RECOMMENDATIONS,
    STAR,
    begin,
    begun,
    body_for,
    desk_of,
    event,
    filing,
    history,
    letter,
    new_firm,
    now,
    result,
    try_event,
    until_title,
    with_letter,
)
from tests.policy.steps import client_of, code, fresh_uscc, state_of_day
from tests.policy.title_steps import record_title, titles_of, told


async def test_only_the_upper_levels_result_becomes_a_recognition(platform: Any) -> None:
    desk, (uscc, firm) = await desk_of(platform), await new_firm(platform)
    found = await begun(platform, desk, body_for(uscc))
    assert (found["state"], found["origin"], found["level"]) == ("guided", "guidance", "ningbo")
    assert found["assessment"]["programme"] == STAR
    assert found["allowed_events"] == ["file", "withdraw"]

    filed = filing()
    found = await event(platform, firm, found, "file", **filed)
    assert (found["state"], found["filing"]["number"]) == ("filed", filed["number"])
    assert found["allowed_events"] == ["withdraw"]
    found = await event(platform, desk, found, "review", outcome="pass", finding="符合通知条件")
    assert (found["state"], found["review"]["outcome"]) == ("passed", "pass")
    sent = letter(file="https://example.invalid/letter.pdf", sha256="0" * 64)
    approver = platform.client("approver")
    found = await event(platform, approver, found, "issue-letter", **sent)
    assert (found["state"], found["letter"]["number"]) == ("recommended", sent["number"])
    found = await event(
        platform, desk, found, "notice", reference="甬科公示2026-9", published_on="2026-11-10"
    )
    assert found["state"] == "in-upper-notice"
    assert await titles_of(platform, uscc) == []

    days = {"valid_from": "2026-11-20", "valid_to": "2029-11-19"}
    found = await event(platform, desk, found, "result", **result(**days))
    assert (found["state"], found["title"]["state"]) == ("granted", "pending")
    found = await until_title(platform, found, "recorded")
    (title,) = await titles_of(platform, uscc)
    assert title["id"] == found["title"]["record"]
    assert title["source"] == {"kind": "recommendation", "id": found["id"]}
    assert (title["issuer"], title["document"]) == ("宁波市科学技术局", "甬科高〔2026〕66号")
    assert (title["valid_from"], title["valid_to"]) == (days["valid_from"], days["valid_to"])
    assert found["allowed_events"] == []
    rows = await history(platform.client("auditor"), found)
    assert [row["event"] for row in rows] == [
        "begun", "file", "review", "issue-letter", "notice", "result", "title-recorded",
    ]  # fmt: skip
    assert [row["role"] for row in rows[:4]] == ["reviewer", "firm", "reviewer", "approver"]
    # The applicant learns what was found and in which role, and not by whom.
    mine = (await firm.get(f"{RECOMMENDATIONS}/{found['id']}")).json()
    assert (mine["review"]["reviewed_by"], mine["letter"]["issued_by"]) == (None, None)
    assert {row["actor"] for row in await history(firm, found) if row["role"] == "reviewer"} == {
        None
    }


async def test_announcements_hold_no_person_and_repeats_record_nothing(platform: Any) -> None:
    desk, (uscc, firm) = await desk_of(platform), await new_firm(platform)
    found = await with_letter(platform, desk, firm, body_for(uscc))
    found = await event(platform, desk, found, "result", **result())
    await until_title(platform, found, "recorded")
    key = f"recommendation:{found['id']}"
    assert set(await told(platform, "policy", key)) == {"recommendation.changed"}
    policy = platform.service("policy")
    async with policy.sessions() as session:
        rows = await session.execute(
            text("SELECT payload FROM outbox WHERE aggregate = :a ORDER BY seq"), {"a": key}
        )
        states = [orjson.loads(payload) for (payload,) in rows]
        restated = [each async for each in restate_recommendations(session)]
        await commit(session)
    assert [each["version"] for each in states] == list(range(1, len(states) + 1))
    assert [each["title"] is None for each in states] == [True] * 4 + [False] * 2
    assert "finding" not in str(states)
    assert str(found["id"]) in {str(each.recommendation_id) for each in restated}
    assert len(await titles_of(platform, uscc)) == 1


async def test_the_firm_begins_for_itself_and_once_a_year(platform: Any) -> None:
    uscc, firm = await new_firm(platform)
    found = await begun(platform, firm, body_for(uscc))
    assert found["origin"] == "applicant"
    twice = await begin(platform, firm, body_for(uscc))
    assert code(twice) == (409, "recommendation-exists")
    assert twice.headers["Location"] == f"{RECOMMENDATIONS}/{found['id']}"
    other = await begun(platform, firm, body_for(uscc, year=2025))
    assert other["id"] != found["id"]
    found = await event(platform, firm, found, "withdraw")
    assert (found["state"], found["allowed_events"]) == ("withdrawn", [])
    assert (await begun(platform, firm, body_for(uscc)))["state"] == "guided"
    gone = await try_event(platform, firm, found, "file", **filing())
    assert code(gone) == (409, "event-not-allowed")


@pytest.mark.parametrize(
    ("changes", "status", "at"),
    [
        ({"programme": "gazelle-star-recomendation"}, 422, "/programme"),
        ({"programme": "digital-growth"}, 422, "/programme"),
        ({"programme": "outstanding-engineer-recommendation"}, 422, "/programme"),
        ({"programme": "incubator-ningbo"}, 422, "/applicant/kind"),
        ({"programme": "water-saving-recommendation"}, 422, "/level"),
        ({"level": "national"}, 422, "/level"),
        ({"year": 2020}, 422, "/year"),
        ({"surprise": 1}, 422, "/?"),
    ],
)
async def test_what_does_not_fit_is_refused(
    platform: Any, changes: dict[str, Any], status: int, at: str
) -> None:
    uscc, firm = await new_firm(platform)
    answer = await begin(platform, firm, body_for(uscc, **changes))
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["pointer"] == at


async def test_a_reviewer_guides_his_own_desk_and_only_whom_matching_finds(platform: Any) -> None:
    desk, (uscc, firm) = await desk_of(platform), await new_firm(platform)
    other = await desk_of(platform, "rsj")
    assert code(await begin(platform, other, body_for(uscc))) == (403, "not-your-department")
    stranger, strange_firm = await new_firm(platform)
    assert (await begin(platform, strange_firm, body_for(uscc))).status_code == 404
    await record_title(platform, uscc, "gazelle-star")
    await platform.settle()
    assert code(await begin(platform, desk, body_for(uscc))) == (409, "not-matched")
    # The firm may still go its own way, but does not pass.
    found = await begun(platform, firm, body_for(uscc))
    await event(platform, firm, found, "file", **filing())
    refused = await try_event(platform, desk, found, "review", outcome="pass", finding="已在名录")
    assert code(refused) == (409, "not-eligible")
    found = await event(platform, desk, found, "review", outcome="fail", finding="已在名录")
    assert (found["state"], found["review"]["outcome"]) == ("failed", "fail")
    assert (await strange_firm.get(f"{RECOMMENDATIONS}/{found['id']}")).status_code == 404
    assert (await other.get(f"{RECOMMENDATIONS}/{found['id']}")).status_code == 404
    assert stranger != uscc


async def test_review_and_letter_take_two_persons_without_a_stake(platform: Any) -> None:
    uscc, firm = await new_firm(platform)
    both = await client_of(
        platform, f"both-{uscc.lower()}", roles=["reviewer", "approver"], department="kjj"
    )
    bound = await client_of(
        platform, f"bound-{uscc.lower()}", roles=["reviewer", "firm"], department="kjj", uscc=uscc
    )
    found = await begun(platform, firm, body_for(uscc))
    await event(platform, firm, found, "file", **filing())
    stake = await try_event(platform, bound, found, "review", outcome="pass", finding="自己")
    assert code(stake) == (403, "conflict-of-interest")
    await event(platform, both, found, "review", outcome="pass", finding="符合")
    same = await try_event(platform, both, found, "issue-letter", **letter())
    assert code(same) == (403, "four-eyes")
    early = await try_event(
        platform, platform.client("approver"), found, "issue-letter",
        **letter(issued_on="2026-10-19"),
    )  # fmt: skip
    assert early.json()["errors"][0]["pointer"] == "/data/issued_on"
    bad = await try_event(
        platform, platform.client("approver"), found, "issue-letter", **letter(number="1号")
    )
    assert bad.json()["errors"][0]["pointer"] == "/data/number"
    done = await event(platform, platform.client("approver"), found, "issue-letter", **letter())
    assert done["state"] == "recommended"


async def test_two_reviewers_at_once_one_wins(platform: Any) -> None:
    first, second = await desk_of(platform), await desk_of(platform)
    uscc, firm = await new_firm(platform)
    found = await begun(platform, firm, body_for(uscc))
    await event(platform, firm, found, "file", **filing())
    answers = await asyncio.gather(
        try_event(platform, first, found, "review", outcome="pass", finding="甲"),
        try_event(platform, second, found, "review", outcome="fail", finding="乙"),
    )
    assert sorted(each.status_code for each in answers) == [200, 409]
    rows = await history(platform.client("auditor"), found)
    assert [row["event"] for row in rows] == ["begun", "file", "review"]


async def test_a_number_of_the_upper_system_names_one_filing(platform: Any) -> None:
    (one, first), (two, second) = await new_firm(platform), await new_firm(platform)
    filed = filing()
    found = await begun(platform, first, body_for(one))
    await event(platform, first, found, "file", **filed)
    other = await begun(platform, second, body_for(two))
    answer = await try_event(platform, second, other, "file", **filed)
    assert code(answer) == (409, "upper-number-taken")
    assert (await now(platform, other))["state"] == "guided"
    await event(platform, first, found, "withdraw")
    assert (await event(platform, second, other, "file", **filed))["state"] == "filed"


async def test_what_is_not_granted_makes_no_title(platform: Any) -> None:
    desk, (uscc, firm) = await desk_of(platform), await new_firm(platform)
    found = await with_letter(platform, desk, firm, body_for(uscc))
    days = await try_event(
        platform, desk, found, "result", **result(outcome="not-granted", valid_to="2027-01-01")
    )
    assert days.status_code == 422
    found = await event(platform, desk, found, "result", **result(outcome="not-granted"))
    assert (found["state"], found["title"]) == ("not-granted", None)
    assert found["result"]["document"] == "甬科高〔2026〕66号"
    await platform.settle()
    assert await titles_of(platform, uscc) == []


async def test_of_others_than_firms_it_is_said_that_no_registry_keeps_the_title(
    platform: Any,
) -> None:
    desk = await desk_of(platform)
    body = body_for("", "incubator-ningbo")
    body["applicant"] = {"kind": "facility", "id": f"incubator-{fresh_uscc()}"}
    nameless = await begin(platform, desk, body)
    assert nameless.json()["errors"][0]["pointer"] == "/applicant/name"
    body["applicant"]["name"] = "测试孵化器"
    found = await begun(platform, desk, body)
    assert (found["assessment"], found["applicant_name"]) == (None, "测试孵化器")
    await event(platform, desk, found, "file", **filing())
    await event(platform, desk, found, "review", outcome="pass", finding="符合")
    await event(platform, platform.client("approver"), found, "issue-letter", **letter())
    found = await event(platform, desk, found, "result", **result())
    assert (found["title"]["state"], found["title"]["grade"]) == ("no-registry", "ningbo")
    assert "尚无登记部门" in found["title"]["state_name"]
    assert found["title"]["record"] is None


async def test_lists_are_filtered_and_paged(platform: Any) -> None:
    desk, (uscc, firm) = await desk_of(platform), await new_firm(platform)
    first = await begun(platform, firm, body_for(uscc))
    second = await begun(platform, firm, body_for(uscc, year=2025))
    await event(platform, firm, second, "file", **filing())

    async def listed(client: Any, **params: Any) -> list[str]:
        answer = await client.get(RECOMMENDATIONS, params={"applicant": uscc, **params})
        assert answer.status_code == 200, answer.text
        return [each["id"] for each in answer.json()["items"]]

    assert await listed(firm) == [second["id"], first["id"]]
    assert await listed(desk, state="filed") == [second["id"]]
    assert await listed(desk, year=2026, programme=STAR, level="ningbo") == [first["id"]]
    assert await listed(desk, level="national") == []
    page = (await firm.get(RECOMMENDATIONS, params={"limit": 1})).json()
    rest = (await firm.get(RECOMMENDATIONS, params={"cursor": page["next_cursor"]})).json()
    assert [each["id"] for each in (*page["items"], *rest["items"])] == [second["id"], first["id"]]
    assert (await firm.get(RECOMMENDATIONS, params={"state": "never"})).status_code == 422


async def test_a_higher_grade_takes_the_place_of_the_lower(platform: Any) -> None:
    desk, (uscc, firm) = await desk_of(platform, "jxj"), await new_firm(platform)
    old = await record_title(platform, uscc, "green-factory-star", grade="3")
    await state_of_day(
        platform, uscc, green_factory_score=95, per_mu_class="A", had_major_incident_3y=False
    )
    await platform.settle()
    body = body_for(uscc, "four-star-green-factory-recommendation", level="ningbo")
    found = await with_letter(platform, desk, firm, body)
    found = await event(platform, desk, found, "result", **result())
    await until_title(platform, found, "recorded")
    new, before = await titles_of(platform, uscc)
    assert (new["grade"], new["holds"]) == ("4", True)
    assert (before["id"], before["state"], before["revoked_on"]) == (
        old["id"], "superseded", "2026-11-20",
    )  # fmt: skip
