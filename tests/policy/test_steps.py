"""The steps of a review through the gateway: order, desks, grounds, and what they hold back."""

import asyncio
from typing import Any

from tests.policy.review_steps import (
    REPORT,
    RETROFIT,
    again_in_review,
    case_now,
    do_step,
    finance_desk,
    history_of,
    in_review,
    pass_reviews,
    states,
    step_of,
    steps_of,
    try_step,
)
from tests.policy.steps import (
    budget,
    client_of,
    code,
    firm_client,
    growing_firm,
    move,
    open_case,
    reset_clock,
    set_clock,
    set_parameter,
    try_move,
    until,
    walk_to_review,
)

ORDER = [
    "town-review", "department-review", "department-review", "third-party-audit", "site-check",
    "collective-decision",
]  # fmt: skip
ATTEMPTS = 20


async def pass_all(platform: Any, case: dict[str, Any], day: str) -> None:
    """Have every step before the proposal pass."""
    await pass_reviews(platform, case)
    await do_step(platform, "reviewer", case, "third-party-audit", report=REPORT)
    report = {"number": "核查记录3号", "on": day}
    await do_step(platform, "reviewer", case, "site-check", report=report)


async def test_a_case_goes_through_its_steps_to_the_decision(platform: Any) -> None:
    await set_clock(platform, "2027-05-10T10:00:00+08:00")
    try:
        await set_parameter(platform, f"{RETROFIT}.ratio_bp", 500, "2027-05-10")
        await budget(platform, RETROFIT)
        case, firm = await in_review(platform)
        assert [each["kind"] for each in await steps_of(platform, case)] == ORDER
        await pass_all(platform, case, "2027-05-10")
        assert states(await steps_of(platform, case))[-1] == ("collective-decision", "waiting")

        # The minutes are of a meeting after the notice: until then there is nothing to record.
        early = await try_step(platform, "reviewer", case, "collective-decision")
        assert code(early) == (409, "step-not-open")
        await move(platform, platform.client("reviewer"), case, "propose")
        case = await until(platform, case, lambda c: c["state"] == "in-notice")
        assert states(await steps_of(platform, case))[-1] == ("collective-decision", "open")
        minutes = {"number": "慈经信会纪〔2027〕8号", "held_on": "2027-05-10"}
        early = await try_step(platform, "reviewer", case, "collective-decision", minutes=minutes)
        assert code(early) == (409, "notice-running")

        await set_clock(platform, "2027-05-18T10:00:00+08:00")
        approver = platform.client("approver")
        shut = await try_move(platform, approver, case, "decide", data={"outcome": "approve"})
        assert code(shut) == (409, "steps-open")
        assert "集体决策（经信局）" in shut.json()["detail"]
        for wrong, named in ((minutes, "minutes-before-notice"), (None, "minutes-required"),
                             (minutes | {"held_on": "2027-05-19"}, "day-in-future")):  # fmt: skip
            given: dict[str, Any] = {"minutes": wrong} if wrong else {}
            refused = await try_step(platform, "reviewer", case, "collective-decision", **given)
            assert code(refused) == (422, named)
        held = minutes | {"held_on": "2027-05-18"}
        done = await do_step(platform, "reviewer", case, "collective-decision", minutes=held)
        assert (done["state"], done["ref"], done["ref_on"]) == (
            "passed", minutes["number"], "2027-05-18",
        )  # fmt: skip
        await move(platform, approver, case, "decide", data={"outcome": "approve"})
        await until(platform, case, lambda c: c["state"] == "awarded")
    finally:
        await reset_clock(platform)

    told = [row["event"] for row in await history_of(platform, case)]
    assert told.count("step-passed") == len(ORDER)
    assert told.index("step-passed") > told.index("review")
    # A transparent history: an applicant reads what happened, and not by whom or what was found.
    own = (await firm.get(f"/v1/policy/cases/{case['id']}/history")).json()["items"]
    assert {row["actor"] for row in own if row["event"] == "step-passed"} == {None}
    shown = await steps_of(platform, case, firm)
    assert [each["state"] for each in shown] == ["passed"] * len(ORDER)
    assert {(each["finding"], each["closed_by"], each["ref"]) for each in shown} == {
        (None, None, None)
    }


async def test_steps_are_opened_one_after_the_other_and_departments_side_by_side(
    platform: Any,
) -> None:
    case, _ = await in_review(platform)
    assert states(await steps_of(platform, case)) == [
        (kind, "open" if kind == "town-review" else "waiting") for kind in ORDER
    ]
    early = await try_step(platform, "reviewer", case, "department-review", department="jxj")
    assert code(early) == (409, "step-not-open")
    await do_step(platform, "reviewer-town", case, "town-review")
    found = await steps_of(platform, case)
    assert [each["state"] for each in found] == [
        "passed", "open", "open", "waiting", "waiting", "waiting",
    ]  # fmt: skip
    # One clock for both.
    assert found[1]["due_on"] == found[2]["due_on"] is not None
    await do_step(platform, "reviewer", case, "department-review", department="jxj")
    found = await steps_of(platform, case)
    assert [each["state"] for each in found][1:4] == ["passed", "open", "waiting"]


async def test_an_approval_is_not_proposed_while_steps_are_open(platform: Any) -> None:
    case, _ = await in_review(platform)
    await do_step(platform, "reviewer-town", case, "town-review")
    await do_step(platform, "reviewer", case, "department-review", department="jxj")
    refused = await try_move(platform, platform.client("reviewer"), case, "propose")
    assert code(refused) == (409, "steps-open")
    said = refused.json()["detail"]
    assert "部门审核（财政局）" in said
    assert "第三方审计（经信局）" in said
    assert "初审" not in said
    assert "集体决策" not in said


async def test_only_the_desk_that_has_a_step_moves_it(platform: Any) -> None:
    case, firm = await in_review(platform)
    for client in ("reviewer", "reviewer-b"):
        refused = await try_step(platform, client, case, "town-review")
        assert refused.status_code in (403, 404), client
    other_town = await client_of(
        platform, f"town-{case['id'][-12:]}", roles=["reviewer"], town_code="330282999"
    )
    assert (await try_step(platform, other_town, case, "town-review")).status_code == 404
    assert code(await try_step(platform, firm, case, "town-review")) == (403, "role-required")
    await do_step(platform, "reviewer-town", case, "town-review")
    refused = await try_step(platform, "reviewer-town", case, "department-review", department="jxj")
    assert code(refused) == (403, "not-your-step")
    assert "经信局" in refused.json()["detail"]
    refused = await try_step(platform, "reviewer", case, "department-review", department="czj")
    assert code(refused) == (403, "not-your-step")

    seen = await steps_of(platform, case, platform.client("reviewer-town"))
    assert [each["allowed_events"] for each in seen][:2] == [[], []]
    mine = await steps_of(platform, case, platform.client("reviewer"))
    assert [each["allowed_events"] for each in mine][:3] == [[], ["pass", "fail", "return"], []]


async def test_of_two_reviewers_at_once_one_is_heard(platform: Any) -> None:
    reviewers = [
        platform.client("reviewer-town"),
        await client_of(
            platform, "second-of-the-town", roles=["reviewer"],
            town_code=platform.credentials.clients["reviewer-town"]["town_code"],
        ),
    ]  # fmt: skip
    for attempt in range(ATTEMPTS):
        case, _ = await in_review(platform)
        step = await step_of(platform, case, "town-review")
        events = ("pass", "fail") if attempt % 2 else ("fail", "pass")
        answers = await asyncio.gather(
            *(
                try_step(platform, who, case, "town-review", event, version=step["version"])
                for who, event in zip(reviewers, events, strict=True)
            )
        )
        assert sorted(each.status_code for each in answers) == [200, 409]
        told = [row["event"] for row in await history_of(platform, case)]
        assert told.count("step-passed") + told.count("step-failed") == 1
        won = next(each for each in answers if each.status_code == 200).json()
        assert (await step_of(platform, case, "town-review"))["state"] == won["state"]


async def test_two_departments_at_once_both_count(platform: Any) -> None:
    case, _ = await in_review(platform)
    await do_step(platform, "reviewer-town", case, "town-review")
    other = await finance_desk(platform, case)
    answers = await asyncio.gather(
        try_step(platform, "reviewer", case, "department-review", department="jxj"),
        try_step(platform, other, case, "department-review", department="czj"),
    )
    assert [each.status_code for each in answers] == [200, 200]
    assert states(await steps_of(platform, case))[1:4] == [
        ("department-review", "passed"), ("department-review", "passed"),
        ("third-party-audit", "open"),
    ]  # fmt: skip


async def test_after_a_failed_step_only_a_refusal_is_proposed(platform: Any) -> None:
    case, _ = await in_review(platform)
    await do_step(platform, "reviewer-town", case, "town-review", "fail", note="未通过")
    reviewer = platform.client("reviewer")
    refused = await try_move(platform, reviewer, case, "propose")
    assert code(refused) == (409, "step-failed")
    assert "镇（街道）初审" in refused.json()["detail"]
    proposed = await move(platform, reviewer, case, "propose", data={"outcome": "refuse"})
    assert proposed["state"] == "proposed"
    done = await move(
        platform,
        platform.client("approver"),
        case,
        "decide",
        data={"outcome": "refuse"},
        note="初审未通过",
    )
    assert done["state"] == "refused"
    late = await try_step(platform, "reviewer", case, "department-review", department="jxj")
    assert code(late) == (409, "step-not-open")


async def test_a_refusal_that_was_proposed_too_early_is_taken_back_by_the_steps(
    platform: Any,
) -> None:
    case, _ = await in_review(platform)
    await move(platform, platform.client("reviewer"), case, "propose", data={"outcome": "refuse"})
    shut = await try_move(platform, platform.client("reviewer"), case, "propose")
    assert code(shut) == (409, "steps-open")
    await do_step(platform, "reviewer-town", case, "town-review")
    shut = await try_step(
        platform, "reviewer", case, "department-review", "return", department="jxj", note="补正"
    )
    assert code(shut) == (409, "step-not-now")


async def test_a_step_returns_the_case_and_goes_on_where_it_was(platform: Any) -> None:
    case, firm = await in_review(platform)
    await do_step(platform, "reviewer-town", case, "town-review")
    refused = await try_step(
        platform, "reviewer", case, "department-review", "return", department="jxj"
    )
    assert code(refused) == (422, "return-reason")
    back = await do_step(
        platform, "reviewer", case, "department-review", "return", department="jxj",
        note="请补充发票。",
    )  # fmt: skip
    assert (back["state"], back["returns"], back["allowed_events"]) == ("waiting", 1, [])
    returned = await case_now(platform, case)
    assert returned["state"] == "returned"
    found = await steps_of(platform, case)
    assert [each["state"] for each in found][:3] == ["passed", "waiting", "waiting"]
    assert [each["returns"] for each in found][:3] == [0, 1, 0]

    await again_in_review(platform, firm, case)
    found = await steps_of(platform, case)
    assert [each["state"] for each in found][:4] == ["passed", "open", "open", "waiting"]
    rows = [row for row in await history_of(platform, case) if row["event"] == "step-returned"]
    assert [(row["from_state"], row["to_state"], row["note"]) for row in rows] == [
        ("in-review", "returned", "请补充发票。")
    ]


async def test_a_programme_without_steps_is_as_it_was(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    assert await steps_of(platform, case) == []


async def test_the_steps_of_a_case_are_read_by_those_who_read_the_case(platform: Any) -> None:
    case, firm = await in_review(platform)
    assert len(await steps_of(platform, case, firm)) == len(ORDER)
    for client in ("firm", "reviewer-b", "treasurer"):
        answer = await platform.client(client).get(f"/v1/policy/cases/{case['id']}/steps")
        assert answer.status_code == 404, client
    missing = await platform.client("reviewer").post(
        f"/v1/policy/cases/{case['id']}/steps/{case['id']}/events", headers=platform.key(),
        json={"event": "pass", "version": 1, "data": {"finding": "x"}},
    )  # fmt: skip
    assert missing.status_code == 404


async def test_a_programme_shows_its_steps(platform: Any) -> None:
    answer = await platform.client("public").get(f"/v1/policy/programmes/{RETROFIT}")
    assert [each["kind"] for each in answer.json()["steps"]] == list(dict.fromkeys(ORDER))
    assert answer.json()["steps"][1]["departments"] == ["jxj", "czj"]
