"""A register that is out of date: its fact counts for the time being, and is compared when renewed.

The register of digital manufacturers promises here to state each firm anew within 30 days.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.policy.office import OFFICE, Office
from tests.policy.document_steps import decision, draft, issue
from tests.policy.steps import (
    YEAR,
    approve,
    budget,
    code,
    firm_client,
    growing_firm,
    open_case,
    propose,
    reset_clock,
    set_clock,
    state,
    state_of_day,
    try_move,
    until,
)

FACT = "is_digital_manufacturing"
PROMISE = {FACT: {"days": 30, "source": "数字经济制造业名单管理办法（测试）"}}


@pytest.fixture(autouse=True)
async def _promised(platform: Any) -> AsyncIterator[None]:
    """Let each test begin on the first of June, under the promise."""
    info = platform.service("policy").sessions.kw["info"]
    packaged = info[OFFICE]
    info[OFFICE] = Office.model_validate(
        {**packaged.model_dump(by_alias=True), "renewals": PROMISE}
    )
    await on(platform, "06-01")
    yield
    info[OFFICE] = packaged
    await reset_clock(platform)


async def on(platform: Any, day: str) -> None:
    await set_clock(platform, f"2026-{day}T10:00:00+08:00")


async def stale_case(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient, str]:
    """Open a case on the day after the last one for which the register's word is good."""
    uscc = await growing_firm(platform)
    await budget(platform)
    await on(platform, "07-02")
    firm = await firm_client(platform, uscc)
    return await open_case(platform, firm, uscc), firm, uscc


async def item_of(client: httpx.AsyncClient, case: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/v1/policy/cases/{case['id']}/prefill")
    return next(each for each in answer.json()["items"] if each["name"] == FACT)


async def test_a_fact_is_held_until_the_day_that_its_register_promised(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    await on(platform, "07-01")
    case = await open_case(platform, firm, uscc)
    assert case["facts"]["provisional"] == []
    assert "stale" not in case["situation"]
    item = await item_of(firm, case)
    assert (item["state"], item["stale_since"]) == ("held", None)

    # What the draft takes is looked at anew each time.
    await on(platform, "07-02")
    item = await item_of(firm, case)
    assert (item["state"], item["stale_since"], item["value"]) == (
        "provisional",
        "2026-07-02",
        True,
    )
    assert (item["asked"], item["department"]) == (False, "sjglj")


async def test_a_case_goes_on_with_it_marked_and_its_decision_says_so(platform: Any) -> None:
    case, firm, _ = await stale_case(platform)
    assert case["facts"]["provisional"] == [FACT]
    assert case["situation"]["stale"] == {FACT: "2026-07-02"}
    assert case["situation"]["declared"] == []
    assert "stale-register" in case["assessment"]["flags"]
    assert case["assessment"]["outcome"] == "eligible"

    case = await propose(platform, firm, case)
    assert case["reservation"]["amount_fen"] == 30_000_000
    replay = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/replay")
    assert replay.json()["same"] is True
    await approve(platform, case)
    document = await issue(platform, await draft(platform, decision(case)))
    told = await platform.client("auditor").get(f"/v1/policy/documents/{document['id']}")
    assert "登记逾期未更新，本次暂按原有记载" in told.text


async def test_what_the_register_then_confirms_stays_as_it_was_proposed(platform: Any) -> None:
    case, firm, uscc = await stale_case(platform)
    case = await propose(platform, firm, case)
    await state_of_day(platform, uscc, "2026-07-02", **{FACT: True})
    await platform.settle()
    case = await until(platform, case, lambda c: not c["facts"]["provisional"])
    assert (case["state"], case["facts"]["changed"]) == ("proposed", [])
    check = (await item_of(firm, case))["check"]
    assert (check["outcome"], check["declared"], check["stated"]) == ("confirmed", True, True)
    await approve(platform, case)


async def test_what_the_register_then_denies_takes_the_proposal_back(platform: Any) -> None:
    case, firm, uscc = await stale_case(platform)
    case = await propose(platform, firm, case)
    await state_of_day(platform, uscc, "2026-07-02", **{FACT: False})
    await platform.settle()
    case = await until(platform, case, lambda c: c["state"] == "in-review")
    (changed,) = case["facts"]["changed"]
    assert (changed["name"], changed["declared"], changed["stated"]) == (FACT, True, False)
    again = await try_move(platform, platform.client("reviewer"), case, "propose")
    assert code(again) == (409, "not-eligible")


async def test_another_statement_leaves_it_provisional(platform: Any) -> None:
    case, _, uscc = await stale_case(platform)
    await state(platform, uscc, YEAR, staff_count=100)
    await platform.settle()
    case = await until(platform, case, lambda _: True)
    assert case["facts"]["provisional"] == [FACT]


async def test_what_a_firm_is_shown_says_so_too(platform: Any) -> None:
    _, firm, uscc = await stale_case(platform)
    answer = await firm.get(f"/v1/policy/firms/{uscc}/entitlements")
    flags = {each["programme"]: each["flags"] for each in answer.json()["programmes"]}
    assert "stale-register" in flags["digital-growth"]
