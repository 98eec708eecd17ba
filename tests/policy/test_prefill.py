"""Once only over HTTP: what a case is filled with, corrected by objection, and taken on trust."""

from typing import Any

import httpx
import pytest

from tests.policy.steps import (
    GROWTH,
    WAN,
    approve,
    budget,
    client_of,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    propose,
    register,
    state,
    state_of_day,
    try_move,
    until,
    walk_to_review,
)

OBJECTIONS = "/v1/policy/fact-objections"


async def prefill(client: httpx.AsyncClient, case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Read what a case is filled with, by `fact` or `fact:year`."""
    answer = await client.get(f"/v1/policy/cases/{case['id']}/prefill")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    return {f"{i['name']}:{i['year']}" if i["year"] else i["name"]: i for i in items}


async def try_object(
    platform: Any, client: httpx.AsyncClient, case: dict[str, Any], **body: Any
) -> httpx.Response:
    body = {
        "fact": "revenue_fen", "year": 2025, "says": 250_000 * WAN, "reason": "与审计报告不一致",
        **body,
    }  # fmt: skip
    return await client.post(
        f"/v1/policy/cases/{case['id']}/fact-objections", json=body, headers=platform.key()
    )


async def try_answer(
    platform: Any,
    objection: dict[str, Any],
    event: str,
    who: str | httpx.AsyncClient = "registrar",
    **body: Any,
) -> httpx.Response:
    body = {"event": event, "version": objection["version"], "note": "", "data": {}, **body}
    client = platform.client(who) if isinstance(who, str) else who
    return await client.post(
        f"{OBJECTIONS}/{objection['id']}/events", json=body, headers=platform.key()
    )


async def self_declared_firm(platform: Any) -> tuple[str, httpx.AsyncClient]:
    """Register a firm of whose last year nobody but itself has said anything."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year, wan in ((2023, 150_000), (2024, 200_000)):
        await state(platform, uscc, year, revenue_fen=wan * WAN)
    await state_of_day(platform, uscc, is_digital_manufacturing=True, is_above_scale=True)
    firm = await firm_client(platform, uscc)
    answer = await firm.put(
        f"/v1/enterprise/firms/{uscc}/indicators/2025",
        json={"facts": {"revenue_fen": 260_000 * WAN}, "source": "财务报表"},
    )
    assert answer.status_code == 200, answer.text
    await platform.settle()
    return uscc, firm


async def test_a_case_is_filled_with_what_is_held_each_with_its_source(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    statement = await state(platform, uscc, 2025, revenue_fen=260_000 * WAN)
    await state(platform, uscc, 2024, revenue_fen=200_000 * WAN)
    await state_of_day(platform, uscc, is_digital_manufacturing=True)
    await platform.settle()
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    items = await prefill(firm, case)

    assert set(items) == {
        "is_above_scale", "is_digital_manufacturing", "revenue_fen:2023", "revenue_fen:2024",
        "revenue_fen:2025",
    }  # fmt: skip
    held = items["revenue_fen:2025"]
    assert (held["value"], held["state"], held["asked"]) == (260_000 * WAN, "held", False)
    assert (held["source"], held["statement_id"]) == ("企业年度报告（测试）", statement)
    assert (held["owner"]["name"], held["department"]) == ("经信局", "sjglj")
    assert held["lawful_source"]["code"] == "own-statement"
    assert held["recorded_at"] is not None
    assert held["conditions"] == ["growth", "two-year-average"]
    assert items["is_digital_manufacturing"]["valid_from"] == "2025-01-01"
    lacking = items["revenue_fen:2023"]
    assert (lacking["value"], lacking["state"], lacking["asked"]) == (None, "missing", True)
    # Nothing that is held is asked.
    assert {name for name, item in items.items() if item["asked"]} == {
        "revenue_fen:2023", "is_above_scale",
    }  # fmt: skip
    foreign = await firm_client(platform, fresh_uscc())
    assert (await foreign.get(f"/v1/policy/cases/{case['id']}/prefill")).status_code == 404


async def test_what_is_frozen_is_shown_as_it_was_frozen(platform: Any) -> None:
    uscc = await growing_firm(platform)
    await budget(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    await state(platform, uscc, 2025, revenue_fen=270_000 * WAN)
    await platform.settle()
    items = await prefill(firm, case)
    assert items["revenue_fen:2025"]["value"] == 260_000 * WAN
    assert items["revenue_fen:2025"]["source"] == "企业年度报告（测试）"
    replay = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/replay")
    assert replay.json()["same"] is True


async def test_an_upheld_objection_corrects_the_fact_and_the_case_goes_on(platform: Any) -> None:
    uscc = await growing_firm(platform)
    await budget(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    lodged = await try_object(platform, firm, case)
    assert lodged.status_code == 201, lodged.text
    objection = lodged.json()
    assert (objection["state"], objection["department"]) == ("open", "sjglj")
    assert (objection["held"], objection["says"]) == (260_000 * WAN, 250_000 * WAN)
    assert objection["allowed_events"] == ["withdraw"]
    assert code(await try_object(platform, firm, case)) == (409, "fact-objection-open")
    shown = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert shown["facts"]["objected"] == [objection["id"]]
    assert (await prefill(firm, case))["revenue_fen:2025"]["objection"] == objection["id"]
    refused = await try_move(platform, platform.client("reviewer"), case, "propose")
    assert code(refused) == (409, "fact-objected")

    listed = await platform.client("registrar").get(OBJECTIONS, params={"department": "sjglj"})
    assert objection["id"] in {each["id"] for each in listed.json()["items"]}
    others = await platform.client("registrar-b").get(OBJECTIONS)
    assert objection["id"] not in {each["id"] for each in others.json()["items"]}
    assert (await try_answer(platform, objection, "dismiss", "registrar-b")).status_code == 404
    assert code(await try_answer(platform, objection, "uphold")) == (422, "statement-id")
    # A statement of another fact upholds nothing.
    other = await state(platform, uscc, 2025, staff_count=100)
    unfit = await try_answer(platform, objection, "uphold", data={"statement_id": other})
    assert code(unfit) == (409, "statement-unfit")
    statement = await state(platform, uscc, 2025, revenue_fen=250_000 * WAN)
    upheld = await try_answer(platform, objection, "uphold", data={"statement_id": statement})
    assert upheld.status_code == 200, upheld.text
    assert (upheld.json()["state"], upheld.json()["stated"]) == ("upheld", 250_000 * WAN)
    again = await try_answer(platform, upheld.json(), "uphold", data={"statement_id": statement})
    assert code(again) == (409, "objection-closed")

    case = await move(platform, platform.client("reviewer"), case, "propose")
    case = await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
    # 25 percent of growth instead of 30, by five hundred yuan a million.
    assert case["reservation"]["amount_fen"] == 25_000_000
    assert case["facts"] == {"provisional": [], "changed": [], "objected": []}
    history = await firm.get(f"/v1/policy/cases/{case['id']}/history")
    told = [each["event"] for each in history.json()["items"]]
    assert told[4:6] == ["fact-objected", "fact-objection-answered"]


async def test_nothing_is_refused_on_a_contested_fact(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    assert (await try_object(platform, firm, case)).status_code == 201
    refuse = {"outcome": "refuse"}
    refused = await try_move(platform, platform.client("reviewer"), case, "propose", data=refuse)
    assert code(refused) == (409, "fact-objected")
    assert "营业收入" in refused.json()["detail"]


async def test_a_dismissed_objection_needs_a_reason_and_frees_the_case(platform: Any) -> None:
    uscc = await growing_firm(platform)
    await budget(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    objection = (await try_object(platform, firm, case)).json()
    assert code(await try_answer(platform, objection, "dismiss")) == (422, "reason-required")
    answered = await try_answer(platform, objection, "dismiss", note="与税务申报一致")
    assert (answered.json()["state"], answered.json()["answer"]) == ("dismissed", "与税务申报一致")
    case = await propose(platform, firm, case)
    assert case["reservation"]["amount_fen"] == 30_000_000

    # Proposed and not decided, it may still be objected to; nobody decides meanwhile.
    objection = (await try_object(platform, firm, case)).json()
    outcome = {"outcome": "approve"}
    refused = await try_move(platform, platform.client("approver"), case, "decide", data=outcome)
    assert code(refused) == (409, "fact-objected")
    assert code(await try_answer(platform, objection, "withdraw")) == (403, "role-required")
    back = await try_answer(platform, objection, "withdraw", firm)
    assert back.json()["state"] == "withdrawn"
    await approve(platform, case)
    closed = await try_object(platform, firm, case)
    assert code(closed) == (409, "case-closed")


async def test_an_objection_upheld_after_the_proposal_sends_the_case_back(platform: Any) -> None:
    uscc = await growing_firm(platform)
    await budget(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    objection = (await try_object(platform, firm, case)).json()
    statement = await state(platform, uscc, 2025, revenue_fen=250_000 * WAN)
    upheld = await try_answer(platform, objection, "uphold", data={"statement_id": statement})
    assert upheld.status_code == 200, upheld.text
    case = (await firm.get(f"/v1/policy/cases/{case['id']}")).json()
    assert case["state"] == "in-review"
    await move(platform, platform.client("reviewer"), case, "propose")
    case = await until(platform, case, lambda c: c["reservation"]["amount_fen"] == 25_000_000)
    assert case["state"] == "proposed"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"fact": "no_such_fact"}, (422, "unknown-fact")),
        ({"fact": "revenu_fen"}, (422, "unknown-fact")),
        ({"fact": "staff_count"}, (422, "fact-not-of-this-case")),
        ({"year": 2020}, (422, "fact-not-of-this-case")),
        ({"year": None}, (422, "fact-not-of-this-case")),
        ({"says": "多"}, (422, "fact-value")),
        ({"says": True}, (422, "fact-value")),
        ({"says": -1}, (422, "fact-value")),
        ({"says": 260_000 * WAN}, (422, "fact-same")),
        ({"evidence": ["0190f000-0000-7000-8000-000000000000"]}, (422, "evidence-unknown")),
    ],
)
async def test_what_cannot_be_objected_to_is_refused(
    platform: Any, objected: tuple[httpx.AsyncClient, dict[str, Any]], body: dict[str, Any],
    expected: tuple[int, str],
) -> None:  # fmt: skip
    firm, case = objected
    answer = await try_object(platform, firm, case, **body)
    assert code(answer) == expected
    if body.get("fact") == "revenu_fen":
        assert "是否指revenue_fen" in answer.json()["detail"]


@pytest.fixture(scope="module")
async def objected(platform: Any) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    return firm, await open_case(platform, firm, uscc)


async def test_a_provisional_fact_is_confirmed_when_its_owner_says_the_same(platform: Any) -> None:
    uscc, firm = await self_declared_firm(platform)
    await budget(platform)
    case = await open_case(platform, firm, uscc)
    assert case["facts"]["provisional"] == ["revenue_fen:2025"]
    assert case["situation"]["declared"] == ["revenue_fen:2025"]
    item = (await prefill(firm, case))["revenue_fen:2025"]
    assert (item["state"], item["department"], item["asked"]) == ("provisional", None, False)
    own = await try_object(platform, firm, case)
    assert code(own) == (409, "fact-own")
    case = await propose(platform, firm, case)

    await state(platform, uscc, 2025, revenue_fen=260_000 * WAN)
    await platform.settle()
    case = await until(platform, case, lambda c: not c["facts"]["provisional"])
    assert (case["state"], case["facts"]["changed"]) == ("proposed", [])
    check = (await prefill(firm, case))["revenue_fen:2025"]["check"]
    assert (check["outcome"], check["department"]) == ("confirmed", "sjglj")
    await approve(platform, case)


async def test_a_provisional_fact_that_its_owner_states_otherwise_sends_the_case_back(
    platform: Any,
) -> None:
    uscc, firm = await self_declared_firm(platform)
    await budget(platform)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    assert case["reservation"]["amount_fen"] == 30_000_000

    await state(platform, uscc, 2025, revenue_fen=250_000 * WAN)
    await platform.settle()
    case = await until(platform, case, lambda c: c["state"] == "in-review")
    (changed,) = case["facts"]["changed"]
    assert (changed["name"], changed["declared"], changed["stated"]) == (
        "revenue_fen:2025", 260_000 * WAN, 250_000 * WAN,
    )  # fmt: skip
    outcome = {"outcome": "approve"}
    refused = await try_move(platform, platform.client("approver"), case, "decide", data=outcome)
    assert code(refused) == (409, "event-not-allowed")
    await move(platform, platform.client("reviewer"), case, "propose")
    case = await until(platform, case, lambda c: c["reservation"]["amount_fen"] == 25_000_000)
    assert case["facts"] == {"provisional": [], "changed": [], "objected": []}
    await approve(platform, case)


async def test_a_provisional_fact_of_a_draft_is_only_shown_anew(platform: Any) -> None:
    uscc, firm = await self_declared_firm(platform)
    case = await open_case(platform, firm, uscc)
    await state(platform, uscc, 2025, revenue_fen=250_000 * WAN)
    await platform.settle()
    case = await until(platform, case, lambda c: c["facts"]["changed"])
    assert (case["state"], case["facts"]["provisional"]) == ("draft", [])
    assert case["assessment"]["amount_fen"] == 25_000_000
    # What a person has in hand is still good: nothing but the facts has moved.
    await move(platform, firm, case, "submit", version=1)


async def test_a_registrar_bound_to_the_firm_does_not_answer(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    objection = (await try_object(platform, firm, case)).json()
    both = await client_of(
        platform, f"bound-{uscc.lower()}", roles=["registrar"], department="sjglj", uscc=uscc
    )
    refused = await try_answer(platform, objection, "dismiss", both, note="不成立")
    assert code(refused) == (403, "conflict-of-interest")
    assert case["programme"] == GROWTH
