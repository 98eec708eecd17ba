"""免申即享 over HTTP: begun, approved, prepared, answered once, and lapsed by silence."""

import asyncio
import time
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.policy.steps import (
    GROWTH,
    WAN,
    YEAR,
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
    register,
    reset_clock,
    set_clock,
    state,
    state_of_day,
    try_move,
    until,
)

BATCHES = "/v1/policy/offer-batches"
WAIT_S_MAX = 30


async def try_begin(platform: Any, who: str = "reviewer", **body: Any) -> httpx.Response:
    body = {"programme": GROWTH, "year": YEAR, **body}
    return await platform.client(who).post(BATCHES, json=body, headers=platform.key())


async def begin(platform: Any, **body: Any) -> dict[str, Any]:
    answer = await try_begin(platform, **body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def try_deed(
    platform: Any, batch: dict[str, Any], event: str, who: str = "approver", **body: Any
) -> httpx.Response:
    found = await platform.client("auditor").get(f"{BATCHES}/{batch['id']}")
    body = {"event": event, "version": found.json()["version"], "note": "", **body}
    return await platform.client(who).post(
        f"{BATCHES}/{batch['id']}/events", json=body, headers=platform.key()
    )


async def until_batch(platform: Any, batch: dict[str, Any], holds: Any) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        answer = await platform.client("auditor").get(f"{BATCHES}/{batch['id']}")
        if holds(answer.json()):
            return answer.json()
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.05)


async def prepared(platform: Any, **body: Any) -> dict[str, Any]:
    """Have a batch begun, approved, and prepared to its end."""
    batch = await begin(platform, **body)
    answer = await try_deed(platform, batch, "approve")
    assert answer.status_code == 200, answer.text
    return await until_batch(platform, batch, lambda b: b["state"] == "open")


async def close(platform: Any, batch: dict[str, Any]) -> dict[str, Any]:
    """End a batch that would stand in the way of another test's."""
    answer = await try_deed(platform, batch, "close", note="测试结束")
    assert answer.status_code == 200, answer.text
    return await until_batch(platform, batch, lambda b: b["counts"]["waiting"] == 0)


async def offer_of(platform: Any, batch: dict[str, Any], uscc: str) -> dict[str, Any] | None:
    """Find what became of a firm in a batch, over all pages."""
    cursor = None
    while True:
        params = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        answer = await platform.client("reviewer").get(
            f"{BATCHES}/{batch['id']}/offers", params=params
        )
        assert answer.status_code == 200, answer.text
        for item in answer.json()["items"]:
            if item["uscc"] == uscc:
                return item
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return None


async def test_an_entitled_firm_confirms_once_and_the_case_goes_the_ordinary_way(
    platform: Any,
) -> None:
    uscc = await growing_firm(platform)
    await budget(platform)
    firm = await firm_client(platform, uscc)
    batch = await prepared(platform)
    offer = await offer_of(platform, batch, uscc)
    assert offer is not None
    assert (offer["state"], offer["amount_fen"]) == ("prepared", 30_000_000)

    case = (await firm.get(f"/v1/policy/cases/{offer['case']}")).json()
    assert (case["state"], case["allowed_events"]) == ("draft", ["confirm", "decline"])
    assert case["offer"] == {
        "batch": batch["id"], "state": "prepared", "last_day": batch["window"]["last_day"],
        "provisional": batch["window"]["provisional"],
    }  # fmt: skip
    assert code(await try_move(platform, firm, case, "submit")) == (409, "event-not-allowed")
    assert code(await try_move(platform, platform.client("reviewer"), case, "accept")) == (
        409, "event-not-allowed",
    )  # fmt: skip

    case = await move(platform, firm, case, "confirm")
    assert case["state"] == "accepted"
    again = await try_move(platform, firm, case, "confirm")
    assert code(again) == (409, "event-not-allowed")
    # Comparison, confirmation, award: a person proposes, another decides, finance reserves.
    await move(platform, platform.client("reviewer"), case, "review")
    await move(platform, platform.client("reviewer"), case, "propose")
    await until(platform, case, lambda c: c["reservation"]["state"] == "reserved")
    case = await approve(platform, case)
    assert (case["state"], case["reservation"]["amount_fen"]) == ("awarded", 30_000_000)
    counts = (await close(platform, batch))["counts"]
    assert counts["confirmed"] == 1
    history = (await firm.get(f"/v1/policy/cases/{case['id']}/history")).json()["items"]
    assert [each["event"] for each in history][:3] == ["created", "confirm", "review"]
    assert (history[0]["role"], history[0]["data"]["batch"]) == ("system", batch["id"])


async def test_a_second_confirmation_is_on_record(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    batch = await prepared(platform)
    offer = await offer_of(platform, batch, uscc)
    assert offer is not None
    case = await move(platform, firm, {"id": offer["case"]}, "confirm")
    assert code(await try_move(platform, firm, case, "confirm")) == (409, "event-not-allowed")

    async with platform.service("policy").engine.connect() as connection:
        kept = await connection.scalar(
            text(
                "SELECT detail::jsonb FROM audit_entry WHERE outcome = 'refused'"
                " AND actor = :actor ORDER BY id DESC LIMIT 1"
            ),
            {"actor": f"firm-{uscc.lower()}"},
        )
    assert kept == {"code": "event-not-allowed", "status": 409}
    await close(platform, batch)


async def test_declining_ends_the_case_and_is_not_asked_again(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    batch = await prepared(platform)
    offer = await offer_of(platform, batch, uscc)
    assert offer is not None
    case = await move(platform, firm, {"id": offer["case"]}, "decline", note="不需要")
    assert (case["state"], case["offer"]["state"]) == ("withdrawn", "declined")
    assert code(await try_move(platform, firm, case, "confirm")) == (409, "event-not-allowed")
    await close(platform, batch)

    batch = await prepared(platform)
    offer = await offer_of(platform, batch, uscc)
    assert offer is not None
    assert (offer["state"], offer["reason"]) == ("left-out", "declined-before")
    await close(platform, batch)
    # It may still apply by itself.
    assert (await open_case(platform, firm, uscc))["allowed_events"] == ["submit", "withdraw"]


async def test_who_is_left_out_is_listed_with_the_reason(platform: Any) -> None:
    unknown, declared, applied = fresh_uscc(), fresh_uscc(), await growing_firm(platform)
    refused = await growing_firm(platform, last_wan=200_000)
    await register(platform, unknown)
    for year, wan in ((2024, 200_000), (2025, 260_000)):
        await state(platform, unknown, year, revenue_fen=wan * WAN)
    await state_of_day(platform, unknown, is_digital_manufacturing=True, is_above_scale=True)
    await register(platform, declared)
    own = await firm_client(platform, declared)
    for year, wan in ((2023, 150_000), (2024, 200_000), (2025, 260_000)):
        await own.put(
            f"/v1/enterprise/firms/{declared}/indicators/{year}",
            json={"facts": {"revenue_fen": wan * WAN}, "source": "自行申报"},
        )
    await state_of_day(platform, declared, is_digital_manufacturing=True, is_above_scale=True)
    surveyed = await growing_firm(platform)
    await platform.client("registrar").put(
        f"/v1/enterprise/firms/{surveyed}/indicators/2025",
        json={"facts": {"revenue_fen": 260_000 * WAN}, "source": "规上企业统计报表107-2表"},
    )
    await platform.settle()
    client = await firm_client(platform, applied)
    case = await open_case(platform, client, applied)

    batch = await prepared(platform)
    found = {
        name: await offer_of(platform, batch, uscc)
        for name, uscc in (
            ("unknown", unknown), ("declared", declared), ("applied", applied),
            ("refused", refused), ("surveyed", surveyed),
        )
    }  # fmt: skip
    assert found["refused"] is None
    assert found["unknown"] is not None
    assert found["unknown"]["reason"] == "facts-unknown"
    lack = found["unknown"]["lacks"][0]
    assert (lack["fact"], lack["year"], lack["owner"]) == ("revenue_fen", 2023, "经信局")
    assert found["declared"] is not None
    assert found["declared"]["reason"] == "self-declared"
    assert {each["year"] for each in found["declared"]["lacks"]} == {2023, 2024, 2025}
    assert found["surveyed"] is not None
    assert found["surveyed"]["reason"] == "no-lawful-source"
    assert [each["fact"] for each in found["surveyed"]["lacks"]] == ["revenue_fen"]
    assert found["applied"] is not None
    assert (found["applied"]["reason"], found["applied"]["case"]) == ("case-exists", case["id"])
    counts = batch["counts"]
    assert counts["asked"] >= 5
    assert {"facts-unknown", "self-declared", "no-lawful-source", "case-exists"} <= counts[
        "left_out"
    ].keys()
    left_out = sum(counts["left_out"].values())
    assert counts["asked"] == counts["not_entitled"] + counts["prepared"] + left_out
    only = await platform.client("reviewer").get(
        f"{BATCHES}/{batch['id']}/offers", params={"reason": "case-exists", "limit": 200}
    )
    assert {each["reason"] for each in only.json()["items"]} == {"case-exists"}
    await close(platform, batch)


async def test_silence_grants_nothing(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    batch = await prepared(platform, window={"days": 4, "remind_days": 2, "source": "测试文件"})
    offer = await offer_of(platform, batch, uscc)
    assert offer is not None
    last = batch["window"]["last_day"]
    assert offer["last_day"] == last
    try:
        await set_clock(platform, f"{last}T09:00:00+08:00")
        await until_offer(platform, batch, uscc, lambda o: o["reminded_at"] is not None)
        assert (await firm.get(f"/v1/policy/cases/{offer['case']}")).json()["state"] == "draft"
        await set_clock(platform, f"{next_day(last)}T00:00:01+08:00")
        batch = await until_batch(platform, batch, lambda b: b["counts"]["waiting"] == 0)
        assert batch["state"] == "ended"
        case = (await firm.get(f"/v1/policy/cases/{offer['case']}")).json()
        assert (case["state"], case["offer"]["state"]) == ("withdrawn", "lapsed")
        assert case["reservation"]["state"] == "none"
        late = await try_move(platform, firm, case, "confirm")
        assert code(late) == (409, "event-not-allowed")
        body = case_body(uscc)
        again = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
        assert again.status_code == 201
    finally:
        await reset_clock(platform)


async def until_offer(
    platform: Any, batch: dict[str, Any], uscc: str, holds: Any
) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        offer = await offer_of(platform, batch, uscc)
        assert offer is not None
        if holds(offer):
            return offer
        assert time.monotonic() < deadline, offer
        await asyncio.sleep(0.05)


def next_day(day: str) -> str:
    return str(date.fromisoformat(day) + timedelta(days=1))


async def test_a_batch_needs_the_lead_department_and_another_person(platform: Any) -> None:
    foreign = await try_begin(platform, "reviewer-b")
    assert code(foreign) == (403, "not-your-department")
    both = await client_of(
        platform, "offers-both", roles=["reviewer", "approver"], department="jxj"
    )
    answer = await both.post(
        BATCHES, json={"programme": GROWTH, "year": 2019}, headers=platform.key()
    )
    assert answer.status_code == 201, answer.text
    batch = answer.json()
    deed = {"event": "approve", "version": 1}
    mine = await both.post(f"{BATCHES}/{batch['id']}/events", json=deed, headers=platform.key())
    assert code(mine) == (403, "four-eyes")
    assert code(await try_deed(platform, batch, "approve", "reviewer")) == (403, "role-required")
    assert code(await try_begin(platform, year=2019)) == (409, "batch-exists")
    assert code(await try_deed(platform, batch, "cancel")) == (422, "reason-required")
    ended = await try_deed(platform, batch, "cancel", "reviewer", note="测试结束")
    assert (ended.status_code, ended.json()["state"]) == (200, "cancelled")
    assert code(await try_deed(platform, batch, "approve")) == (409, "event-not-allowed")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"programme": "no-such"}, (422, "programme-unknown")),
        ({"programme": "software-growth"}, (409, "application-needed")),
        ({"year": None}, (422, "year-or-matter")),
        ({"matter": {"kind": "year", "period": "2025"}}, (422, "year-or-matter")),
        ({"year": 2199}, (422, "matter-period")),
        ({"year": 1999}, (422, "invalid")),
        ({"window": {"days": 5}}, (422, "invalid")),
        ({"shape": "round"}, (422, "invalid")),
    ],
)
async def test_what_cannot_be_offered_is_refused(
    platform: Any, body: dict[str, Any], expected: tuple[int, str]
) -> None:
    answer = await try_begin(platform, **body)
    assert code(answer) == expected, answer.text


async def test_the_firms_of_a_batch_are_exported(platform: Any) -> None:
    uscc = await growing_firm(platform)
    batch = await prepared(platform)
    path = f"{BATCHES}/{batch['id']}/offers"
    csv = await platform.client("auditor").get(path, headers={"Accept": "text/csv"})
    assert csv.status_code == 200
    lines = csv.text.lstrip("\ufeff").splitlines()
    assert lines[0].startswith("uscc,name,state,reason,lacks,case,amount_fen")
    assert any(line.startswith(uscc) and ",prepared," in line for line in lines)
    sheet = await platform.client("auditor").get(
        path,
        headers={"Accept": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    )
    assert sheet.content[:2] == b"PK"
    refused = await platform.client("firm").get(path)
    assert refused.status_code == 403
    await close(platform, batch)
