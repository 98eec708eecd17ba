"""Departures from a rule: with a reason, within what the rule knows, on record for ever."""

import re
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.kernel.errors import Refusal
from services.kernel.problems import refusal_from_validation
from services.policy.overrides.rules import RuleResult, amount_of
from services.policy.overrides.schemas import Override
from services.policy.plan.actions.load_library import library
from services.rulebook.columns.widths import most_fen
from tests.policy.document_steps import decision, draft
from tests.policy.steps import (
    GROWTH,
    WAN,
    approve,
    budget,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    register,
    state,
    state_of_day,
    try_move,
    until,
    walk_to_review,
)

REASON = "企业并购重组后合并报表口径调整，经部门会议研究。"


def result(**changes: Any) -> RuleResult:
    known: dict[str, Any] = {
        "outcome": "ineligible", "granted_fen": 0, "computed_fen": 500, "most_fen": 1_000,
        "waits_for_number": False,
    }  # fmt: skip
    return RuleResult(**{**known, **changes})


@pytest.mark.parametrize(
    ("given", "asked", "amount"),
    [
        (result(), None, 500),
        (result(), 1, 1),
        (result(), 1_000, 1_000),
        (result(outcome="unknown", granted_fen=None, computed_fen=None), 700, 700),
        (result(outcome="eligible", granted_fen=500), 499, 499),
        (result(outcome="eligible", granted_fen=500), 501, 501),
    ],
)
def test_an_override_proposes_what_the_rule_could_pay(
    given: RuleResult, asked: int | None, amount: int
) -> None:
    assert amount_of(given, asked) == amount


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        (result(), 1_001, "amount-beyond-rule"),
        (result(computed_fen=None), None, "amount-required"),
        (result(computed_fen=0), None, "amount-zero"),
        (result(waits_for_number=True), 500, "amount-pending-parameter"),
        (result(outcome="eligible", granted_fen=500), 500, "nothing-overridden"),
        (result(outcome="eligible", granted_fen=500), None, "nothing-overridden"),
    ],
)
def test_an_override_takes_the_place_of_no_number(
    given: RuleResult, asked: int | None, expected: str
) -> None:
    with pytest.raises(Refusal) as refused:
        amount_of(given, asked)
    assert refused.value.code == expected


def test_what_a_rule_could_ever_pay_is_its_own_ceiling() -> None:
    growth = library().programmes[GROWTH].compiled
    assert growth.amount is not None
    assert most_fen(growth.amount, growth.vocabulary, {}) == 30 * WAN
    strong = library().programmes["large-strong"].compiled
    assert strong.amount is not None
    assert most_fen(strong.amount, strong.vocabulary, {"award_fen": (7, 7)}) == 7
    assert most_fen(strong.amount, strong.vocabulary, {"award_fen": (0, 9)}) == 9


async def reviewed(platform: Any, uscc: str, programme: str = GROWTH) -> dict[str, Any]:
    firm = await firm_client(platform, uscc)
    return await walk_to_review(platform, firm, await open_case(platform, firm, uscc, programme))


async def try_override(
    platform: Any, case: dict[str, Any], reason: str = REASON, **data: Any
) -> httpx.Response:
    override = {"reason": reason, **data}
    body = {"outcome": "approve", "override": override}
    return await try_move(platform, platform.client("reviewer"), case, "propose", data=body)


async def test_an_ineligible_case_is_approved_against_the_rule_and_marked_for_ever(
    platform: Any,
) -> None:
    await budget(platform)
    case = await reviewed(platform, await growing_firm(platform, last_wan=219_999))
    path, auditor = f"/v1/policy/cases/{case['id']}", platform.client("auditor")
    assert case["override"] is None
    answer = await try_override(platform, case)
    assert answer.status_code == 200, answer.text
    shown = answer.json()["override"]
    assert (shown["attempt"], shown["reason"], shown["by"]) == (1, REASON, "reviewer")
    assert (shown["rule_outcome"], shown["rule_amount_fen"]) == ("ineligible", 0)
    assert shown["amount_fen"] == 199 * 50_000

    case = await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
    assert case["reservation"]["amount_fen"] == 199 * 50_000
    # The frozen answer stays the rule's, and is found again byte for byte.
    assert case["assessment"]["outcome"] == "ineligible"
    replay = (await auditor.get(f"{path}/replay")).json()
    assert (replay["same"], replay["frozen"]["amount_fen"]) == (True, 0)
    history = (await auditor.get(f"{path}/history")).json()["items"]
    (proposed,) = [row for row in history if row["event"] == "propose"]
    assert proposed["data"]["override"]["reason"] == REASON

    # Another person decides, as ever; what was overridden stays on record.
    again = await try_move(
        platform, platform.client("reviewer"), case, "decide", data={"outcome": "approve"}
    )
    assert code(again) == (403, "role-required")
    case = await approve(platform, case)
    assert case["override"]["reason"] == REASON
    listed = await auditor.get("/v1/policy/cases", params={"overridden": True, "limit": 200})
    assert case["id"] in {each["id"] for each in listed.json()["items"]}
    assert {each["override"] is not None for each in listed.json()["items"]} == {True}
    others = await auditor.get("/v1/policy/cases", params={"overridden": False, "limit": 200})
    assert case["id"] not in {each["id"] for each in others.json()["items"]}
    uscc = case["applicant"]["id"]
    own = httpx.AsyncClient(transport=httpx.ASGITransport(app=platform.gateway),
                            base_url="http://lx", timeout=30)  # fmt: skip
    own.headers["Authorization"] = f"Bearer {await platform.token(f'firm-{uscc.lower()}')}"
    assert (await own.get(path)).json()["override"]["by"] is None


async def test_an_override_is_announced_recorded_and_never_changed(platform: Any) -> None:
    case = await reviewed(platform, await growing_firm(platform))
    answer = await try_override(platform, case, amount_fen=10 * WAN)
    assert answer.status_code == 200, answer.text
    queries = {
        "SELECT payload FROM outbox WHERE aggregate = :a AND type LIKE '%case.overridden.v1'": 1,
        "SELECT detail::text FROM audit_entry WHERE action = 'case.propose' AND thing_id = :id": 1,
        "SELECT reason FROM case_override WHERE case_id = :id": 1,
    }
    async with platform.service("policy").engine.connect() as connection:
        for query, count in queries.items():
            asked = {"a": f"case:{case['id']}", "id": case["id"]}
            wanted = {name: asked[name] for name in re.findall(r":(a|id)\b", query)}
            rows = (await connection.execute(text(query), wanted)).all()
            assert len(rows) == count, query
    for statement in ("UPDATE case_override SET reason = 'x'", "DELETE FROM case_override"):
        async with platform.service("policy").sessions() as session:
            with pytest.raises(DBAPIError, match=r"permission denied|only ever added"):
                await session.execute(text(statement))


async def test_a_later_proposal_by_the_rule_does_not_wash_the_mark_off(platform: Any) -> None:
    case = await reviewed(platform, await growing_firm(platform), GROWTH)
    reviewer = platform.client("reviewer")
    # Nothing is reserved for a year without a budget, so a next attempt is open.
    await move(platform, reviewer, case, "propose", data={"outcome": "refuse"})
    answer = await try_override(platform, case, amount_fen=1 * WAN)
    assert answer.status_code == 200, answer.text
    case = await until(platform, case, lambda c: c["reservation"]["state"] != "pending")
    assert (case["override"]["attempt"], case["override"]["amount_fen"]) == (2, 1 * WAN)
    if case["reservation"]["state"] == "refused":
        case = await move(platform, reviewer, case, "propose")
        assert case["override"]["attempt"] == 2


async def test_what_an_override_cannot_do(platform: Any) -> None:
    case = await reviewed(platform, await growing_firm(platform))
    tried: tuple[tuple[dict[str, Any], tuple[int, str]], ...] = (
        ({"reason": "太短"}, (422, "invalid")),
        ({"reason": "          　　　　　"}, (422, "invalid")),
        ({"amount_fen": 30 * WAN + 1}, (422, "amount-beyond-rule")),
        ({"amount_fen": 30 * WAN}, (422, "nothing-overridden")),
        ({}, (422, "nothing-overridden")),
        ({"amount_fen": 0}, (422, "invalid")),
        ({"amount_fen": 1.5}, (422, "invalid")),
    )
    for data, expected in tried:
        answer = await try_override(platform, case, **data)
        assert code(answer)[0] == expected[0], answer.text
        if expected[1] != "invalid":
            assert answer.json()["errors"][0]["code"] == expected[1]
    body = {"outcome": "refuse", "override": {"reason": REASON}}
    answer = await try_move(platform, platform.client("reviewer"), case, "propose", data=body)
    assert answer.json()["errors"][0]["code"] == "override-outcome"


async def test_an_override_does_not_take_the_place_of_a_number_or_of_a_fact(
    platform: Any,
) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state(platform, uscc, 2025, revenue_fen=60_000 * WAN)
    await state_of_day(platform, uscc, is_above_scale=True)
    await platform.settle()
    case = await reviewed(platform, uscc, "large-strong")
    answer = await try_override(platform, case, amount_fen=1)
    assert code(answer) == (409, "amount-pending-parameter")

    uscc = fresh_uscc()
    await register(platform, uscc)
    await state(platform, uscc, 2025, revenue_fen=20 * WAN)
    await state_of_day(platform, uscc, is_digital_manufacturing=True, is_above_scale=True)
    await platform.settle()
    case = await reviewed(platform, uscc)
    answer = await try_override(platform, case)
    assert answer.json()["errors"][0]["code"] == "amount-required"
    answer = await try_override(platform, case, amount_fen=5 * WAN)
    assert answer.status_code == 200, answer.text
    assert answer.json()["override"]["rule_outcome"] == "unknown"
    assert answer.json()["override"]["rule_amount_fen"] is None


async def test_the_decision_says_that_the_rule_was_departed_from(platform: Any) -> None:
    await budget(platform)
    case = await reviewed(platform, await growing_firm(platform))
    assert (await try_override(platform, case, amount_fen=7 * WAN)).status_code == 200
    await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
    case = await approve(platform, case)
    body = decision(case)
    document = await draft(platform, body)
    reasons = document["content"]["reasons"]
    assert any("突破规则" in each and REASON in each and "70,000" in each for each in reasons)


def test_a_reason_that_is_too_short_is_told_how_long_it_must_be() -> None:
    with pytest.raises(ValidationError) as refused:
        Override.model_validate({"reason": "太短"})
    (error,) = refusal_from_validation(refused.value.errors()).errors
    assert error.zh == "须不少于10个字符。"
    assert error.en == "Must have at least 10 character(s)."
