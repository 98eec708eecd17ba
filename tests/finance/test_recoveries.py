"""Money is asked back by two treasurers, and never more than was paid."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from services.finance.awards.models import Recovery
from tests.conftest import TestPlatform
from tests.finance.steps import (
    award,
    award_view,
    budget,
    end,
    fresh,
    hear,
    held,
    move,
    paid,
    proposal,
    reserve,
)

DOCUMENT = "慈财追〔2026〕3号"


async def paid_award(platform: TestPlatform, amount_fen: int = 600) -> tuple[str, Any, str, int]:
    """Have an award paid; give its line, itself, its path and its version."""
    programme = fresh("programme")
    line = await budget(platform, programme, 10_000)
    one = await award(platform, programme, amount_fen)
    await paid(platform, one)
    return line["id"], one, f"awards/{one.id}", 4


async def test_a_whole_recovery_reverses_the_payment(platform: TestPlatform) -> None:
    line, one, path, version = await paid_award(platform)
    author, second = platform.client("treasurer"), platform.client("treasurer-b")
    prepared = await move(platform, author, path, "recover", version, document=DOCUMENT)
    assert (prepared.status_code, prepared.json()["state"]) == (200, "paid")
    assert prepared.json()["allowed_events"] == ["cancel-recovery"]
    assert await held(platform, line) == (9_400, 0, 600)
    alone = await move(platform, author, path, "confirm-recovery", version + 1)
    assert (alone.status_code, alone.json()["code"]) == (403, "four-eyes")
    confirmed = await move(platform, second, path, "confirm-recovery", version + 1)
    assert (confirmed.json()["state"], confirmed.json()["recovered_fen"]) == ("recovered", 600)
    assert confirmed.json()["recoveries"][0]["state"] == "confirmed"
    assert await held(platform, line) == (10_000, 0, 0)
    again = await move(platform, author, path, "recover", version + 2, document=DOCUMENT)
    assert (again.status_code, again.json()["code"]) == (409, "event-not-allowed")
    assert (await award_view(platform, one.id))["state"] == "recovered"


async def test_parts_are_recovered_up_to_what_was_paid(platform: TestPlatform) -> None:
    line, _, path, version = await paid_award(platform)
    author, second = platform.client("treasurer"), platform.client("treasurer-b")
    data = {"amount_fen": 250, "document": DOCUMENT}
    await move(platform, author, path, "recover", version, **data)
    part = await move(platform, second, path, "confirm-recovery", version + 1)
    assert (part.json()["state"], part.json()["recovered_fen"]) == ("paid", 250)
    data["amount_fen"] = 351
    beyond = await move(platform, author, path, "recover", version + 2, **data)
    assert (beyond.status_code, beyond.json()["code"]) == (422, "recovery-exceeds-paid")
    await move(platform, second, path, "recover", version + 2, document=DOCUMENT)
    whole = await move(platform, author, path, "confirm-recovery", version + 3)
    assert (whole.json()["state"], whole.json()["recovered_fen"]) == ("recovered", 600)
    assert await held(platform, line) == (10_000, 0, 0)


async def test_a_recovery_is_confirmed_once(platform: TestPlatform) -> None:
    line, _, path, version = await paid_award(platform)
    await move(platform, platform.client("treasurer"), path, "recover", version, document=DOCUMENT)
    second = platform.client("treasurer-b")
    answers = await asyncio.gather(
        *(move(platform, second, path, "confirm-recovery", version + 1) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    assert await held(platform, line) == (10_000, 0, 0)


async def test_a_cancelled_recovery_moves_nothing(platform: TestPlatform) -> None:
    line, _, path, version = await paid_award(platform)
    client = platform.client("treasurer")
    await move(platform, client, path, "recover", version, document=DOCUMENT)
    twice = await move(platform, client, path, "recover", version + 1, document=DOCUMENT)
    assert (twice.status_code, twice.json()["code"]) == (409, "event-not-allowed")
    cancelled = await move(platform, client, path, "cancel-recovery", version + 1)
    assert cancelled.json()["allowed_events"] == ["recover"]
    assert await held(platform, line) == (9_400, 0, 600)


async def test_a_recovery_names_its_document(platform: TestPlatform) -> None:
    _, _, path, version = await paid_award(platform)
    answer = await move(platform, platform.client("treasurer"), path, "recover", version)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/data/document"


async def test_a_revoked_paid_award_is_due_back_and_asked_back_in_full(
    platform: TestPlatform,
) -> None:
    _, one, path, version = await paid_award(platform)
    await hear(platform, end(one.case_id, "revoked"))
    due = await award_view(platform, one.id)
    assert (due["state"], due["recovery_due_fen"]) == ("paid", 600)
    assert due["reason_code"] == "case-revoked"
    await move(
        platform, platform.client("treasurer"), path, "recover", version + 1, document=DOCUMENT
    )
    done = await move(
        platform, platform.client("treasurer-b"), path, "confirm-recovery", version + 2
    )
    assert (done.json()["state"], done.json()["recovery_due_fen"]) == ("recovered", 0)


async def test_what_was_recovered_counts_as_aid_no_more(platform: TestPlatform) -> None:
    _, one, path, version = await paid_award(platform)
    rival = {
        "beneficiary": {"kind": one.beneficiary_kind, "id": one.beneficiary_id},
        "matter": {"kind": one.matter_kind, "id": one.matter_id},
    }
    author, second = platform.client("treasurer"), platform.client("treasurer-b")
    covered = await reserve(platform, proposal(one.programme, 600, **rival))
    assert covered.reason_code == "covered-by-other-aid"
    data = {"amount_fen": 200, "document": DOCUMENT}
    await move(platform, author, path, "recover", version, **data)
    await move(platform, second, path, "confirm-recovery", version + 1)
    partly = await reserve(platform, proposal(one.programme, 600, **rival))
    assert (partly.state, partly.amount_fen) == ("reserved", 200)


async def test_a_partly_recovered_payment_cannot_come_back_as_returned(
    platform: TestPlatform,
) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 10_000)
    one = await award(platform, programme, 600)
    batch = await paid(platform, one)
    path = f"awards/{one.id}"
    data = {"amount_fen": 1, "document": DOCUMENT}
    await move(platform, platform.client("treasurer"), path, "recover", 4, **data)
    await move(platform, platform.client("treasurer-b"), path, "confirm-recovery", 5)
    back = await move(
        platform,
        platform.client("treasurer"),
        f"payouts/{batch['id']}",
        "return",
        batch["version"],
        awards=[str(one.id)],
        reason="账号有误",
    )
    assert (back.status_code, back.json()["code"]) == (409, "recovery-begun")


async def test_a_payment_that_comes_back_cancels_the_recovery_that_waits(
    platform: TestPlatform,
) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 10_000)
    one = await award(platform, programme, 600)
    batch = await paid(platform, one)
    path, data = f"awards/{one.id}", {"awards": [str(one.id)], "reason": "账号有误"}
    author, second = platform.client("treasurer"), platform.client("treasurer-b")
    await move(platform, author, path, "recover", 4, document=DOCUMENT)
    await move(platform, author, f"payouts/{batch['id']}", "return", batch["version"], **data)
    shown = await award_view(platform, one.id)
    assert (shown["state"], shown["recoveries"][0]["state"]) == ("awarded", "cancelled")
    late = await move(platform, second, path, "confirm-recovery", shown["version"])
    assert (late.status_code, late.json()["code"]) == (409, "event-not-allowed")
    assert await held(platform, line["id"]) == (9_400, 600, 0)


async def test_only_what_is_paid_is_recovered(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 10_000)
    one = await award(platform, programme, 600)
    client = platform.client("treasurer")
    answer = await move(platform, client, f"awards/{one.id}", "recover", 2, document=DOCUMENT)
    assert (answer.status_code, answer.json()["code"]) == (409, "event-not-allowed")


@pytest.mark.parametrize("client", ["firm", "approver", "auditor", "reviewer", "institution"])
async def test_only_a_treasurer_asks_money_back(platform: TestPlatform, client: str) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 10_000)
    one = await award(platform, programme, 600)
    path = f"awards/{one.id}"
    answer = await move(platform, platform.client(client), path, "recover", 2, document=DOCUMENT)
    assert answer.status_code == 403


async def test_the_database_knows_that_two_treasurers_are_needed(platform: TestPlatform) -> None:
    _, one, path, version = await paid_award(platform)
    await move(platform, platform.client("treasurer"), path, "recover", version, document=DOCUMENT)
    async with platform.service("finance").sessions() as session:
        with pytest.raises(IntegrityError, match="ck_recovery_four_eyes"):
            await session.execute(
                update(Recovery)
                .where(Recovery.award_id == one.id)
                .values(state="confirmed", confirmed_by="treasurer")
            )
