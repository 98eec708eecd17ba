"""Panels over HTTP: convened, confirmed by another, closed into scores that rank a call's cases."""

import asyncio
import hashlib
import io
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from services.kernel.tables import Outbox
from services.policy.panels.models import PanelEdition, PanelResult
from tests.policy.panel_steps import (
    PANELS,
    QUALITY,
    SEATS,
    applied,
    attempt,
    call_deed,
    call_of,
    convened,
    desk,
    done,
    expert,
    hand_in,
    known,
    scored,
    scores,
    try_call_deed,
    try_convene,
)
from tests.policy.steps import budget, client_of, code, move, try_move

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def case_now(platform: Any, case: dict[str, Any]) -> dict[str, Any]:
    return (await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}")).json()


async def test_a_panel_is_convened_by_the_lead_and_confirmed_by_another(platform: Any) -> None:
    call = await call_of(platform)
    await applied(platform, call)
    both = await known(platform, "panel-both", roles=["reviewer", "approver"], department="scjgj")
    who = await expert(platform)

    foreign = await try_convene(platform, [who], platform.client("reviewer"), call=call["id"])
    assert code(foreign) == (403, "not-your-department")
    made = (await try_convene(platform, [who], both, call=call["id"])).json()
    assert (made["state"], made["cases"]) == ("draft", [])
    assert "confirm" not in made["allowed_events"]
    assert code(await attempt(platform, made, "confirm", both)) == (403, "four-eyes")
    own = await attempt(platform, made, "confirm", await desk(platform))
    assert code(own) == (403, "role-required")
    panel = await done(platform, made, "confirm", platform.client("approver"))
    assert (panel["state"], len(panel["cases"])) == ("open", 1)
    assert panel["cases"][0]["outstanding"] == 1
    again = await attempt(platform, panel, "confirm", platform.client("approver"))
    assert code(again) == (409, "event-not-allowed")


BAD_PANELS: list[tuple[dict[str, Any], str | None]] = [
    ({"total_points": 99}, "points-sum"),
    ({"criteria": []}, "sheet-missing"),
    ({"experts_min": 2}, "too-few-experts"),
    ({"drop_extremes_from": 2}, None),
    ({"surprise": True}, None),
]


async def test_a_panel_that_contradicts_itself_is_refused(platform: Any) -> None:
    call, who = await call_of(platform), await expert(platform)
    for changes, refusal in BAD_PANELS:
        answer = await try_convene(platform, [who], call=call["id"], **changes)
        assert answer.status_code == 422, changes
        if refusal is not None:
            assert answer.json()["errors"][0]["code"] == refusal
    await call_deed(platform, call, "cancel", note="测试结束")
    late = await try_convene(platform, [who], call=call["id"])
    assert code(late) == (409, "call-not-open")


async def test_a_panel_is_for_a_call_or_a_case_and_nothing_unknown(platform: Any) -> None:
    who = await expert(platform)
    nobodys = "01936b2c-0000-7000-8000-000000000001"

    assert (await try_convene(platform, [who])).status_code == 422
    both = await try_convene(platform, [who], call=nobodys, case=nobodys)
    assert both.status_code == 422
    assert (await try_convene(platform, [who], case=nobodys)).status_code == 404


async def test_an_expert_who_works_for_an_applicant_is_refused(platform: Any) -> None:
    call = await call_of(platform)
    firm, case = await applied(platform, call)
    who = await expert(platform)
    employer = {"kind": "firm", "id": case["applicant"]["id"].lower()}
    body = {"experts": [who.entry(employer=employer)], "call": call["id"]}

    assert code(await try_convene(platform, [who], **body)) == (409, "conflict-of-interest")
    named = {"title": f"{case['applicant_name']}项目评审", "call": call["id"]}
    answer = await try_convene(platform, [who], **named)
    assert answer.json()["errors"][0]["code"] == "names-applicant"
    # An officer who is bound to an applicant runs no panel that judges it.
    bound = await client_of(
        platform, f"panel-bound-{case['id'][-6:]}", roles=["reviewer"], department="scjgj",
        uscc=case["applicant"]["id"],
    )  # fmt: skip
    answer = await try_convene(platform, [who], bound, call=call["id"])
    assert code(answer) == (403, "conflict-of-interest")
    panel = await convened(platform, [who], call=call["id"])
    answer = await attempt(platform, panel, "close", bound, data={"without_outstanding": True})
    assert code(answer) == (403, "conflict-of-interest")
    assert (await firm.get(f"{PANELS}/{panel['id']}")).status_code == 403


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


async def test_a_case_has_one_panel_at_a_time(platform: Any) -> None:
    call = await call_of(platform)
    firm, case = await applied(platform, call)
    who = await expert(platform)
    one = (await try_convene(platform, [who], case=case["id"])).json()
    other = (await try_convene(platform, [who], call=call["id"])).json()
    approver = platform.client("approver")

    answers = await asyncio.gather(*(
        approver.post(f"{PANELS}/{each['id']}/events", json={"event": "confirm", "version": 1},
                      headers=platform.key())
        for each in (one, other)
    ))  # fmt: skip
    assert sorted(each.status_code for each in answers) == [200, 409]
    panel = next(each.json() for each in answers if each.status_code == 200)
    rest = other if panel["id"] == one["id"] else one
    again = await attempt(platform, rest, "confirm", approver)
    assert code(again) == (409, "no-cases")
    assert (await attempt(platform, panel, "cancel", approver)).status_code == 422
    await done(platform, panel, "cancel", approver, note="重新组织")
    assert (await who.client.get(f"{SEATS}/{panel['id']}")).status_code == 404
    rest = await done(platform, rest, "confirm", approver)
    assert [each["case"] for each in rest["cases"]] == [case["id"]]
    # What is withdrawn meanwhile has no score, whatever was given for it.
    await scored(platform, rest, [who], {case["id"]: [70]})
    await move(platform, firm, case, "withdraw")
    panel = await done(platform, rest, "close")
    (line,) = (await scores(platform, panel))["items"]
    assert (line["score_thousandths"], line["reason"]) == (None, "not-in-review")


async def test_cases_that_come_later_are_admitted(platform: Any) -> None:
    call = await call_of(platform)
    await applied(platform, call)
    who = await expert(platform)
    panel = await convened(platform, [who], call=call["id"])
    assert code(await attempt(platform, panel, "admit")) == (409, "no-cases")
    _, late = await applied(platform, call)
    panel = await done(platform, panel, "admit")

    assert [each["number"] for each in panel["cases"]] == [1, 2]
    assert panel["cases"][1]["case"] == late["id"]


async def test_reopening_is_an_approver_s_with_a_reason_and_makes_an_edition(platform: Any) -> None:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    who = await expert(platform)
    panel = await convened(platform, [who], call=call["id"])
    await scored(platform, panel, [who], {case["id"]: [70]})
    panel = await done(platform, panel, "close")
    first = await scores(platform, panel)
    await call_deed(platform, call, "rank", await desk(platform))
    approver = platform.client("approver")

    assert code(await attempt(platform, panel, "reopen", await desk(platform))) == (
        403, "role-required",
    )  # fmt: skip
    assert (await attempt(platform, panel, "reopen", approver)).status_code == 422
    panel = await done(platform, panel, "reopen", approver, note="评分表录入有误")
    assert (panel["state"], panel["edition"]) == ("open", 2)
    assert code(await try_move(platform, await desk(platform), case, "propose")) == (
        409, "panel-result-missing",
    )  # fmt: skip
    seat = (await who.client.get(f"{SEATS}/{panel['id']}")).json()
    sheet = seat["papers"][0]["sheet"]
    deed = {
        "event": "correct", "version": 1, "note": "漏计一项",
        "data": {"points": [{"criterion": "leadership", "points_hundredths": 4000},
                            {"criterion": "results", "points_hundredths": 3550}]},
    }  # fmt: skip
    path = f"{SEATS}/{panel['id']}/sheets/{sheet['id']}/events"
    corrected = await who.client.post(path, json=deed, headers=platform.key())
    assert corrected.status_code == 200, corrected.text
    assert [each["reason"] for each in corrected.json()["history"]] == ["", "漏计一项"]
    panel = await done(platform, panel, "close")
    second = await scores(platform, panel)

    assert (second["edition"], second["reopened_for"]) == (2, "评分表录入有误")
    assert second["items"][0]["score_thousandths"] == 75_500
    assert second["sha256"] != first["sha256"]
    outdated = await try_move(platform, await desk(platform), case, "propose")
    assert code(outdated) == (409, "ranking-outdated")
    async with platform.service("policy").sessions() as session:
        kept = list(await session.scalars(
            select(PanelEdition).where(PanelEdition.panel_id == panel["id"])
            .order_by(PanelEdition.edition)
        ))  # fmt: skip
        rows = select(PanelResult.score_thousandths).where(PanelResult.panel_id == panel["id"])
        numbers = list(await session.scalars(rows.order_by(PanelResult.edition)))
    assert [hashlib.sha256(each.content.encode()).hexdigest() for each in kept] == [
        first["sha256"], second["sha256"],
    ]  # fmt: skip
    assert numbers == [70_000, 75_500]


async def test_what_was_frozen_is_not_changed_by_anyone(platform: Any) -> None:
    async with platform.service("policy").engine.connect() as connection:
        for statement in (
            "DELETE FROM panel_edition", "DELETE FROM panel_result", "DELETE FROM panel_expert",
            "UPDATE panel_sheet_version SET comment = ''", "UPDATE panel SET criteria = '[]'",
            "UPDATE panel_edition SET content = ''",
        ):  # fmt: skip
            with pytest.raises(DBAPIError, match=r"permission denied|only ever added"):
                await connection.execute(text(statement))
            await connection.rollback()


async def test_a_closed_panel_is_announced_with_ids_and_scores_only(platform: Any) -> None:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    who = await expert(platform)
    panel = await convened(platform, [who], call=call["id"])
    await scored(platform, panel, [who], {case["id"]: [66]})
    panel = await done(platform, panel, "close")
    await done(platform, panel, "reopen", platform.client("approver"), note="复核")
    async with platform.service("policy").sessions() as session:
        rows = select(Outbox).where(Outbox.aggregate == f"panel:{panel['id']}").order_by(Outbox.seq)
        told = list(await session.scalars(rows))

    assert [each.type for each in told] == [
        "liangxin.policy.panel.closed.v1", "liangxin.policy.panel.reopened.v1",
    ]  # fmt: skip
    payload = str(told[0].payload)
    assert case["id"] in payload
    assert "66000" in payload
    assert case["applicant"]["id"] not in payload
    assert who.subject not in payload


async def test_the_score_table_as_a_workbook_names_cases_and_ties_no_name_to_points(
    platform: Any,
) -> None:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    experts = [await expert(platform) for _ in range(2)]
    named = [each.entry(name=name) for each, name in zip(experts, ("王一", "=李二"), strict=True)]
    panel = await convened(platform, experts, call=call["id"], experts=named)
    await scored(platform, panel, experts, {case["id"]: [80, 85]})
    panel = await done(platform, panel, "close")
    path = f"{PANELS}/{panel['id']}/scores"
    answer = await (await desk(platform)).get(path, headers={"Accept": XLSX})
    again = await (await desk(platform)).get(path, headers={"Accept": XLSX})

    assert answer.headers["content-type"] == XLSX
    assert answer.content == again.content
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    assert book.sheetnames == ["说明", "得分", "评分", "专家"]
    cells = {
        name: [[c.value for c in row] for row in book[name].iter_rows()] for name in book.sheetnames
    }
    assert cells["得分"][1][:5] == [1, 1, case["applicant_name"], case["id"], "82.500"]
    assert sorted(str(row[5]) for row in cells["评分"][1:]) == ["80.000", "85.000"]
    assert sorted(str(row[0]) for row in cells["专家"][1:]) == ["'=李二", "王一"]
    assert not any("王一" in str(cell) for row in cells["评分"] for cell in row)


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


async def test_a_recusal_by_the_office_takes_points_out_of_the_score(platform: Any) -> None:
    call = await call_of(platform)
    _, case = await applied(platform, call)
    experts = [await expert(platform) for _ in range(2)]
    panel = await convened(platform, experts, call=call["id"])
    await scored(platform, panel, experts, {case["id"]: [10, 90]})
    seats = {each["subject"]: each["seat"] for each in panel["experts"]}
    data = {"data": {"number": 1, "seat": seats[experts[0].subject]}}

    assert (await attempt(platform, panel, "recuse", **data)).status_code == 422
    panel = await done(platform, panel, "recuse", note="与申报单位有合作", **data)
    assert (panel["cases"][0]["submitted"], panel["cases"][0]["stood_aside"]) == (1, 1)
    again = await hand_in(platform, experts[0], panel, 1, 50)
    assert code(again) == (409, "sheet-exists")
    panel = await done(platform, panel, "close")
    (line,) = (await scores(platform, panel))["items"]
    assert (line["score_thousandths"], line["counted"]) == (90_000, 1)
