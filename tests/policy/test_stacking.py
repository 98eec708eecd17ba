"""从高、不重复 from rule to reservation: the difference, nothing, another matter, a match."""

import asyncio
import time
from datetime import date, timedelta
from typing import Any

from tests.policy.steps import (
    WAIT_S_MAX,
    WAN,
    approve,
    budget,
    code,
    declare_aid,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    propose,
    publish,
    register,
    reset_clock,
    set_clock,
    set_parameter,
    state,
    state_of_day,
    try_move,
    until,
)

CAP = 30 * WAN


async def reserved(platform: Any, paid_wan: int, **aid: Any) -> dict[str, Any]:
    """Propose a case at the cap where Ningbo has paid; give finance's answer."""
    uscc = await growing_firm(platform)
    await declare_aid(platform, uscc, paid_wan, **aid)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    assert case["assessment"]["amount_fen"] == CAP
    case = await propose(platform, firm, case)
    return case["reservation"]


async def test_the_difference_is_paid(platform: Any) -> None:
    await budget(platform)
    found = await reserved(platform, 10)

    assert (found["state"], found["amount_fen"]) == ("reserved", 20 * WAN)
    assert found["reason"]


async def test_more_was_paid_already(platform: Any) -> None:
    await budget(platform)
    found = await reserved(platform, 40)

    assert (found["state"], found["amount_fen"]) == ("refused", 0)


async def test_another_matter_is_untouched(platform: Any) -> None:
    await budget(platform)
    for aid in ({"matter": {"kind": "year", "period": "2024"}}, {"stacking_group": "other"}):
        found = await reserved(platform, 40, **aid)
        assert (found["state"], found["amount_fen"]) == ("reserved", CAP)


async def test_nothing_more_is_paid_under_highest_only(platform: Any) -> None:
    await set_parameter(platform, "stacking-mode", "highest-only", "2027-05-10")
    await set_parameter(platform, "stacking-mode", "top-up", "2027-05-11")
    try:
        await set_clock(platform, "2027-05-10T09:00:00+08:00")
        await budget(platform)
        highest_only = await reserved(platform, 10)
        alone = await reserved(platform, 10, stacking_group="other")
        await set_clock(platform, "2027-05-11T09:00:00+08:00")
        top_up = await reserved(platform, 10)
    finally:
        await reset_clock(platform)

    assert (highest_only["state"], highest_only["amount_fen"]) == ("refused", 0)
    assert alone["amount_fen"] == CAP
    assert top_up["amount_fen"] == 20 * WAN


async def test_the_same_matter_again_is_refused_once_paid(platform: Any) -> None:
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    first = await approve(
        platform, await propose(platform, firm, await open_case(platform, firm, uscc))
    )
    treasurer = platform.client("treasurer")
    found = await treasurer.get("/v1/finance/awards", params={"case_id": first["id"]})
    body = {"awards": [found.json()["items"][0]["id"]], "document": "慈测拨〔2026〕2号"}
    payout = await treasurer.post("/v1/finance/payouts", json=body, headers=platform.key())
    for role, event in (("treasurer-b", "check"), ("treasurer", "send"), ("treasurer", "settle")):
        deed = {"event": event, "version": payout.json()["version"], "data": {}}
        payout = await platform.client(role).post(
            f"/v1/finance/payouts/{payout.json()['id']}/events", json=deed, headers=platform.key()
        )
    await until(platform, first, lambda c: c["state"] == "closed")

    second = await propose(platform, firm, await open_case(platform, firm, uscc))
    assert (second["reservation"]["state"], second["reservation"]["amount_fen"]) == ("refused", 0)


async def matched_firm(platform: Any) -> str:
    """Register a firm whose Ningbo award Cixi matches, and publish the list it is on."""
    uscc = fresh_uscc()
    await register(platform, uscc)
    await state(platform, uscc, 2024, rd_internal_fen=200 * WAN)
    await state(
        platform, uscc, 2025, rd_internal_fen=221 * WAN, revenue_fen=6_000 * WAN,
        ningbo_rd_award_fen=11 * WAN,
    )  # fmt: skip
    await state_of_day(platform, uscc, is_above_scale=True)
    await publish(
        platform, "ningbo-rd-post-subsidy", [uscc], complete=False,
        valid_from="2027-01-01", valid_to="2027-12-31",
    )  # fmt: skip
    await platform.settle()
    return uscc


async def test_a_match_is_paid_beside_its_base_after_its_notice(platform: Any) -> None:
    await set_parameter(platform, "rd-matching.ratio_bp", 5000, "2027-03-01")
    uscc = await matched_firm(platform)
    firm = await firm_client(platform, uscc)
    try:
        # A Monday; the days of the notice are Tuesday to Friday and the next Monday.
        await set_clock(platform, "2027-03-01T10:00:00+08:00")
        await budget(platform, programme=None, measure=27)
        await declare_aid(platform, uscc, 11, programme="ningbo-rd", stacking_group="rd-investment")
        case = await open_case(platform, firm, uscc, "rd-matching")
        assert case["assessment"]["amount_fen"] == 5_500_000
        case = await propose(platform, firm, case)
        await _see_the_notice(platform, case)

        await set_clock(platform, "2027-03-08T23:59:00+08:00")
        refused = await _try_approval(platform, case)
        assert code(refused) == (409, "notice-running")
        assert "2027-03-08" in refused.json()["detail"]
        seen = (await platform.client("approver").get(f"/v1/policy/cases/{case['id']}")).json()
        assert seen["allowed_events"] == []

        await set_clock(platform, "2027-03-09T00:00:00+08:00")
        await _until_noted(platform, case)
        listed = await platform.client("public").get("/v1/policy/notices")
        assert case["id"] not in {each["case"] for each in listed.json()["items"]}
        case = await approve(platform, case)
    finally:
        await reset_clock(platform)

    assert case["reservation"]["amount_fen"] == 5_500_000
    events = await firm.get(f"/v1/policy/cases/{case['id']}/history")
    assert [row["event"] for row in events.json()["items"]][-5:] == [
        "reserved", "notice-begun", "notice-ended", "decide", "awarded",
    ]  # fmt: skip


async def _see_the_notice(platform: Any, case: dict[str, Any]) -> None:
    """See in public what is proposed, for whom, from when and until when."""
    assert (case["state"], case["reservation"]["amount_fen"]) == ("in-notice", 5_500_000)
    assert case["due_on"] == "2027-03-08"
    assert case["notice"] == {
        "id": case["notice"]["id"], "state": "listed", "days_left": None,
        "decision_from": "2027-03-09",
        "published_on": "2027-03-01", "from": "2027-03-02", "to": "2027-03-08", "days": 5,
        "provisional": True,
    }  # fmt: skip
    listed = (await platform.client("public").get("/v1/policy/notices")).json()["items"]
    (notice,) = [each for each in listed if each["case"] == case["id"]]
    assert (notice["programme"], notice["measure"], notice["amount_fen"]) == (
        "rd-matching", 27, 5_500_000,
    )  # fmt: skip
    assert (notice["from"], notice["to"]) == ("2027-03-02", "2027-03-08")
    assert notice["applicant"] == case["applicant"]
    assert notice["applicant_name"].startswith("慈溪市示范测试")
    assert notice["plan_flags"] == ["plan-not-in-force"]


async def _try_approval(platform: Any, case: dict[str, Any]) -> Any:
    return await try_move(
        platform, platform.client("approver"), case, "decide", data={"outcome": "approve"}
    )


async def _until_noted(platform: Any, case: dict[str, Any]) -> None:
    """Wait until the timer has noted the end of the notice."""
    path = f"/v1/policy/cases/{case['id']}/history"
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        found = await platform.client("auditor").get(path)
        if found.json()["items"][-1]["event"] == "notice-ended":
            return
        assert time.monotonic() < deadline, found.text
        await asyncio.sleep(0.05)


async def test_a_case_withdrawn_during_its_notice_is_listed_no_more(platform: Any) -> None:
    await set_parameter(platform, "rd-matching.ratio_bp", 2500, "2027-04-12")
    uscc = await matched_firm(platform)
    firm = await firm_client(platform, uscc)
    try:
        await set_clock(platform, "2027-04-12T10:00:00+08:00")
        await budget(platform, programme=None, measure=27)
        case = await propose(platform, firm, await open_case(platform, firm, uscc, "rd-matching"))
        assert case["reservation"]["amount_fen"] == 2_750_000
        await move(platform, firm, case, "withdraw")
        listed = await platform.client("public").get("/v1/policy/notices")
        assert case["id"] not in {each["case"] for each in listed.json()["items"]}
    finally:
        await reset_clock(platform)


async def test_the_day_of_a_notice_is_the_citys(platform: Any) -> None:
    """Late in the evening of the city it is the city's day that counts, not Greenwich's."""
    await set_parameter(platform, "rd-matching.ratio_bp", 1000, "2027-06-07")
    uscc = await matched_firm(platform)
    firm = await firm_client(platform, uscc)
    try:
        await set_clock(platform, "2027-06-07T00:30:00+08:00")
        await budget(platform, programme=None, measure=27)
        case = await propose(platform, firm, await open_case(platform, firm, uscc, "rd-matching"))
    finally:
        await reset_clock(platform)

    assert case["notice"]["published_on"] == "2027-06-07"
    assert case["assessment"]["on"] == "2027-06-07"
    assert date.fromisoformat(case["notice"]["from"]) - date(2027, 6, 7) == timedelta(days=1)
