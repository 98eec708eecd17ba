"""A call's budget: what its cases ask and hold stays within it, and what is unknown is told."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from services.policy.cases.models import Case
from services.policy.cases.rules import ReservationState
from services.rulebook.reasons import yuan
from tests.policy.desk_steps import batch, copies, item
from tests.policy.panel_steps import known
from tests.policy.review_steps import case_now, end_calls
from tests.policy.steps import code, move, try_move, until
from tests.policy.test_call_places import in_review, propose, ranked_both_within
from tests.policy.test_calls import GROWTH, published

pytestmark = pytest.mark.usefixtures("calls_end")


@pytest.fixture
async def amount(platform: Any, today: date) -> int:
    """Tell what the rule gives to a firm of these tests."""
    call = await published(platform, today)
    _, case = await in_review(platform, call)
    await end_calls(platform, GROWTH)
    return case["assessment"]["amount_fen"]


async def altered(platform: Any, case: dict[str, Any], **changes: Any) -> None:
    async with platform.service("policy").sessions() as session, session.begin():
        row = await session.get_one(Case, UUID(case["id"]))
        for name, value in changes.items():
            setattr(row, name, value)


async def test_what_a_call_has_is_proposed_to_the_last_fen_and_no_further(
    platform: Any, today: date, amount: int
) -> None:
    call = await published(platform, today, budget_fen=2 * amount)
    firm, first = await in_review(platform, call)
    _, second = await in_review(platform, call)
    _, third = await in_review(platform, call)
    for each in (first, second):
        assert (await propose(platform, each["id"])).status_code == 200
    refused = await propose(platform, third["id"])

    assert code(refused) == (409, "call-budget-exceeded")
    told = refused.json()["detail"]
    assert f"预算{yuan(2 * amount)}元" in told
    assert f"已提请和已核定{yuan(2 * amount)}元，尚余0元，本件{yuan(amount)}元" in told
    assert (await case_now(platform, third))["state"] == "in-review"
    # To be refused a case asks for nothing; what a withdrawal lets go is there again.
    await until(platform, first, lambda c: c["reservation"]["state"] == "reserved")
    await move(platform, firm, first, "withdraw")
    assert (await propose(platform, third["id"])).status_code == 200


async def test_a_fen_short_is_refused_and_a_refusal_is_still_proposed(
    platform: Any, today: date, amount: int
) -> None:
    call = await published(platform, today, budget_fen=2 * amount - 1)
    _, first = await in_review(platform, call)
    _, second = await in_review(platform, call)
    assert (await propose(platform, first["id"])).status_code == 200
    refused = await propose(platform, second["id"])

    assert code(refused) == (409, "call-budget-exceeded")
    assert f"尚余{yuan(amount - 1)}元" in refused.json()["detail"]
    reviewer = platform.client("reviewer")
    moved = await move(platform, reviewer, second, "propose", data={"outcome": "refuse"})
    assert moved["state"] == "proposed"


async def test_what_finance_holds_counts_for_what_was_asked(
    platform: Any, today: date, amount: int
) -> None:
    call = await published(platform, today, budget_fen=2 * amount - 1)
    _, first = await in_review(platform, call)
    _, second = await in_review(platform, call)
    assert (await propose(platform, first["id"])).status_code == 200
    await until(platform, first, lambda c: c["reservation"]["state"] == "reserved")
    await altered(platform, first, reservation_amount_fen=amount - 1)

    assert (await propose(platform, second["id"])).status_code == 200


async def test_an_amount_that_nobody_kept_is_told_and_not_taken_for_zero(
    platform: Any, today: date, amount: int
) -> None:
    call = await published(platform, today, budget_fen=100 * amount)
    _, case = await in_review(platform, call)
    (pending,) = await copies(
        platform, case, 1, reservation_state=ReservationState.PENDING, state="proposed",
        proposed_outcome="approve", reviewed_by="earlier",
    )  # fmt: skip
    refused = await propose(platform, case["id"])

    assert code(refused) == (409, "call-budget-unknown")
    assert "1件" in refused.json()["detail"]
    await altered(platform, {"id": pending}, asked_amount_fen=amount)
    assert (await propose(platform, case["id"])).status_code == 200


async def test_two_at_once_do_not_spend_the_same_money(
    platform: Any, today: date, amount: int
) -> None:
    call = await published(platform, today, budget_fen=amount)
    _, first = await in_review(platform, call)
    _, second = await in_review(platform, call)
    rival = await known(platform, "budget-rival", roles=["reviewer"], department="jxj")
    answers = await asyncio.gather(*(
        try_move(platform, who, case, "propose", version=case["version"])
        for who, case in ((platform.client("reviewer"), first), (rival, second))
    ))  # fmt: skip

    assert sorted(each.status_code for each in answers) == [200, 409]
    refused = next(each for each in answers if each.status_code == 409)
    assert refused.json()["code"] == "call-budget-exceeded"


async def test_a_batch_spends_no_more_than_there_is(
    platform: Any, today: date, amount: int
) -> None:
    call = await published(platform, today, budget_fen=2 * amount)
    cases = [(await in_review(platform, call))[1] for _ in range(3)]
    done = await batch(
        platform, platform.client("reviewer"), "propose", [item(each) for each in cases]
    )

    assert (done["result"]["moved"], done["result"]["refused"]) == (2, 1)
    told = [each["problem"]["code"] for each in done["result"]["items"] if not each["moved"]]
    assert told == ["call-budget-exceeded"]


async def test_a_batch_gives_no_more_places_than_there_are(platform: Any, today: date) -> None:
    call = await published(platform, today, quota=1)
    _, case = await in_review(platform, call)
    cases = await copies(platform, case, 2)
    await ranked_both_within(platform, call, cases)
    items = [item({"id": each, "version": case["version"]}) for each in cases]
    done = await batch(platform, platform.client("reviewer"), "propose", items)

    assert done["result"]["moved"] == 1
    told = [each["problem"]["code"] for each in done["result"]["items"] if not each["moved"]]
    assert told == ["places-taken"]
