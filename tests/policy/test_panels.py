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
    try_convene,
)
from tests.policy.steps import client_of, code, move, try_move

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
