"""Self-evaluation and random checks of a call: asked, answered, drawn by lot, concluded."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update

from services.policy.cases.models import Case
from tests.policy.aftermath_steps import RECOVERIES, day_after, done, proof, read, try_deed
from tests.policy.document_steps import awarded, copies, tampering
from tests.policy.steps import GROWTH, client_of, code, reset_clock, set_clock

CALLS, ROUNDS = "/v1/policy/calls", "/v1/policy/self-evaluation-rounds"
SHEETS, DRAWS, CHECKS = "/v1/policy/self-evaluations", "/v1/policy/check-draws", "/v1/policy/checks"
INDICATORS = [
    {"id": "output", "says": "新增产值", "type": "number", "unit": "万元"},
    {"id": "effect", "says": "资金使用效果", "type": "text"},
]
Pool = dict[str, httpx.AsyncClient]


@pytest.fixture(scope="module")
async def pool(platform: Any) -> Pool:
    """Give officers who inspect, by their subjects."""
    return {
        name: await client_of(platform, name, roles=["reviewer"], department="sjj")
        for name in ("inspector-a", "inspector-b", "inspector-c", "inspector-d")
    }


async def called(platform: Any, count: int) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Have a call with one real awarded case and copies; give the call, the case and its firm."""
    case, firm = await awarded(platform)
    # Far off, so that no case of another test falls under it.
    window = {"opens_on": "2199-01-01", "closes_on": "2199-12-31"}
    body = {"programme": GROWTH, "year": 2199, "title": "抽查测试批次", "window": window}
    made = await platform.client("reviewer").post(CALLS, json=body, headers=platform.key())
    publish = {"event": "publish", "version": 1}
    answer = await platform.client("approver").post(
        f"{CALLS}/{made.json()['id']}/events", json=publish, headers=platform.key()
    )
    assert answer.status_code == 200, answer.text
    call = answer.json()
    async with platform.service("policy").sessions() as session, session.begin():
        moved = update(Case).where(Case.id == UUID(case["id"])).values(call_id=UUID(call["id"]))
        await session.execute(moved)
    if count > 1:
        await copies(platform, case, count - 1)
    return call, case, firm


async def drafted(platform: Any, call: dict[str, Any], **changes: Any) -> httpx.Response:
    body = {
        "due_on": day_after(platform, 30), "source": "申报通知第六条", "indicators": INDICATORS,
        **changes,
    }  # fmt: skip
    return await platform.client("reviewer").post(
        f"{CALLS}/{call['id']}/self-evaluation-rounds", json=body, headers=platform.key()
    )


async def planned(platform: Any, call: dict[str, Any], pool: Pool, **changes: Any) -> Any:
    body = {
        "count": 3, "inspectors": list(pool), "seed_source": "公开开奖号码（测试）",
        "seed_on": day_after(platform, 1), **changes,
    }  # fmt: skip
    return await platform.client("reviewer").post(
        f"{CALLS}/{call['id']}/check-draws", json=body, headers=platform.key()
    )


async def drawn(platform: Any, row: dict[str, Any], seed: str = "03,11,17") -> dict[str, Any]:
    """Draw on the day after; the clock is at that day from then on."""
    await set_clock(platform, f"{row['seed_on']}T09:00:00+08:00")
    approver = platform.client("approver")
    return await done(platform, approver, DRAWS, row, "draw", seed=seed)


async def test_awarded_firms_evaluate_themselves(platform: Any) -> None:
    call, case, firm = await called(platform, 3)
    answer = await drafted(platform, call)
    assert answer.status_code == 201, answer.text
    row = await done(platform, platform.client("approver"), ROUNDS, answer.json(), "ask")
    assert (row["state"], row["sheets"]) == ("asked", 3)
    again = await try_deed(platform, platform.client("approver"), ROUNDS, row, "ask")
    assert code(again) == (409, "event-not-allowed")

    (sheet,) = (await firm.get(SHEETS)).json()["items"]
    shown = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert [each["kind"] for each in shown["open_matters"]] == ["self-evaluation"]
    file = await proof(firm, case)
    short = await try_deed(platform, firm, SHEETS, sheet, "submit", answers={"output": 12})
    assert code(short) == (422, "answer-missing")
    answers = {"output": 1200, "effect": "两条产线已投用"}
    sheet = await done(platform, firm, SHEETS, sheet, "submit", answers=answers, evidence=[file])
    assert (sheet["answers"], sheet["evidence"]) == (answers, [file])
    reviewer = platform.client("reviewer")
    sheet = await done(platform, reviewer, SHEETS, sheet, "return", note="请附凭证")
    sheet = await done(platform, firm, SHEETS, sheet, "submit", answers=answers)
    refused = await try_deed(platform, firm, SHEETS, sheet, "assess", grade="satisfactory")
    assert refused.status_code == 403
    sheet = await done(platform, reviewer, SHEETS, sheet, "assess", grade="satisfactory")

    assert (sheet["state"], sheet["grade"]) == ("assessed", "satisfactory")
    counted = (await platform.client("auditor").get(f"{ROUNDS}/{row['id']}")).json()
    assert (counted["sheets"], counted["assessed"]) == (3, 1)
    listed = (
        await platform.client("auditor").get(f"{CALLS}/{call['id']}/self-evaluation-rounds")
    ).json()["items"]
    assert [each["id"] for each in listed] == [row["id"]]


async def test_a_round_is_sent_by_a_second_person_to_awarded_cases(platform: Any) -> None:
    call, case, _ = await called(platform, 1)
    assert code(await drafted(platform, call, due_on="2020-01-01")) == (422, "due-past")
    twice = await drafted(platform, call, indicators=[INDICATORS[0], INDICATORS[0]])
    assert code(twice) == (422, "indicator-twice")
    both = await client_of(
        platform, "round-officer", roles=["reviewer", "approver"], department="jxj"
    )
    body = {"due_on": day_after(platform, 9), "source": "通知", "indicators": INDICATORS}
    path = f"{CALLS}/{call['id']}/self-evaluation-rounds"
    own = (await both.post(path, json=body, headers=platform.key())).json()
    assert own["allowed_events"] == []
    assert code(await try_deed(platform, both, ROUNDS, own, "ask")) == (403, "four-eyes")
    async with platform.service("policy").sessions() as session, session.begin():
        away = update(Case).where(Case.id == UUID(case["id"])).values(call_id=None)
        await session.execute(away)
    nobody = await try_deed(platform, platform.client("approver"), ROUNDS, own, "ask")
    assert code(nobody) == (409, "nothing-awarded")
    await both.aclose()


async def test_lots_are_drawn_after_the_list_is_frozen_and_can_be_drawn_again(
    platform: Any, pool: Pool
) -> None:
    call, case, firm = await called(platform, 8)
    known = await planned(platform, call, pool, seed_on=day_after(platform, 0))
    assert code(known) == (422, "seed-known")
    answer = await planned(platform, call, pool)
    row = answer.json()
    assert (answer.status_code, len(row["cases"]), row["picks"]) == (201, 8, 3)
    early = await try_deed(platform, platform.client("approver"), DRAWS, row, "draw", seed="1")
    assert code(early) == (409, "seed-not-yet")
    try:
        row = await drawn(platform, row)
        again = await try_deed(platform, platform.client("approver"), DRAWS, row, "draw", seed="2")
        assert code(again) == (409, "event-not-allowed")
    finally:
        await reset_clock(platform)
    auditor = platform.client("auditor")
    items = (await auditor.get(CHECKS, params={"draw": row["id"]})).json()["items"]
    assert sorted(each["position"] for each in items) == [1, 2, 3]
    assert {each["case"] for each in items} <= set(row["cases"])
    assert all(len(set(each["inspectors"])) == 2 for each in items)
    # Nobody is warned of a check that is to come.
    assert (await firm.get(CHECKS)).json()["items"] == []
    shown = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert shown["open_matters"] == []

    proved = (await auditor.get(f"{DRAWS}/{row['id']}/verification")).json()
    assert proved["same"] is True
    assert proved["drawn"] == proved["found"]
    async with tampering(platform) as admin:
        await admin.execute(
            "UPDATE check_draw SET seed = '04,11,17' WHERE id = $1", UUID(row["id"])
        )
    proved = (await auditor.get(f"{DRAWS}/{row['id']}/verification")).json()
    assert proved["same"] is False


async def test_whoever_handled_a_case_is_not_drawn_to_inspect_it(platform: Any, pool: Pool) -> None:
    call, _, _ = await called(platform, 1)
    few = {"reviewer": platform.client("reviewer"), "inspector-a": pool["inspector-a"]}
    row = (await planned(platform, call, few, count=1)).json()
    try:
        await set_clock(platform, f"{row['seed_on']}T09:00:00+08:00")
        approver = platform.client("approver")
        refused = await try_deed(platform, approver, DRAWS, row, "draw", seed="1")
        assert code(refused) == (409, "inspectors-few")
    finally:
        await reset_clock(platform)
    wide = {"reviewer": platform.client("reviewer"), **pool}
    row = (await planned(platform, call, wide, count=1)).json()
    try:
        row = await drawn(platform, row)
    finally:
        await reset_clock(platform)
    auditor = platform.client("auditor")
    (check,) = (await auditor.get(CHECKS, params={"draw": row["id"]})).json()["items"]
    assert "reviewer" not in check["inspectors"]


async def test_two_inspectors_conclude_and_a_failure_proposes_recovery(
    platform: Any, pool: Pool
) -> None:
    call, case, firm = await called(platform, 1)
    row = (await planned(platform, call, pool, count=1)).json()
    try:
        row = await drawn(platform, row)
        auditor = platform.client("auditor")
        (check,) = (await auditor.get(CHECKS, params={"draw": row["id"]})).json()["items"]
        first, second = (pool[name] for name in check["inspectors"])
        other = next(pool[name] for name in pool if name not in check["inspectors"])
        found = {"outcome": "failed", "finding": "设备不在现场", "checked_on": row["drawn_on"]}
        for stranger in (other, platform.client("reviewer")):
            refused = await try_deed(platform, stranger, CHECKS, check, "report", **found)
            assert refused.status_code in (403, 404)
        coming = {**found, "checked_on": day_after(platform, 1)}
        wrong = await try_deed(platform, first, CHECKS, check, "report", **coming)
        assert code(wrong) == (422, "day-out-of-order")
        check = await done(platform, first, CHECKS, check, "report", **found)
        alone = await try_deed(platform, first, CHECKS, check, "confirm")
        assert code(alone) == (403, "four-eyes")
        check = await done(platform, second, CHECKS, check, "return", note="请补现场照片")
        check = await done(platform, first, CHECKS, check, "report", **found)
        assert (await firm.get(f"{CHECKS}/{check['id']}")).status_code == 404
        check = await done(platform, second, CHECKS, check, "confirm")
    finally:
        await reset_clock(platform)

    assert (check["state"], check["outcome"]) == ("failed", "failed")
    seen = await read(firm, CHECKS, check)
    assert (seen["state"], seen["inspectors"]) == ("failed", None)
    (proposal,) = (await firm.get(RECOVERIES, params={"case": case["id"]})).json()["items"]
    assert proposal["grounds"][0] == {
        "kind": "check", "id": check["id"], "reason": "抽查不合格：设备不在现场",
    }  # fmt: skip
    shown = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert (shown["state"], [m["kind"] for m in shown["open_matters"]]) == (
        "awarded", ["recovery"],
    )  # fmt: skip
