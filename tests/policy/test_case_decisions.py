"""Proposing and deciding: on known grounds, by two persons, with money held, and once."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.policy.cases.actions.open_case import open_case as begin
from services.policy.cases.schemas import NewCase
from tests.policy.document_steps import decision, draft
from tests.policy.files import fresh_pdf, send_file
from tests.policy.steps import (
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
    register,
    reset_clock,
    set_clock,
    state,
    state_of_day,
    try_move,
    until,
    walk_to_review,
)


async def test_what_is_ineligible_or_unknown_cannot_be_proposed_for_approval(
    platform: Any,
) -> None:
    reviewer = platform.client("reviewer")
    for facts, expected, named in (
        ({2023: 9, 2024: 10, 2025: 10}, "not-eligible", "10%"),
        ({2024: 10, 2025: 20}, "facts-unknown", "营业收入（销售收入）"),
    ):
        uscc = fresh_uscc()
        await register(platform, uscc)
        for year, wan in facts.items():
            await state(platform, uscc, year, revenue_fen=wan * WAN)
        answer = await platform.client("registrar").post(
            f"/v1/enterprise/firms/{uscc}/facts",
            json={"facts": {"is_digital_manufacturing": True, "is_above_scale": True},
                  "valid_from": "2025-01-01", "source": "测试"},
        )  # fmt: skip
        firm = await firm_client(platform, uscc)
        case = await open_case(platform, firm, uscc, after=answer.json()["statement_id"])
        await walk_to_review(platform, firm, case)
        refused = await try_move(platform, reviewer, case, "propose")
        assert code(refused) == (409, expected)
        assert named in refused.json()["detail"]

        # It can be proposed for refusal, and then only be refused.
        proposed = await move(platform, reviewer, case, "propose", data={"outcome": "refuse"})
        assert (proposed["reservation"]["state"], proposed["proposed_outcome"]) == (
            "none", "refuse",
        )  # fmt: skip
        approver = platform.client("approver")
        wrong = await try_move(platform, approver, case, "decide", data={"outcome": "approve"})
        assert code(wrong) == (409, "proposed-for-refusal")
        done = await move(platform, approver, case, "decide", data={"outcome": "refuse"})
        assert done["state"] == "refused"
        replay = await firm.get(f"/v1/policy/cases/{case['id']}/replay")
        assert replay.json()["same"] is True


async def test_an_amount_without_its_parameter_cannot_be_proposed(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    statement = await state(platform, uscc, 2025, revenue_fen=60_000 * WAN)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc, "large-strong", after=statement)
    assert case["assessment"]["amount_status"] == "pending-parameter"
    assert case["plan"]["flags"] == ["plan-not-in-force"]
    assert case["assessment"]["flags"] == []

    await walk_to_review(platform, firm, case)
    refused = await try_move(platform, platform.client("reviewer"), case, "propose")
    assert code(refused) == (409, "amount-pending-parameter")
    second = case_body(uscc, "large-strong", year=2024)
    again = await firm.post("/v1/policy/cases", json=second, headers=platform.key())
    assert code(again) == (409, "case-exists")


_DECIDED = text("""
INSERT INTO case_event (id, case_id, number, event, to_state, version, role, actor, note, data, at)
SELECT :id, case_id, 999, 'decide', 'decided', 999, 'approver', actor, '', '{}', at
FROM case_event WHERE case_id = :case AND event = 'accept'
""")


async def test_nobody_decides_what_he_reviewed(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    both = await client_of(platform, f"both-{uscc.lower()}", roles=["reviewer", "approver"],
                           department="jxj")  # fmt: skip
    case = await open_case(platform, firm, uscc)
    await move(platform, firm, case, "submit")
    await move(platform, both, case, "accept")
    for event in ("review", "propose"):
        await move(platform, platform.client("reviewer"), case, event)
    await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
    seen = (await both.get(f"/v1/policy/cases/{case['id']}")).json()
    assert "decide" not in seen["allowed_events"]
    refused = await try_move(platform, both, case, "decide", data={"outcome": "approve"})
    assert code(refused) == (403, "four-eyes")

    async with platform.service("policy").sessions() as session:
        with pytest.raises(IntegrityError, match="four_eyes"):
            await session.execute(
                text("UPDATE policy_case SET decided_by = reviewed_by WHERE id = :id"),
                {"id": UUID(case["id"])},
            )
    # Whoever only accepted it is named nowhere on the case; its history holds him.
    async with platform.service("policy").sessions() as session:
        with pytest.raises(IntegrityError, match="does not decide"):
            await session.execute(_DECIDED, {"id": new_id(), "case": UUID(case["id"])})
    await approve(platform, case)


async def test_nobody_handles_the_case_of_a_firm_he_is_bound_to(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    bound = await client_of(platform, f"bound-{uscc.lower()}", roles=["firm", "reviewer"],
                            uscc=uscc, department="jxj")  # fmt: skip
    case = await open_case(platform, firm, uscc)
    await move(platform, firm, case, "submit")
    refused = await try_move(platform, bound, case, "accept")

    assert code(refused) == (403, "conflict-of-interest")


async def test_two_decisions_at_once_make_one(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    answers = await asyncio.gather(
        *(
            try_move(platform, platform.client(role), case, "decide",
                     version=case["version"], data={"outcome": outcome}, note="集体研究")
            for role, outcome in (("approver", "approve"), ("approver-b", "refuse")) * 3
        )
    )  # fmt: skip

    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409, 409]
    history = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/history")
    assert [row["event"] for row in history.json()["items"]].count("decide") == 1


async def test_a_version_seen_before_finance_answered_still_counts(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    proposed = await move(platform, platform.client("reviewer"), case, "propose")
    deed = {"version": proposed["version"], "data": {"outcome": "approve"}}
    while True:
        answer = await try_move(platform, platform.client("approver"), case, "decide", **deed)
        if answer.status_code == 200:
            break
        assert code(answer) == (409, "reservation-pending")
        assert answer.headers["Retry-After"] == "1"
        await asyncio.sleep(0.02)

    assert answer.json()["state"] == "decided"


async def test_a_withdrawn_or_revoked_case_lets_its_money_go(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    await move(platform, firm, case, "withdraw")
    gone = await until(platform, case, lambda c: c["reservation"]["state"] == "none")
    assert gone["state"] == "withdrawn"

    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    await approve(platform, case)
    revoked = await move(platform, platform.client("approver"), case, "revoke", note="查实造假")
    assert (revoked["state"], revoked["allowed_events"]) == ("revoked", [])
    await until(platform, case, lambda c: c["reservation"]["state"] == "none")


async def test_without_money_the_case_waits_for_a_next_attempt(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    try:
        # A year for which nobody has given money yet.
        await set_clock(platform, "2028-06-01T10:00:00+08:00")
        case = await propose(platform, firm, case)
        assert case["reservation"]["state"] == "refused"
        assert case["reservation"]["reason"]
        approver = platform.client("approver")
        refused = await try_move(platform, approver, case, "decide", data={"outcome": "approve"})
        assert code(refused) == (409, "reservation-refused")

        await budget(platform)
        await move(platform, platform.client("reviewer"), case, "propose")
        case = await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
        again = await try_move(platform, platform.client("reviewer"), case, "propose")
        assert code(again) == (409, "event-not-allowed")
        await approve(platform, case)
    finally:
        await reset_clock(platform)


async def test_a_draft_opens_no_case_outside_the_demonstration(platform: Any) -> None:
    uscc = await growing_firm(platform)
    actor = Actor("firm", "firm", frozenset({Role.FIRM}), uscc=uscc)
    now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    async with platform.service("policy").sessions() as session:
        draft = NewCase.model_validate(case_body(uscc, "rd-matching"))
        with pytest.raises(Conflict) as refused:
            await begin(session, actor, draft, now=now, after=None, demonstration=False)
        assert refused.value.code == "plan-not-in-force"

        issued = NewCase.model_validate(case_body(uscc))
        with pytest.raises(Conflict) as refused:
            await begin(session, actor, issued, now=now, after=None, demonstration=False)
        assert refused.value.code == "gate-not-passed"
        assert "合法性审核意见" in refused.value.zh


async def test_a_revocation_states_its_reason(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await approve(
        platform, await propose(platform, firm, await open_case(platform, firm, uscc))
    )
    approver = platform.client("approver")
    for note in ("", "  "):
        bare = await try_move(platform, approver, case, "revoke", note=note)
        assert code(bare) == (422, "note-required")
        (error,) = bare.json()["errors"]
        assert (error["pointer"], error["code"]) == ("/note", "note-required")
        assert "资金据此追回" in error["detail"]
    many = {
        "event": "revoke", "note": "", "items": [{"case": case["id"], "version": case["version"]}],
    }  # fmt: skip
    batch = await approver.post("/v1/policy/case-batches", json=many, headers=platform.key())
    assert batch.status_code == 422
    assert [each["pointer"] for each in batch.json()["errors"]] == ["/note"]
    revoked = await move(platform, approver, case, "revoke", note="申报材料不实")
    assert revoked["state"] == "revoked"


async def test_what_the_rule_holds_eligible_is_refused_with_a_reason_only(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    approver, refuse = platform.client("approver"), {"outcome": "refuse"}
    bare = await try_move(platform, approver, case, "decide", data=refuse)
    assert bare.status_code == 422
    (error,) = bare.json()["errors"]
    assert (error["pointer"], error["code"]) == ("/note", "note-required")
    assert "符合条件" in error["detail"]
    done = await move(platform, approver, case, "decide", data=refuse, note="本年度不予支持")
    assert done["state"] == "refused"
    document = await draft(platform, decision(done, "decision-refusal"))
    assert "决定理由：本年度不予支持" in document["content"]["reasons"]


async def test_a_return_says_what_is_missing(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state(platform, uscc, 2025, revenue_fen=60_000 * WAN)
    await state_of_day(platform, uscc, is_digital_manufacturing=True, is_above_scale=True)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    await move(platform, firm, case, "submit")
    reviewer = platform.client("reviewer")
    returned = await move(platform, reviewer, case, "return")
    assert returned["state"] == "returned"
    history = (await firm.get(f"/v1/policy/cases/{case['id']}/history")).json()["items"]
    note = next(row["note"] for row in history if row["event"] == "return")
    assert "尚缺材料：“近三年营业收入的申报或授权查询”" in note
    assert "尚缺数据：" in note
    assert "2024年营业收入" in note


async def test_a_return_without_anything_missing_states_its_reason(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    sent = await send_file(firm, case, fresh_pdf(), material="revenue-statement")
    assert sent.status_code == 201, sent.text
    await move(platform, firm, case, "submit")
    reviewer = platform.client("reviewer")
    bare = await try_move(platform, reviewer, case, "return")
    assert bare.status_code == 422
    assert [each["pointer"] for each in bare.json()["errors"]] == ["/note"]
    assert "一次写明" in bare.json()["errors"][0]["detail"]
    assert (await move(platform, reviewer, case, "return", note="请更正"))["state"] == "returned"
