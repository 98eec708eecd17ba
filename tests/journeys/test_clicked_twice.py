"""Impatience pays nobody twice: every step of a case is clicked three times, and again later."""

import asyncio
from typing import Any

import httpx

from services.kernel.ids import new_id
from tests.journeys.steps import City, case_of, deed

CLICKS = 3
AMOUNT_FEN = 245 * 50_000


async def click(client: httpx.AsyncClient, path: str, body: Any) -> Any:
    """Send one intent three times at once and once more: one effect, one answer."""
    key = {"Idempotency-Key": str(new_id())}
    answers = await asyncio.gather(
        *(client.post(path, json=body, headers=key) for _ in range(CLICKS))
    )
    done = [answer for answer in answers if answer.is_success]
    assert done, [answer.text for answer in answers]
    for answer in answers:
        if not answer.is_success:
            assert (answer.status_code, answer.json()["code"]) == (409, "idempotency-in-flight")
            assert answer.headers["retry-after"]
    again = await client.post(path, json=body, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert {answer.content for answer in done} == {again.content}
    assert {answer.status_code for answer in done} == {again.status_code}

    other = await client.post(path, json={**body, "note": "另一内容"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    none = await client.post(path, json=body)
    assert (none.status_code, none.json()["code"]) == (400, "idempotency-key-missing")
    return again.json()


async def test_every_step_clicked_thrice_pays_once(city: City) -> None:
    platform = city.platform
    uscc = await city.growing_firm()
    firm = await city.firm_client(uscc)
    await city.budget()

    case = await click(firm, "/v1/policy/cases", case_of(uscc, city.year))
    path = f"/v1/policy/cases/{case['id']}/events"
    reviewer = platform.client("reviewer")
    for client, event in (
        (firm, "submit"), (reviewer, "accept"), (reviewer, "review"), (reviewer, "propose"),
    ):  # fmt: skip
        case = await click(client, path, deed(event, case["version"]))
    case = await city.until(case["id"], lambda c: c["reservation"]["state"] == "reserved")
    decide = deed("decide", case["version"], outcome="approve")
    await click(platform.client("approver"), path, decide)
    await city.until(case["id"], lambda c: c["state"] == "awarded")

    award = await _award(city, case["id"])
    treasurer, second = platform.client("treasurer"), platform.client("treasurer-b")
    body = {"awards": [award["id"]], "document": "慈测拨〔2026〕11号"}
    payout = await click(treasurer, "/v1/finance/payouts", body)
    path = f"/v1/finance/payouts/{payout['id']}/events"
    for client, event in ((second, "check"), (treasurer, "send"), (treasurer, "settle")):
        payout = await click(client, path, deed(event, payout["version"]))

    await _require_paid_once(city, case["id"], award["id"])
    history = (await city.get("auditor", f"/v1/policy/cases/{case['id']}/history"))["items"]
    events = [each["event"] for each in history]
    assert len(events) == len(set(events))


async def test_two_treasurers_who_hurry_pay_once(city: City) -> None:
    uscc = await city.growing_firm()
    firm = await city.firm_client(uscc)
    await city.budget()
    case = good_case = await _awarded(city, firm, uscc)
    award = await _award(city, good_case["id"])
    treasurers = [city.platform.client(name) for name in ("treasurer", "treasurer-b")]
    body = {"awards": [award["id"]], "document": "慈测拨〔2026〕12号"}

    async def pay(client: httpx.AsyncClient, other: httpx.AsyncClient) -> str | None:
        """Prepare a batch, have it checked, send and settle it, each under a key of its own."""
        prepared = await client.post("/v1/finance/payouts", json=body, headers=city.platform.key())
        if prepared.status_code != 201:
            assert (prepared.status_code, prepared.json()["code"]) == (409, "already-in-payout")
            return None
        path = f"/v1/finance/payouts/{prepared.json()['id']}/events"
        version = 1
        for who, event in ((other, "check"), (client, "send"), (client, "settle")):
            answers = await asyncio.gather(
                *(
                    who.post(path, json=deed(event, version), headers=city.platform.key())
                    for _ in range(CLICKS)
                )
            )
            assert sorted(answer.status_code for answer in answers) == [200, 412, 412]
            version += 1
        return prepared.json()["id"]

    first, second = treasurers
    batches = await asyncio.gather(pay(first, second), pay(second, first))
    assert len([batch for batch in batches if batch]) == 1
    await _require_paid_once(city, case["id"], award["id"])


async def _awarded(city: City, firm: httpx.AsyncClient, uscc: str) -> dict[str, Any]:
    platform = city.platform
    opened = await firm.post(
        "/v1/policy/cases", json=case_of(uscc, city.year), headers=platform.key()
    )
    case = opened.json()
    path = f"/v1/policy/cases/{case['id']}/events"
    await firm.post(path, json=deed("submit", 1), headers=platform.key())
    for version, event in enumerate(("accept", "review", "propose"), 2):
        await city.post("reviewer", path, deed(event, version))
    case = await city.until(case["id"], lambda c: c["reservation"]["state"] == "reserved")
    await city.post("approver", path, deed("decide", case["version"], outcome="approve"))
    return await city.until(case["id"], lambda c: c["state"] == "awarded")


async def _award(city: City, case: str) -> dict[str, Any]:
    (award,) = (await city.get("treasurer", "/v1/finance/awards", case_id=case))["items"]
    return award


async def _require_paid_once(city: City, case: str, award: str) -> None:
    """Find one payment of the whole amount in the ledger, and the books in order."""
    await city.until(case, lambda found: found["state"] == "closed")
    paid = await city.get("auditor", f"/v1/finance/awards/{award}")
    assert (paid["state"], paid["paid_fen"]) == ("paid", AMOUNT_FEN)
    moved = (await city.get("auditor", "/v1/finance/ledger/transfers", award_id=award))["items"]
    assert sorted((each["kind"], each["amount_fen"]) for each in moved) == [
        ("pay", AMOUNT_FEN), ("reserve", AMOUNT_FEN),
    ]  # fmt: skip
    books = await city.get("auditor", "/v1/finance/ledger/check")
    assert (books["sum_fen"], books["breaches"]) == (0, [])
