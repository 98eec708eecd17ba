"""Seats: an expert learns neither who applies nor what others gave; sheets leave a trace."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.policy.panel_steps import (
    SEATS,
    Expert,
    applied,
    call_of,
    convened,
    desk,
    done,
    expert,
    hand_in,
    points,
    scored,
)
from tests.policy.steps import client_of, code


class Bench:
    """An open panel with one case and two experts."""

    def __init__(self, case: Any, experts: list[Expert], panel: Any) -> None:
        self.case, self.experts, self.panel = case, experts, panel


@pytest.fixture
async def bench(platform: Any) -> Bench:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    experts = [await expert(platform), await expert(platform)]
    return Bench(case, experts, await convened(platform, experts, call=call["id"]))


async def seat(who: Expert, panel: Any) -> dict[str, Any]:
    answer = await who.client.get(f"{SEATS}/{panel['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def correct(
    platform: Any, who: Expert, panel: Any, sheet: Any, event: str = "correct", **body: Any
) -> httpx.Response:
    deed = {"event": event, "version": sheet["version"], "note": "更正", **body}
    return await who.client.post(
        f"{SEATS}/{panel['id']}/sheets/{sheet['id']}/events", json=deed, headers=platform.key()
    )


async def test_no_field_tells_an_expert_the_applicant_or_another_s_points(
    platform: Any, bench: Bench
) -> None:
    one, other = bench.experts
    await done(
        platform, bench.panel, "describe", data={"number": 1, "summary": "某家电企业的质量体系"}
    )
    assert (await hand_in(platform, other, bench.panel, 1, 73)).status_code == 201
    mine = await hand_in(platform, one, bench.panel, 1, 88)
    seen = [
        await one.client.get(SEATS), await one.client.get(f"{SEATS}/{bench.panel['id']}"), mine,
        await hand_in(platform, one, bench.panel, 1, 5),
    ]  # fmt: skip
    told = "".join(each.text + str(dict(each.headers)) for each in seen)

    assert "某家电企业的质量体系" in told
    assert "88000" in told
    applicant = bench.case["applicant"]
    secrets = (
        applicant["id"], bench.case["applicant_name"], bench.case["id"], bench.case["call"],
        "73000", "7300", "3300", other.subject,
    )  # fmt: skip
    assert [each for each in secrets if each in told] == []
    for path in (
        f"/v1/policy/cases/{bench.case['id']}", f"/v1/policy/cases/{bench.case['id']}/history",
        f"/v1/policy/panels/{bench.panel['id']}",
        f"/v1/policy/panels/{bench.panel['id']}/scores",
    ):  # fmt: skip
        answer = await one.client.get(path)
        assert answer.status_code in (403, 404)
        assert bench.case["applicant_name"] not in answer.text


async def test_scores_are_told_to_experts_once_the_panel_is_closed(
    platform: Any, bench: Bench
) -> None:
    await scored(platform, bench.panel, bench.experts, {bench.case["id"]: [70, 80]})
    assert (await seat(bench.experts[0], bench.panel))["results"] is None
    await done(platform, bench.panel, "close")
    shown = await seat(bench.experts[0], bench.panel)

    assert [each["score_thousandths"] for each in shown["results"]] == [75_000]
    assert shown["papers"][0]["sheet"]["allowed_events"] == []
    assert bench.case["applicant_name"] not in str(shown)
    sheet = shown["papers"][0]["sheet"]
    late = await correct(
        platform, bench.experts[0], bench.panel, sheet, data={"points": points(90)}
    )
    assert code(late) == (409, "panel-not-open")
    assert code(await hand_in(platform, bench.experts[0], bench.panel, 1, 9)) == (
        409, "panel-not-open",
    )  # fmt: skip


async def test_whoever_is_not_seated_finds_nothing(platform: Any, bench: Bench) -> None:
    stranger = await expert(platform)

    assert (await stranger.client.get(f"{SEATS}/{bench.panel['id']}")).status_code == 404
    assert (await hand_in(platform, stranger, bench.panel, 1, 50)).status_code == 404
    assert (await stranger.client.get(SEATS)).json()["items"] == []
    listed = (await bench.experts[0].client.get(SEATS)).json()["items"]
    assert [(each["id"], each["papers"], each["outstanding"]) for each in listed] == [
        (bench.panel["id"], 1, 1)
    ]


async def test_one_s_own_sheet_is_one_s_own(platform: Any, bench: Bench) -> None:
    one, other = bench.experts
    sheet = (await hand_in(platform, one, bench.panel, 1, 60)).json()

    assert (await correct(platform, other, bench.panel, sheet, "abstain")).status_code == 404
    stale = await correct(
        platform, one, bench.panel, {**sheet, "version": 2}, data={"points": points(61)}
    )
    assert stale.status_code == 412
    good = await correct(platform, one, bench.panel, sheet, data={"points": points(61)})
    assert (good.json()["version"], good.json()["total_thousandths"]) == (2, 61_000)
    history = good.json()["history"]
    assert [(each["version"], each["reason"]) for each in history] == [(1, ""), (2, "更正")]
    assert history[0]["points"] == points(60)


async def test_who_may_read_a_case_elsewhere_does_not_judge_it_blind(platform: Any) -> None:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    colleague = await expert(platform, roles=["reviewer"], institution=None, department="scjgj")
    head = await expert(
        platform, roles=["reviewer", "approver"], institution=None, department="rsj"
    )
    town = await expert(platform, roles=["reviewer"], institution=None, town_code="330282114")
    outside = await expert(platform, roles=["reviewer"], institution=None, department="rsj")
    panel = await convened(platform, [colleague, head, town, outside], call=call["id"])

    for who in (colleague, head, town):
        assert code(await hand_in(platform, who, panel, 1, 50)) == (403, "not-blind")
        assert code(await who.client.get(f"{SEATS}/{panel['id']}")) == (403, "not-blind")
    assert (await hand_in(platform, outside, panel, 1, 50)).status_code == 201
    assert (await outside.client.get(f"/v1/policy/cases/{case['id']}")).status_code == 404


async def test_who_is_bound_to_an_applicant_judges_nothing_on_the_panel(platform: Any) -> None:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    await applied(platform, call)
    tied = await expert(platform, roles=["institution", "firm"], uscc=case["applicant"]["id"])
    panel = await convened(platform, [tied], call=call["id"])

    for number in (1, 2):
        answer = await hand_in(platform, tied, panel, number, 100)
        assert code(answer) == (403, "conflict-of-interest")


async def test_an_expert_does_not_run_his_own_panel(platform: Any) -> None:
    call = await call_of(platform)
    await applied(platform, call)
    name = f"panel-own-{call['id'][-6:]}"
    own = Expert(name, await client_of(platform, name, roles=["reviewer"], department="scjgj"))
    panel = await convened(platform, [own], call=call["id"])
    answer = await own.client.post(
        f"/v1/policy/panels/{panel['id']}/events",
        json={"event": "close", "version": panel["version"]}, headers=platform.key(),
    )  # fmt: skip

    assert code(answer) == (403, "own-panel")
    shown = (await own.client.get(f"/v1/policy/panels/{panel['id']}")).json()
    assert shown["allowed_events"] == []


BAD_SHEETS: list[tuple[dict[str, Any], str | None]] = [
    ({"declares_no_interest": False, "points": points(50)}, "declaration-required"),
    ({"points": points(50)[:1]}, "criterion-missing"),
    (
        {"points": [*points(50), {"criterion": "x", "points_hundredths": 1}]},
        "criterion-unknown",
    ),
    (
        {"points": [{"criterion": "leadership", "points_hundredths": 4001}, points(50)[1]]},
        "points-exceeded",
    ),
    ({"points": [{"criterion": "leadership", "points_hundredths": 40.5}, points(50)[1]]}, None),
    ({"points": [points(50)[0]] * 2}, None),
    ({"points": points(50), "stands_aside": {"kind": "recused", "reason": "师生"}}, None),
    ({"points": points(50), "applicant": "x"}, None),
    ({}, "criterion-missing"),
]


async def test_a_sheet_that_does_not_fit_is_refused(platform: Any, bench: Bench) -> None:
    for changes, refusal in BAD_SHEETS:
        answer = await hand_in(platform, bench.experts[0], bench.panel, 1, **changes)
        assert answer.status_code == 422, answer.text
        if refusal is not None:
            assert answer.json()["errors"][0]["code"] == refusal
    unknown = await hand_in(platform, bench.experts[0], bench.panel, 2, 50)
    assert unknown.status_code == 404
    shown = await seat(bench.experts[0], bench.panel)
    assert shown["papers"][0]["sheet"] is None


async def test_standing_aside_gives_no_points_and_is_final_where_one_is_tied(
    platform: Any, bench: Bench
) -> None:
    one, other = bench.experts
    aside = {"kind": "abstained", "reason": "不熟悉该领域"}
    sheet = (await hand_in(platform, one, bench.panel, 1, stands_aside=aside)).json()
    assert (sheet["state"], sheet["points"], sheet["total_thousandths"]) == ("abstained", [], None)
    given = await correct(platform, one, bench.panel, sheet, data={"points": points(64)})
    assert given.json()["state"] == "submitted"

    tied = {"kind": "recused", "reason": "曾任申报项目顾问"}
    sheet = (await hand_in(platform, other, bench.panel, 1, stands_aside=tied)).json()
    answer = await correct(platform, other, bench.panel, sheet, data={"points": points(99)})
    assert code(answer) == (409, "recused")
    answer = await correct(platform, other, bench.panel, sheet, "abstain")
    assert code(answer) == (409, "recused")


async def test_two_experts_at_once_are_both_heard_and_one_twice_is_not(
    platform: Any, bench: Bench
) -> None:
    one, other = bench.experts
    answers = await asyncio.gather(
        *(hand_in(platform, who, bench.panel, 1, 50) for who in (one, other, one, one))
    )
    found = sorted(each.status_code for each in answers)

    assert found == [201, 201, 409, 409]
    shown = await (await desk(platform)).get(f"/v1/policy/panels/{bench.panel['id']}")
    assert (shown.json()["cases"][0]["submitted"], shown.json()["cases"][0]["outstanding"]) == (
        2,
        0,
    )


async def test_a_sheet_and_the_end_at_once_agree(platform: Any, bench: Bench) -> None:
    one, other = bench.experts
    assert (await hand_in(platform, one, bench.panel, 1, 40)).status_code == 201
    version = bench.panel["version"]
    close = (await desk(platform)).post(
        f"/v1/policy/panels/{bench.panel['id']}/events",
        json={"event": "close", "version": version, "note": "到期",
              "data": {"without_outstanding": True}}, headers=platform.key(),
    )  # fmt: skip
    closed, sheet = await asyncio.gather(close, hand_in(platform, other, bench.panel, 1, 60))

    assert closed.status_code == 200
    counted = (await seat(one, bench.panel))["results"][0]["counted"]
    assert counted == (2 if sheet.status_code == 201 else 1)
    assert sheet.status_code == 201 or code(sheet) == (409, "panel-not-open")


async def test_a_summary_names_no_applicant(platform: Any, bench: Bench) -> None:
    client = await desk(platform)
    for summary in (bench.case["applicant_name"], f"代码 {bench.case['applicant']['id']}"):
        answer = await client.post(
            f"/v1/policy/panels/{bench.panel['id']}/events",
            json={"event": "describe", "version": bench.panel["version"],
                  "data": {"number": 1, "summary": summary}}, headers=platform.key(),
        )  # fmt: skip
        assert answer.json()["errors"][0]["code"] == "names-applicant"
        assert bench.case["applicant_name"] not in answer.text


async def test_a_sheet_needs_a_key_and_is_given_once_by_it(platform: Any, bench: Bench) -> None:
    path = f"{SEATS}/{bench.panel['id']}/sheets"
    body = {"number": 1, "declares_no_interest": True, "points": points(50)}
    client, key = bench.experts[0].client, platform.key()

    assert (await client.post(path, json=body)).status_code == 400
    first = await client.post(path, json=body, headers=key)
    again = await client.post(path, json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.content == again.content
