"""A batch pays once: prepared by one treasurer, checked by another, settled or come back."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from services.finance.payouts.models import Payout
from services.kernel.ids import new_id
from tests.conftest import TestPlatform
from tests.finance.steps import (
    award,
    award_view,
    budget,
    end,
    fresh,
    hear,
    held,
    ledger,
    move,
    paid,
    prepare,
    proposal,
    reserve,
    sent,
)


async def awards(platform: TestPlatform, *amounts: int) -> tuple[str, list[Any]]:
    """Have a line of 10,000 fen and awards on it."""
    programme = fresh("programme")
    line = await budget(platform, programme, 10_000)
    return line["id"], [await award(platform, programme, amount) for amount in amounts]


async def test_a_batch_goes_from_preparation_to_payment(platform: TestPlatform) -> None:
    line, two = await awards(platform, 600, 400)
    prepared = (await prepare(platform, *two)).json()
    assert (prepared["state"], prepared["version"], prepared["total_fen"]) == ("prepared", 1, 1_000)
    assert prepared["lines"][0] == {
        "award": str(two[0].id),
        "amount_fen": 600,
        "state": "prepared",
        "reason": None,
    }
    assert prepared["allowed_events"] == ["cancel"], "the author cannot check it"
    path = f"payouts/{prepared['id']}"
    checked = await move(platform, platform.client("treasurer-b"), path, "check", 1)
    assert checked.json()["allowed_events"] == ["cancel", "send"]
    under_way = await move(platform, platform.client("treasurer"), path, "send", 2)
    assert under_way.json()["state"] == "sent"
    assert (await award_view(platform, two[0].id))["state"] == "paying"
    settled = await move(platform, platform.client("treasurer"), path, "settle", 3)
    assert (settled.json()["state"], settled.headers["etag"]) == ("settled", '"4"')
    assert {each["state"] for each in settled.json()["lines"]} == {"settled"}
    assert await held(platform, line) == (9_000, 0, 1_000)
    shown = await award_view(platform, two[0].id)
    assert (shown["state"], shown["paid_fen"], shown["document"]) == (
        "paid",
        600,
        "慈财企〔2026〕12号",
    )


async def test_the_author_cannot_check(platform: TestPlatform) -> None:
    _, one = await awards(platform, 600)
    path = f"payouts/{(await prepare(platform, *one)).json()['id']}"
    refused = await move(platform, platform.client("treasurer"), path, "check", 1)
    assert (refused.status_code, refused.json()["code"]) == (403, "four-eyes")


async def test_the_database_knows_that_two_treasurers_are_needed(platform: TestPlatform) -> None:
    _, one = await awards(platform, 600)
    batch = (await prepare(platform, *one)).json()
    statement = update(Payout).where(Payout.id == batch["id"])
    async with platform.service("finance").sessions() as session:
        with pytest.raises(IntegrityError, match="ck_payout_checked"):
            await session.execute(statement.values(state="sent"))
    async with platform.service("finance").sessions() as session:
        with pytest.raises(IntegrityError, match="ck_payout_four_eyes"):
            await session.execute(statement.values(state="checked", checked_by="treasurer"))


async def test_settling_twice_pays_once(platform: TestPlatform) -> None:
    line, one = await awards(platform, 600)
    batch = await sent(platform, *one)
    body = {"event": "settle", "version": batch["version"]}
    path = f"/v1/finance/payouts/{batch['id']}/events"
    key = platform.key()
    client = platform.client("treasurer")
    first = await client.post(path, json=body, headers=key)
    replay = await client.post(path, json=body, headers=key)
    assert replay.headers["idempotency-replayed"] == "true"
    assert replay.content == first.content
    double = await client.post(path, json=body, headers=platform.key())
    assert double.status_code == 412
    body["version"] = first.json()["version"]
    again = await platform.client("treasurer-b").post(path, json=body, headers=platform.key())
    assert (again.status_code, again.json()["code"]) == (409, "event-not-allowed")
    assert await held(platform, line) == (9_400, 0, 600)


async def test_two_treasurers_settle_at_once_and_it_is_paid_once(platform: TestPlatform) -> None:
    line, one = await awards(platform, 600)
    batch = await sent(platform, *one)
    path = f"payouts/{batch['id']}"
    clients = [platform.client(name) for name in ("treasurer", "treasurer-b")] * 4
    answers = await asyncio.gather(
        *(move(platform, client, path, "settle", batch["version"]) for client in clients)
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert await held(platform, line) == (9_400, 0, 600)


async def test_two_treasurers_prepare_the_same_award_at_once(platform: TestPlatform) -> None:
    _, one = await awards(platform, 600)
    answers = await asyncio.gather(
        *(prepare(platform, *one, client=name) for name in ("treasurer", "treasurer-b") * 3)
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    first = next(answer for answer in answers if answer.status_code == 201).json()
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "already-in-payout"
            assert answer.headers["location"] == f"/v1/finance/payouts/{first['id']}"


async def test_a_paid_award_goes_into_no_other_batch(platform: TestPlatform) -> None:
    _, one = await awards(platform, 600)
    await paid(platform, *one)
    again = await prepare(platform, *one)
    assert (again.status_code, again.json()["code"]) == (409, "already-in-payout")


async def test_only_what_is_awarded_can_be_paid(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000)
    reserved = await reserve(platform, proposal(programme, 600))
    answer = await prepare(platform, reserved)
    assert (answer.status_code, answer.json()["code"]) == (409, "award-not-payable")
    assert "“已预留”" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"awards": []}, "/awards"),
        ({"document": " "}, "/document"),
        ({"document": None}, "/document"),
        ({"awards": ["no-uuid"]}, "/awards/0"),
        ({"amount_fen": 1}, "/?"),
    ],
)
async def test_bad_batches_are_refused_by_field(
    platform: TestPlatform, changes: dict[str, Any], pointer: str
) -> None:
    body = {"awards": [str(new_id())], "document": "文号", **changes}
    answer = await platform.client("treasurer").post(
        "/v1/finance/payouts", json=body, headers=platform.key()
    )
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_an_unknown_or_repeated_award_is_named(platform: TestPlatform) -> None:
    client = platform.client("treasurer")
    for ids, code in (([new_id()], "award-unknown"), ([new_id()] * 2, "award-repeated")):
        body = {"awards": [str(each) for each in ids], "document": "文号"}
        answer = await client.post("/v1/finance/payouts", json=body, headers=platform.key())
        assert answer.status_code == 422
        assert code in [error["code"] for error in answer.json()["errors"]]


async def test_a_returned_line_is_payable_anew_and_paid_once_more(platform: TestPlatform) -> None:
    line, two = await awards(platform, 600, 400)
    batch = await sent(platform, *two)
    path = f"payouts/{batch['id']}"
    answers = {
        str(two[0].id): {"state": "settled"},
        str(two[1].id): {"state": "returned", "reason": "账号有误"},
    }
    client = platform.client("treasurer")
    partly = await move(platform, client, path, "settle", batch["version"], lines=answers)
    assert partly.json()["state"] == "partly-returned"
    assert partly.json()["lines"][1]["reason"] == "账号有误"
    assert partly.json()["allowed_events"] == ["return"]
    shown = await award_view(platform, two[1].id)
    assert (shown["state"], shown["reason_code"]) == ("awarded", "payment-returned")
    assert await held(platform, line) == (9_000, 400, 600)
    await paid(platform, two[1])
    assert await held(platform, line) == (9_000, 0, 1_000)


async def test_the_reason_of_a_reduced_grant_outlives_its_payment(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 10_000)
    first = await award(platform, programme, 200)
    beneficiary = {"kind": first.beneficiary_kind, "id": first.beneficiary_id}
    matter = {"kind": first.matter_kind, "id": first.matter_id}
    topped = await award(platform, programme, 600, beneficiary=beneficiary, matter=matter)
    assert (topped.amount_fen, topped.reason_code) == (400, "reduced-by-other-aid")
    batch = await paid(platform, topped)
    data = {"awards": [str(topped.id)], "reason": "账号有误"}
    await move(
        platform, platform.client("treasurer"), f"payouts/{batch['id']}", "return", 4, **data
    )
    assert (await award_view(platform, topped.id))["reason_code"] == "payment-returned"
    await paid(platform, topped)
    shown = await award_view(platform, topped.id)
    assert (shown["reason_code"], shown["reason"]) == ("reduced-by-other-aid", topped.reason_zh)


async def test_a_settled_line_that_comes_back_is_reversed_in_the_ledger(
    platform: TestPlatform,
) -> None:
    line, one = await awards(platform, 600)
    batch = await paid(platform, *one)
    path = f"payouts/{batch['id']}"
    data = {"awards": [str(one[0].id)], "reason": "账户已销户"}
    back = await move(platform, platform.client("treasurer-b"), path, "return", 4, **data)
    assert back.json()["state"] == "partly-returned"
    assert await held(platform, line) == (9_400, 600, 0)
    await paid(platform, *one)
    transfers = await platform.client("auditor").get(
        "/v1/finance/ledger/transfers", params={"award_id": str(one[0].id)}
    )
    posted = [(each["kind"], each["tranche"]) for each in transfers.json()["items"]]
    assert posted == [("pay", 2), ("return", 1), ("pay", 1), ("reserve", 1)]
    assert await held(platform, line) == (9_400, 0, 600)


async def test_lines_may_be_answered_one_after_the_other(platform: TestPlatform) -> None:
    line, two = await awards(platform, 600, 400)
    batch = await sent(platform, *two)
    path = f"payouts/{batch['id']}"
    client = platform.client("treasurer")
    half = await move(
        platform, client, path, "settle", 3, lines={str(two[0].id): {"state": "settled"}}
    )
    assert half.json()["state"] == "sent"
    twice = await move(
        platform, client, path, "settle", 4, lines={str(two[0].id): {"state": "settled"}}
    )
    assert (twice.status_code, twice.json()["code"]) == (409, "line-not-open")
    foreign = await move(
        platform, client, path, "settle", 4, lines={str(new_id()): {"state": "settled"}}
    )
    assert (foreign.status_code, foreign.json()["code"]) == (422, "line-unknown")
    rest = await move(platform, client, path, "settle", 4)
    assert rest.json()["state"] == "settled"
    assert await held(platform, line) == (9_000, 0, 1_000)


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("return", {"awards": [str(new_id())]}, "return-incomplete"),
        ("return", {"reason": "账号有误"}, "return-incomplete"),
        ("settle", {"awards": [str(new_id())], "reason": "x"}, "data-not-for-event"),
        ("send", {"lines": {str(new_id()): {"state": "settled"}}}, "data-not-for-event"),
        ("settle", {"lines": {str(new_id()): {"state": "returned"}}}, "reason-missing"),
        ("settle", {"lines": {str(new_id()): {"state": "lost"}}}, "literal-error"),
        ("explode", {}, "enum"),
    ],
)
async def test_an_event_comes_with_its_own_data(
    platform: TestPlatform, event: str, data: dict, code: str
) -> None:
    client = platform.client("treasurer")
    answer = await move(platform, client, f"payouts/{new_id()}", event, 1, **data)
    assert answer.status_code == 422
    assert code in [error["code"] for error in answer.json()["errors"]]


async def test_a_cancelled_batch_frees_its_awards(platform: TestPlatform) -> None:
    line, one = await awards(platform, 600)
    path = f"payouts/{(await prepare(platform, *one)).json()['id']}"
    cancelled = await move(platform, platform.client("treasurer"), path, "cancel", 1)
    assert (cancelled.json()["state"], cancelled.json()["allowed_events"]) == ("cancelled", [])
    await paid(platform, *one)
    assert await held(platform, line) == (9_400, 0, 600)


async def test_a_revoked_case_leaves_a_batch_that_is_not_sent(platform: TestPlatform) -> None:
    line, two = await awards(platform, 600, 400)
    batch = (await prepare(platform, *two)).json()
    await hear(platform, end(two[0].case_id, "revoked"))
    shown = (await platform.client("auditor").get(f"/v1/finance/payouts/{batch['id']}")).json()
    assert [each["state"] for each in shown["lines"]] == ["cancelled", "prepared"]
    assert (shown["version"], shown["total_fen"]) == (2, 400)
    assert await held(platform, line) == (9_600, 400, 0)
    await hear(platform, end(two[1].case_id, "revoked"))
    shown = (await platform.client("auditor").get(f"/v1/finance/payouts/{batch['id']}")).json()
    assert shown["state"] == "cancelled"
    assert await held(platform, line) == (10_000, 0, 0)


async def test_a_case_revoked_at_the_treasury_is_held_until_its_outcome_is_stated(
    platform: TestPlatform,
) -> None:
    line, two = await awards(platform, 600, 400)
    batch = await sent(platform, *two)
    for each in two:
        await hear(platform, end(each.case_id, "revoked"))
    path = f"payouts/{batch['id']}"
    client = platform.client("treasurer")
    stale = await move(platform, client, path, "settle", batch["version"])
    assert stale.status_code == 412
    version = batch["version"] + 2
    whole = await move(platform, client, path, "settle", version)
    assert (whole.status_code, whole.json()["code"]) == (409, "lines-held")
    answers = {
        str(two[0].id): {"state": "settled"},
        str(two[1].id): {"state": "returned", "reason": "已止付"},
    }
    await move(platform, client, path, "settle", version, lines=answers)
    gone = await award_view(platform, two[0].id)
    assert (gone["state"], gone["recovery_due_fen"]) == ("paid", 600)
    assert (await award_view(platform, two[1].id))["state"] == "voided"
    assert await held(platform, line) == (9_400, 0, 600)


@pytest.mark.parametrize(
    ("client", "status"),
    [("firm", 403), ("bank", 403), ("institution", 403), ("approver", 403), ("registrar", 403),
     ("admin", 403), ("steward", 403), ("public", 401), ("auditor", 200), ("reviewer", 200)],
)  # fmt: skip
async def test_batches_are_for_those_who_handle_them(
    platform: TestPlatform, client: str, status: int
) -> None:
    assert (await platform.client(client).get("/v1/finance/payouts")).status_code == status


async def test_an_auditor_changes_nothing(platform: TestPlatform) -> None:
    _, one = await awards(platform, 600)
    assert (await prepare(platform, *one, client="auditor")).status_code == 403
    batch = (await prepare(platform, *one)).json()
    path = f"payouts/{batch['id']}"
    assert (await move(platform, platform.client("auditor"), path, "check", 1)).status_code == 403
    shown = (await platform.client("auditor").get(f"/v1/finance/{path}")).json()
    assert shown["allowed_events"] == []


async def test_the_ledger_adds_up(platform: TestPlatform) -> None:
    found = await ledger(platform)
    assert (found["sum_fen"], found["breaches"]) == (0, [])
