"""What an award obliges to: from document or text to proof, failure, hearing and recovery."""

import asyncio
from datetime import date, datetime
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from sqlalchemy import select

from services.kernel.clock import CITY
from services.kernel.tables import Outbox
from services.kernel.unit import commit
from services.policy.cases.models import Case
from services.policy.obligations.actions.begin_obligations import begin_obligations
from services.policy.obligations.actions.check_day import check_obligations
from services.policy.obligations.models import Obligation
from services.policy.plan.actions.read_document import PlanInvalid
from tests.policy.aftermath_steps import (
    OBLIGATIONS,
    RECOVERIES,
    day_after,
    done,
    obliged,
    proof,
    read,
    try_add,
    try_deed,
)
from tests.policy.changed_plans import CLAUSE, Changed
from tests.policy.document_steps import audited, awarded
from tests.policy.steps import (
    client_of,
    code,
    firm_client,
    fresh_uscc,
    move,
    reset_clock,
    set_clock,
    until,
)

OBLIGATIONS_TEXT = """    obligations:
      - id: report
        says: 每家在获奖后报告使用情况
        kind: report
        after: {months: 6}
        source: 示例条款
        on_failure: note
      - id: stays
        says: 五年内不迁出
        kind: stay
        source: 示例条款
        on_failure: recover
      - id: by-the-day
        says: 按期完成
        kind: milestone
        after: {date: 2027-12-31}
        source: 示例条款
        on_failure: recover
"""


@pytest.fixture(scope="module")
async def case_and_firm(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    return await awarded(platform)


@pytest.fixture
def case(case_and_firm: Any) -> dict[str, Any]:
    return case_and_firm[0]


@pytest.fixture
def firm(case_and_firm: Any) -> httpx.AsyncClient:
    return case_and_firm[1]


async def test_an_obligation_stands_once_a_second_person_confirms_it(
    platform: Any, case: dict[str, Any]
) -> None:
    both = await client_of(
        platform, "obliging-officer", roles=["reviewer", "approver"], department="jxj"
    )
    answer = await both.post(
        f"/v1/policy/cases/{case['id']}/obligations",
        json={
            "kind": "report", "says": "报送年度总结", "source": "决定书第三条",
            "on_failure": "note",
        },
        headers=platform.key(),
    )  # fmt: skip
    added = answer.json()
    assert (answer.status_code, added["state"], added["due_on"]) == (201, "proposed", None)
    assert "confirm" not in added["allowed_events"]
    refused = await try_deed(platform, both, OBLIGATIONS, added, "confirm")
    assert code(refused) == (403, "four-eyes")
    stands = await done(platform, platform.client("approver"), OBLIGATIONS, added, "confirm")
    assert stands["state"] == "open"
    assert [line["event"] for line in stands["history"]] == ["added", "confirm"]
    await done(platform, platform.client("approver"), OBLIGATIONS, stands, "lift")
    await both.aclose()


async def test_proof_is_handed_in_returned_and_accepted(
    platform: Any, case: dict[str, Any], firm: httpx.AsyncClient
) -> None:
    found = await obliged(platform, case)
    assert found["id"] in [
        each["id"]
        for each in (await firm.get(f"/v1/policy/cases/{case['id']}")).json()["open_matters"]
    ]
    file = await proof(firm, case)
    found = await done(platform, firm, OBLIGATIONS, found, "submit", evidence=[file])
    assert (found["state"], found["evidence"]) == ("submitted", [file])
    reviewer = platform.client("reviewer")
    found = await done(platform, reviewer, OBLIGATIONS, found, "return", note="缺少验收意见")
    assert found["state"] == "open"
    found = await done(platform, firm, OBLIGATIONS, found, "submit", evidence=[file])
    found = await done(platform, reviewer, OBLIGATIONS, found, "accept")

    assert found["state"] == "met"
    shown = await read(firm, OBLIGATIONS, found)
    assert {line["actor"] for line in shown["history"] if line["role"] == "reviewer"} == {None}
    audit = await audited(platform, found["id"])
    assert audit[-2:] == ["obligation.submit", "obligation.accept"]


async def test_only_files_of_the_case_prove_it(
    platform: Any, case: dict[str, Any], firm: httpx.AsyncClient
) -> None:
    found = await obliged(platform, case)
    unknown = await try_deed(
        platform, firm, OBLIGATIONS, found, "submit", evidence=[str(UUID(int=7))]
    )
    assert code(unknown) == (422, "evidence-unknown")
    empty = await try_deed(platform, firm, OBLIGATIONS, found, "submit", evidence=[])
    assert empty.status_code == 422
    await done(platform, platform.client("approver"), OBLIGATIONS, found, "lift")


async def test_no_file_is_taken_where_nothing_is_owed(platform: Any) -> None:
    case, firm = await awarded(platform)
    answer = await firm.post(
        f"/v1/policy/cases/{case['id']}/evidence", params={"name": "材料.txt"}, content=b"text\n"
    )
    assert code(answer) == (409, "evidence-closed")


async def test_more_time_needs_an_approver_a_later_day_and_a_reason(
    platform: Any, case: dict[str, Any], firm: httpx.AsyncClient
) -> None:
    found = await obliged(platform, case)
    later = day_after(platform, 60)
    reviewer, approver = platform.client("reviewer"), platform.client("approver")
    for client in (firm, reviewer):
        refused = await try_deed(platform, client, OBLIGATIONS, found, "extend", due_on=later)
        assert refused.status_code == 403
    silent = await try_deed(
        platform, approver, OBLIGATIONS, found, "extend", note=" ", due_on=later
    )
    assert code(silent) == (422, "note-required")
    earlier = await try_deed(
        platform, approver, OBLIGATIONS, found, "extend", due_on=found["due_on"]
    )
    assert code(earlier) == (422, "due-not-later")
    found = await done(platform, approver, OBLIGATIONS, found, "extend", due_on=later)
    assert (found["due_on"], found["state"]) == (later, "open")
    stale = await try_deed(
        platform, approver, OBLIGATIONS, {**found, "version": 1}, "extend", due_on=later
    )
    assert stale.status_code == 412
    await done(platform, approver, OBLIGATIONS, found, "lift")


async def test_a_day_that_no_text_gives_is_set_from_a_document_once(
    platform: Any, case: dict[str, Any]
) -> None:
    found = await obliged(platform, case, due_on=None)
    reviewer = platform.client("reviewer")
    early = await try_deed(platform, reviewer, OBLIGATIONS, found, "fail")
    assert code(early) == (409, "no-day")
    day = day_after(platform, 90)
    asked = {"due_on": day, "document": "补充协议第二条"}
    found = await done(platform, reviewer, OBLIGATIONS, found, "schedule", **asked)
    assert (found["due_on"], found["day_source"]) == (day, "补充协议第二条")
    again = await try_deed(platform, reviewer, OBLIGATIONS, found, "schedule", **asked)
    assert code(again) == (409, "day-set")
    await done(platform, platform.client("approver"), OBLIGATIONS, found, "lift")


async def test_others_neither_see_nor_move_it(
    platform: Any, case: dict[str, Any], firm: httpx.AsyncClient
) -> None:
    found = await obliged(platform, case)
    stranger = await firm_client(platform, fresh_uscc())
    assert (await stranger.get(f"{OBLIGATIONS}/{found['id']}")).status_code == 404
    refused = await try_deed(platform, stranger, OBLIGATIONS, found, "submit", evidence=[])
    assert refused.status_code == 404
    assert (await try_add(platform, case, "reviewer-b")).status_code in (403, 404)
    for event in ("accept", "fail", "lift", "confirm"):
        assert (await try_deed(platform, firm, OBLIGATIONS, found, event)).status_code == 403
    rows = (await firm.get(OBLIGATIONS, params={"limit": 200})).json()["items"]
    assert {row["case"] for row in rows} == {case["id"]}
    foreign = (await stranger.get(OBLIGATIONS)).json()["items"]
    assert foreign == []
    await done(platform, platform.client("approver"), OBLIGATIONS, found, "lift")


async def test_of_two_officers_at_once_one_is_late(platform: Any, case: dict[str, Any]) -> None:
    found = await obliged(platform, case, kind="stay", on_failure="note")
    reviewer, approver = platform.client("reviewer"), platform.client("approver")
    answers = await asyncio.gather(
        try_deed(platform, reviewer, OBLIGATIONS, found, "fail"),
        try_deed(platform, approver, OBLIGATIONS, found, "lift"),
    )
    assert sorted(each.status_code for each in answers) == [200, 409]
    shown = await read(platform.client("auditor"), OBLIGATIONS, found)
    assert shown["version"] == found["version"] + 1


async def test_a_failed_obligation_is_recovered_only_by_a_second_persons_word(
    platform: Any,
) -> None:
    case, firm = await awarded(platform)
    found = await obliged(platform, case, kind="stay")
    other = await obliged(platform, case)
    reviewer, approver = platform.client("reviewer"), platform.client("approver")
    await done(platform, reviewer, OBLIGATIONS, found, "fail", note="已迁出本市")
    case = await until(platform, case, lambda c: c["state"] == "awarded")
    (row,) = (await firm.get(RECOVERIES, params={"case": case["id"]})).json()["items"]
    assert (row["state"], row["grounds"][0]["id"]) == ("open", found["id"])

    unheard = await try_deed(platform, approver, RECOVERIES, row, "approve")
    assert code(unheard) == (409, "not-heard")
    row = await done(platform, reviewer, RECOVERIES, row, "hear", respond_by=day_after(platform, 5))
    early = await try_deed(platform, approver, RECOVERIES, row, "approve")
    assert code(early) == (409, "not-heard")
    file = await proof(firm, case)
    row = await done(
        platform, firm, RECOVERIES, row, "respond", note="生产线仍在本市", evidence=[file]
    )
    assert row["response"] == "生产线仍在本市"
    assert (await try_deed(platform, reviewer, RECOVERIES, row, "approve")).status_code == 403
    row = await done(platform, approver, RECOVERIES, row, "approve", note="陈述不成立")

    assert row["state"] == "approved"
    case = await until(platform, case, lambda c: c["reservation"]["state"] == "none")
    assert (case["state"], case["open_matters"]) == ("revoked", [])
    assert (await read(firm, OBLIGATIONS, other))["state"] == "lifted"
    ended = await _announced(platform, f"case:{case['id']}")
    assert "未履行义务" in ended[-1]["reason"]


async def test_silence_past_the_day_of_hearing_recovers_nothing_by_itself(platform: Any) -> None:
    case, _ = await awarded(platform)
    row = await _proposed(platform, case, respond_by=day_after(platform, 1))
    try:
        await set_clock(platform, f"{day_after(platform, 3)}T09:00:00+08:00")
        case = (await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}")).json()
        assert (case["state"], case["reservation"]["state"]) == ("awarded", "reserved")
        approver = platform.client("approver")
        row = await done(platform, approver, RECOVERIES, row, "dismiss", note="证据不足")
        assert row["state"] == "dismissed"
        again = await try_deed(platform, approver, RECOVERIES, row, "approve")
        assert code(again) == (409, "event-not-allowed")
    finally:
        await reset_clock(platform)


async def test_a_further_ground_joins_the_open_proposal(platform: Any) -> None:
    case, _ = await awarded(platform)
    first = await _proposed(platform, case)
    second = await _proposed(platform, case)
    assert (second["id"], len(second["grounds"])) == (first["id"], 2)
    revoked = await move(platform, platform.client("approver"), case, "revoke", note="材料不实")
    assert revoked["open_matters"] == []
    shown = await read(platform.client("auditor"), RECOVERIES, first)
    assert shown["state"] == "lapsed"
    late = await platform.client("reviewer").post(
        f"/v1/policy/cases/{case['id']}/recoveries",
        json={"reason": "又一发现", "source": "测试"}, headers=platform.key(),
    )  # fmt: skip
    assert code(late) == (409, "case-not-decided")


async def test_lateness_is_told_once_each_and_changes_no_state(
    platform: Any, case: dict[str, Any]
) -> None:
    # Far off: each day is looked through once, and other tests move the clock over near ones.
    found = await obliged(platform, case, due_on=day_after(platform, 400))
    due, calendar = date.fromisoformat(found["due_on"]), platform.service("policy").calendar
    days = [due, *(calendar.add_working_days(due, n).day for n in (1, 3))]
    alerts: list[str] = []
    shown = found
    for day in days:
        for _ in range(2):
            await _check(platform, day)
        shown = await read(platform.client("auditor"), OBLIGATIONS, found)
        alerts.append(shown["alert"])
        assert shown["state"] == "open"
    assert alerts == ["due-soon", "overdue", "approver"]
    told = await _announced(platform, f"obligation:{found['id']}")
    reminded = [each for each in told if "alert" in each]
    assert [each["alert"] for each in reminded] == alerts
    assert {each["department"] for each in reminded} == {"jxj"}
    await done(platform, platform.client("approver"), OBLIGATIONS, shown, "lift", note="测试完毕")


async def test_what_the_text_obliges_to_begins_with_the_decision(
    platform: Any, case: dict[str, Any], changed: Changed
) -> None:
    plans = changed(CLAUSE, {"    evidence:\n": f"{OBLIGATIONS_TEXT}    evidence:\n"})
    programme = plans.programmes["digital-growth"]
    policy = platform.service("policy")
    decided = datetime(2026, 4, 1, 9, tzinfo=CITY)
    async with policy.sessions() as session:
        row = await session.get_one(Case, UUID(case["id"]))
        await begin_obligations(session, row, programme, now=decided)
        rows = (
            await session.scalars(
                select(Obligation).where(
                    Obligation.case_id == row.id, Obligation.origin == "programme"
                )
            )
        ).all()
        found = {each.name: (each.due_on, each.state, each.on_failure) for each in rows}
        await session.rollback()

    assert found == {
        "report": (date(2026, 10, 8), "open", "note"),
        "stays": (None, "open", "recover"),
        "by-the-day": (date(2027, 12, 31), "open", "recover"),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("after: {months: 6}", "after: {months: 6, days: 3}"),
        ("after: {months: 6}", "after: {}"),
        ("        on_failure: note\n", ""),
        ("kind: report", "kind: promise"),
        ("id: stays", "id: report"),
        ("after: {months: 6}", "within: {months: 6}"),
    ],
)
def test_a_fault_in_an_obligation_keeps_the_plan_from_loading(
    changed: Changed, old: str, new: str
) -> None:
    planted = OBLIGATIONS_TEXT.replace(old, new, 1)
    assert planted != OBLIGATIONS_TEXT
    with pytest.raises(PlanInvalid, match=r"clause-1-1\.yaml.*obligations"):
        changed(CLAUSE, {"    evidence:\n": f"{planted}    evidence:\n"})


async def _proposed(platform: Any, case: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"reason": "审计发现材料不实", "source": "审计报告（测试）", **changes}
    answer = await platform.client("reviewer").post(
        f"/v1/policy/cases/{case['id']}/recoveries", json=body, headers=platform.key()
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _check(platform: Any, day: date) -> None:
    policy = platform.service("policy")
    now = datetime(day.year, day.month, day.day, 9, tzinfo=CITY)
    async with policy.sessions() as session:
        await check_obligations(session, "recurring", now)
        await commit(session)


async def _announced(platform: Any, aggregate: str) -> list[dict[str, Any]]:
    async with platform.service("policy").sessions() as session:
        rows = await session.scalars(
            select(Outbox).where(Outbox.aggregate == aggregate).order_by(Outbox.seq)
        )
        return [orjson.loads(row.payload) for row in rows]
