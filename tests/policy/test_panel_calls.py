"""Calls that rank by the scores of panels; ties that a person settles; limits of applications."""

import asyncio
from typing import Any

from tests.policy.panel_steps import (
    PANELS,
    QUALITY,
    applied,
    attempt,
    call_deed,
    call_of,
    convened,
    desk,
    done,
    expert,
    known,
    scored,
    scores,
    try_call_deed,
)
from tests.policy.steps import budget, code, move, try_move


async def test_scores_drop_extremes_and_rank_the_cases_of_a_call(platform: Any) -> None:
    call = await call_of(platform)
    assert call["rank_by"] == "panel-score"
    cases = [(await applied(platform, call))[1] for _ in range(2)]
    experts = [await expert(platform) for _ in range(5)]
    panel = await convened(
        platform, experts, call=call["id"], drop_extremes_from=5, spread_flag_points=20
    )
    early = await try_call_deed(platform, call, "rank", await desk(platform))
    assert code(early) == (409, "panel-results-missing")
    await scored(platform, panel, experts, {
        cases[0]["id"]: [0, 80, 81, 81, 100], cases[1]["id"]: [82, 82, 82, 82, 82],
    })  # fmt: skip
    hidden = await (await desk(platform)).get(f"{PANELS}/{panel['id']}/scores")
    assert code(hidden) == (409, "panel-not-closed")
    panel = await done(platform, panel, "close")

    table = await scores(platform, panel)
    told = [
        (each["case"], each["score_thousandths"], each["dropped"], each["spread_thousandths"],
         each["is_spread_flagged"]) for each in table["items"]
    ]  # fmt: skip
    assert told == [
        (cases[1]["id"], 82_000, 2, 0, False), (cases[0]["id"], 80_667, 2, 100_000, True),
    ]  # fmt: skip
    assert table["is_intact"]
    lines = {each["case"]: each["sheets"] for each in table["items"]}[cases[0]["id"]]
    assert {each["total_thousandths"]: each["dropped"] for each in lines} == {
        0: True, 80_000: False, 81_000: False, 100_000: True,
    }  # fmt: skip
    call = await call_deed(platform, call, "rank", await desk(platform))
    ranking = (
        await platform.client("auditor").get(f"/v1/policy/calls/{call['id']}/ranking")
    ).json()
    assert ranking["ranked_by"] == "panel-score"
    assert [(each["case"], each["rank_by"], each["within"]) for each in ranking["items"]] == [
        (cases[1]["id"], 82_000, True), (cases[0]["id"], 80_667, False),
    ]  # fmt: skip
    outside = await try_move(platform, await desk(platform), cases[0], "propose")
    assert code(outside) == (409, "outside-quota")


async def test_the_score_becomes_the_fact_that_the_rule_asks_for(platform: Any) -> None:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    experts = [await expert(platform) for _ in range(3)]
    panel = await convened(platform, experts, call=call["id"])
    assert case["assessment"]["outcome"] == "unknown"
    await scored(platform, panel, experts, {case["id"]: [80, 85, 91]})
    panel = await done(platform, panel, "close")
    case = await move(platform, await desk(platform), case, "propose", data={"outcome": "refuse"})

    assert case["assessment"]["outcome"] == "eligible"
    assert case["situation"]["situation"]["facts"]["quality_review_points"] == 85
    assert case["situation"]["judged"] == {
        "quality_review_points": {
            "panel": panel["id"], "edition": 1, "score_thousandths": 85_333,
        }
    }  # fmt: skip
    replay = (await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/replay")).json()
    assert replay["same"]
    history = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/history")
    entry = next(each for each in history.json()["items"] if each["event"] == "panel-judged")
    assert entry["data"] == {"panel": panel["id"], "edition": 1}
    # What was proposed rests on the score: the panel stays closed.
    answer = await attempt(platform, panel, "reopen", platform.client("approver"), note="更正")
    assert code(answer) == (409, "already-proposed")


async def test_a_case_without_a_score_is_unknown_and_not_zero(platform: Any) -> None:
    await budget(platform)
    call = await call_of(platform, programme="digital-growth", quota=None, rank_by="panel-score")
    _, case = await applied(platform, call)
    reviewer = platform.client("reviewer")
    first, second = await expert(platform), await expert(platform)
    early = await try_move(platform, reviewer, case, "propose")
    assert code(early) == (409, "panel-result-missing")
    panel = await convened(platform, [first, second], reviewer, call=call["id"], experts_min=2)
    await scored(platform, panel, [first], {case["id"]: [90]})
    missing = await attempt(platform, panel, "close", reviewer)
    assert code(missing) == (409, "sheets-outstanding")
    silent = await attempt(platform, panel, "close", reviewer, data={"without_outstanding": True})
    assert silent.json()["errors"][0]["code"] == "reason-required"
    panel = await done(
        platform, panel, "close", reviewer, data={"without_outstanding": True}, note="专家生病"
    )
    (line,) = (await scores(platform, panel))["items"]
    assert (line["score_thousandths"], line["reason"]) == (None, "too-few-sheets")
    assert code(await try_move(platform, reviewer, case, "propose")) == (
        409,
        "panel-result-missing",
    )
    assert code(await try_call_deed(platform, call, "rank", reviewer)) == (
        409,
        "panel-results-missing",
    )
    # Another panel judges it; then its place follows, and it is proposed as ever.
    other = await convened(platform, [first, second], reviewer, case=case["id"], experts_min=2)
    await scored(platform, other, [first, second], {case["id"]: [90, 91]})
    await done(platform, other, "close", reviewer)
    case = await move(platform, reviewer, case, "propose")
    assert case["state"] == "proposed"
    await call_deed(platform, call, "cancel", note="测试结束")


async def test_a_tie_is_settled_by_an_approver_with_a_reason(platform: Any) -> None:
    call = await call_of(platform)
    cases = [(await applied(platform, call))[1] for _ in range(2)]
    who = await expert(platform)
    panel = await convened(platform, [who], call=call["id"])
    await scored(platform, panel, [who], {each["id"]: [77] for each in cases})
    await done(platform, panel, "close")
    call = await call_deed(platform, call, "rank", await desk(platform))
    tied = await try_move(platform, await desk(platform), cases[1], "propose")
    assert code(tied) == (409, "tie-undecided")
    chosen = {"data": {"cases": [cases[1]["id"]]}}

    refused = await try_call_deed(platform, call, "settle", await desk(platform), **chosen)
    assert code(refused) == (403, "role-required")
    assert (await try_call_deed(platform, call, "settle", **chosen)).status_code == 422
    both = {"data": {"cases": [each["id"] for each in cases]}, "note": "评审委员会决定"}
    wrong = await try_call_deed(platform, call, "settle", **both)
    assert wrong.json()["errors"][0]["code"] == "tie-choice"
    await call_deed(platform, call, "settle", note="评审委员会决定", **chosen)
    ranking = (
        await platform.client("auditor").get(f"/v1/policy/calls/{call['id']}/ranking")
    ).json()
    assert (ranking["run"], {each["case"]: each["within"] for each in ranking["items"]}) == (
        2, {cases[0]["id"]: False, cases[1]["id"]: True},
    )  # fmt: skip
    outside = await try_move(platform, await desk(platform), cases[0], "propose")
    assert code(outside) == (409, "outside-quota")
    again = await try_call_deed(platform, call, "settle", note="再定", **chosen)
    assert code(again) == (409, "no-tie")


async def test_only_an_approver_limits_what_the_text_leaves_unlimited(platform: Any) -> None:
    kjj = await known(platform, "panel-kjj", roles=["reviewer"], department="kjj")
    window = {"opens_on": "2199-01-01", "closes_on": "2199-02-01"}
    body = {"programme": "gazelle-key-rd-applications", "year": 2199, "window": window}
    limited = {**body, "per_applicant": 2, "per_applicant_reason": "试点"}

    refused = await kjj.post("/v1/policy/calls", json=limited)
    assert refused.json()["errors"][0]["code"] == "limit-by-approver"
    call = (await kjj.post("/v1/policy/calls", json=body)).json()
    assert call["per_applicant"] is None
    data = {"data": {"per_applicant": 2}}
    own = await try_call_deed(platform, call, "limit", kjj, note="名额有限", **data)
    assert code(own) == (403, "role-required")
    assert (await try_call_deed(platform, call, "limit", **data)).status_code == 422
    call = await call_deed(platform, call, "limit", note="经费有限，经集体研究", **data)
    assert (call["per_applicant"], call["per_applicant_reason"]) == (2, "经费有限，经集体研究")
    call = await call_deed(platform, call, "limit", note="恢复不限", data={"per_applicant": None})
    assert call["per_applicant"] is None
    await call_deed(platform, call, "cancel", note="测试结束")


async def test_two_applications_at_once_do_not_pass_a_limit_of_one(platform: Any) -> None:
    call = await call_of(
        platform, programme="digital-growth", quota=None, per_applicant=1,
        per_applicant_reason="试点",
    )  # fmt: skip
    firm, case = await applied(platform, call, reviewed=False)
    await move(platform, firm, case, "withdraw")
    bodies = [
        {"programme": "digital-growth", "call": call["id"], "applicant": case["applicant"],
         "matter": {"kind": "year", "period": period}} for period in ("2024", "2025")
    ]  # fmt: skip
    answers = await asyncio.gather(*(
        firm.post("/v1/policy/cases", json=body, headers=platform.key()) for body in bodies
    ))  # fmt: skip
    await call_deed(platform, call, "cancel", note="测试结束")

    assert sorted(each.status_code for each in answers) == [201, 409]
    refused = next(each for each in answers if each.status_code == 409)
    assert refused.json()["code"] == "applications-limit"


async def test_both_quality_awards_rank_by_their_panels_and_five_places_a_year(
    platform: Any,
) -> None:
    for programme in (QUALITY, "government-quality-innovation-award"):
        shown = (await platform.client("public").get(f"/v1/policy/programmes/{programme}")).json()
        assert shown["places"]["count"] == 5
        assert shown["panel"]["points"] in shown["facts"]
        assert shown["panel"]["criteria"] == []
        assert shown["panel"]["experts_min"] is None
