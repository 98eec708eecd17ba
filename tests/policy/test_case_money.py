"""What becomes of a case after its money was paid: returned, recovered, revoked; and own words."""

import asyncio
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from services.kernel.ids import new_id
from tests.finance import steps as finance
from tests.policy.steps import (
    approve,
    budget,
    case_body,
    code,
    firm_client,
    fresh_uscc,
    growing_firm,
    move,
    open_case,
    propose,
    register,
    state,
    try_move,
    until,
    walk_to_review,
)

DOCUMENT = "慈财追〔2026〕3号"


async def awarded(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient, str]:
    """Have a case awarded; give it with its firm's client and code."""
    await budget(platform)
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await propose(platform, firm, await open_case(platform, firm, uscc))
    return await approve(platform, case), firm, uscc


async def award_of(platform: Any, case: dict[str, Any]) -> Any:
    found = await platform.client("treasurer").get(f"/v1/finance/awards?case_id={case['id']}")
    (award,) = found.json()["items"]
    return SimpleNamespace(**{**award, "id": UUID(award["id"])})


async def events(platform: Any, case: dict[str, Any]) -> list[str]:
    found = await platform.client("auditor").get(f"/v1/policy/cases/{case['id']}/history")
    return [entry["event"] for entry in found.json()["items"]]


async def recover(platform: Any, award: Any) -> None:
    path = f"awards/{award.id}"
    for client, event, data in (
        ("treasurer", "recover", {"document": DOCUMENT}),
        ("treasurer-b", "confirm-recovery", {}),
    ):
        version = (await award_view(platform, award))["version"]
        answer = await finance.move(platform, platform.client(client), path, event, version, **data)
        assert answer.status_code == 200, answer.text


async def award_view(platform: Any, award: Any) -> dict[str, Any]:
    return (await platform.client("treasurer").get(f"/v1/finance/awards/{award.id}")).json()


async def test_a_recovery_leaves_the_case_closed_and_is_recorded(platform: Any) -> None:
    case, _, _ = await awarded(platform)
    award = await award_of(platform, case)
    await finance.paid(platform, award)
    closed = await until(platform, case, lambda c: c["state"] == "closed")

    await recover(platform, award)
    after = await until(platform, case, lambda c: c["version"] > closed["version"])

    assert after["state"] == "closed"
    assert after["reservation"] == closed["reservation"]
    assert (await events(platform, case))[-1] == "recovered"


async def test_a_returned_payment_opens_the_case_again(platform: Any) -> None:
    case, firm, uscc = await awarded(platform)
    award = await award_of(platform, case)
    batch = await finance.paid(platform, award)
    await until(platform, case, lambda c: c["state"] == "closed")
    # What was begun since does not keep the money from coming back.
    other = await open_case(platform, firm, uscc)

    data = {"awards": [str(award.id)], "reason": "账号有误"}
    back = await finance.move(
        platform, platform.client("treasurer"), f"payouts/{batch['id']}", "return",
        batch["version"], **data,
    )  # fmt: skip
    assert back.status_code == 200, back.text
    await until(platform, case, lambda c: c["state"] == "awarded")
    assert (await events(platform, case))[-1] == "payment-returned"
    await move(platform, firm, other, "withdraw")
    again = await firm.post("/v1/policy/cases", json=case_body(uscc), headers=platform.key())
    assert code(again) == (409, "case-exists")
    assert again.headers["location"].endswith(case["id"])

    await finance.paid(platform, award)
    await until(platform, case, lambda c: c["state"] == "closed")
    assert (await events(platform, case))[-3:] == ["paid", "payment-returned", "paid"]


async def test_a_treasurer_sees_what_was_awarded_and_revoked(platform: Any) -> None:
    case, _, _ = await awarded(platform)
    await move(platform, platform.client("approver"), case, "revoke", note="申报材料不实")

    seen = await platform.client("treasurer").get(f"/v1/policy/cases/{case['id']}")
    assert (seen.status_code, seen.json()["state"]) == (200, "revoked")


async def test_nothing_is_refused_while_finance_is_answering(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await walk_to_review(platform, firm, await open_case(platform, firm, uscc))
    async with platform.service("policy").sessions() as session:
        await session.execute(
            text("UPDATE policy_case SET reservation_state = 'pending', state = 'proposed',"
                 " reviewed_by = 'somebody', proposed_outcome = 'approve', attempt = 1"
                 " WHERE id = :id"),
            {"id": UUID(case["id"])},
        )  # fmt: skip
        await session.commit()
    approver = platform.client("approver")
    answer = await try_move(platform, approver, case, "decide", data={"outcome": "refuse"})
    assert code(answer) == (409, "reservation-pending")
    assert int(answer.headers["retry-after"]) >= 1


async def test_events_without_a_transition_are_known(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    for event in ("object", "confirm", "decline"):
        assert code(await try_move(platform, firm, case, event)) == (409, "event-not-allowed")
        reviewer = platform.client("reviewer")
        assert code(await try_move(platform, reviewer, case, event)) == (403, "role-required")


async def test_waiting_for_a_statement_holds_nobody_up(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    case = await open_case(platform, firm, uscc)
    body = {"event": "submit", "version": case["version"], "note": "", "data": {}}
    path = f"/v1/policy/cases/{case['id']}/events"
    waiting = asyncio.create_task(
        firm.post(path, json=body, headers=platform.key(), params={"after": str(new_id())})
    )
    await asyncio.sleep(0.3)
    moved = await firm.post(path, json=body, headers=platform.key())
    assert (moved.status_code, waiting.done()) == (200, False)
    late = await waiting
    assert code(late) == (503, "facts-not-heard-yet")


async def test_spellings_of_firm_and_year_are_one(platform: Any) -> None:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    wide = "".join(chr(ord(each) + 0xFEE0) for each in f"{uscc[:9]}")
    spelled = f" {wide}\u3000{uscc[9:].lower()} "
    body = {**case_body(spelled), "matter": {"kind": "year", "period": " ２０２５"}}
    opened = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
    assert opened.status_code == 201, opened.text
    assert opened.json()["applicant"]["id"] == uscc
    assert opened.json()["matter"] == {"kind": "year", "id": None, "period": "2025"}

    body["matter"] = {"kind": "year", "period": "2025年"}
    wrong = await firm.post("/v1/policy/cases", json=body, headers=platform.key())
    assert wrong.status_code == 422
    path = f"/v1/policy/firms/{wide}%20{uscc[9:]}/entitlements"
    assert (await firm.get(path)).json()["uscc"] == uscc
    assert (await firm.get(path, params={"on": "20261123"})).status_code == 422


async def test_what_rests_on_the_firms_own_word_is_flagged(platform: Any) -> None:
    uscc = fresh_uscc()
    await register(platform, uscc)
    for year in (2023, 2024):
        await state(platform, uscc, year, revenue_fen=10_000_000_000)
    firm = await firm_client(platform, uscc)
    own = await firm.put(
        f"/v1/enterprise/firms/{uscc}/indicators/2025",
        json={"facts": {"revenue_fen": 12_000_000_000}, "source": "企业自报"},
    )
    assert own.status_code == 200, own.text
    await platform.settle()

    case = await open_case(platform, firm, uscc)
    assert case["situation"]["declared"] == ["revenue_fen:2025"]
    assert "self-declared" in case["assessment"]["flags"]
    found = (await firm.get(f"/v1/policy/firms/{uscc}/entitlements")).json()["programmes"]
    flagged = {each["programme"] for each in found if "self-declared" in each["flags"]}
    assert "digital-growth" in flagged

    await walk_to_review(platform, firm, case)
    refuse = {"outcome": "refuse"}
    await move(platform, platform.client("reviewer"), case, "propose", data=refuse)
    replay = (await firm.get(f"/v1/policy/cases/{case['id']}/replay")).json()
    assert replay["same"] is True
    assert "self-declared" in replay["recomputed"]["flags"]

    await state(platform, uscc, 2025, revenue_fen=12_000_000_000)
    await platform.settle()
    found = (await firm.get(f"/v1/policy/firms/{uscc}/entitlements")).json()["programmes"]
    assert not [each for each in found if "self-declared" in each["flags"]]
