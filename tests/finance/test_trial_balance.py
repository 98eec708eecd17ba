"""At the end of any day the ledger adds up to nothing; an account shows how it came to stand."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.finance.ledger.models import Transfer
from services.kernel.ids import new_id
from tests.conftest import TestPlatform
from tests.finance.steps import TODAY, budget, fresh, proposal, reserve

LEDGER = "/v1/finance/ledger"


async def read(platform: TestPlatform, path: str, **query: Any) -> dict[str, Any]:
    answer = await platform.client("auditor").get(f"{LEDGER}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def line_with_a_reservation(platform: TestPlatform) -> str:
    """Have a line of 1,000 fen appropriated today, of which 100 were reserved on TODAY."""
    programme = fresh("programme")
    line = await budget(platform, programme, 1_000)
    await reserve(platform, proposal(programme, 100))
    return line["id"]


def of_line(balance: dict[str, Any], budget_id: str) -> tuple[int, ...] | None:
    for line in balance["lines"]:
        if line["budget_id"] == budget_id:
            return tuple(
                line[f"{kind}_fen"] for kind in ("appropriation", "available", "reserved", "paid")
            )
    return None


async def test_the_trial_balance_shows_every_line_and_adds_up_to_nothing(
    platform: TestPlatform,
) -> None:
    budget_id = await line_with_a_reservation(platform)
    found = await read(platform, "trial-balance")
    assert of_line(found, budget_id) == (-1_000, 900, 100, 0)
    assert found["sum_fen"] == sum(found["totals"].values()) == 0
    for kind, total in found["totals"].items():
        assert total == sum(line[kind] for line in found["lines"])
    # Other tests may have posted on days to come, by a clock that was moved ahead.
    by_then = Transfer.business_day <= date.fromisoformat(found["on"])
    async with platform.service("finance").sessions() as session:
        posted = await session.scalar(select(func.count()).where(by_then))
    assert found["transfers"] == posted


async def test_it_is_as_of_the_end_of_the_day_that_is_asked_for(platform: TestPlatform) -> None:
    budget_id = await line_with_a_reservation(platform)
    before = await read(platform, "trial-balance", on=str(TODAY - timedelta(days=1)))
    assert of_line(before, budget_id) is None
    today = date.fromisoformat((await read(platform, "trial-balance"))["on"])
    day = today - timedelta(days=40)
    while day <= today:
        found = await read(platform, "trial-balance", on=str(day))
        assert (found["on"], found["sum_fen"]) == (str(day), 0)
        day += timedelta(days=1)


async def test_a_year_has_its_lines_only(platform: TestPlatform) -> None:
    budget_id = await line_with_a_reservation(platform)
    this, other = [await read(platform, "trial-balance", year=year) for year in (2026, 1999)]
    assert of_line(this, budget_id) is not None
    assert {line["year"] for line in this["lines"]} == {2026}
    assert (other["lines"], other["sum_fen"], other["transfers"]) == ([], 0, 0)


async def test_of_a_day_to_come_nothing_is_known(platform: TestPlatform) -> None:
    answer = await platform.client("auditor").get(
        f"{LEDGER}/trial-balance", params={"on": "2999-01-01"}
    )
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["pointer"], error["code"]) == (422, "/on", "day-in-future")


async def test_a_statement_gives_the_balance_after_each_transfer(platform: TestPlatform) -> None:
    budget_id = await line_with_a_reservation(platform)
    entries = (await read(platform, f"statements/{budget_id}"))["items"]
    told = [(each["kind"], each["amount_fen"], each["balance_fen"]) for each in entries]
    assert told == [("fund", 1_000, 1_000), ("reserve", -100, 900)]
    held = (await read(platform, f"statements/{budget_id}", account="reserved"))["items"]
    assert [(each["kind"], each["balance_fen"]) for each in held] == [("reserve", 100)]


async def test_pages_and_days_do_not_change_a_balance(platform: TestPlatform) -> None:
    budget_id = await line_with_a_reservation(platform)
    first = await read(platform, f"statements/{budget_id}", limit=1)
    second = await read(platform, f"statements/{budget_id}", limit=1, cursor=first["next_cursor"])
    assert [each["balance_fen"] for each in first["items"] + second["items"]] == [1_000, 900]
    assert second["next_cursor"] is None
    some = await read(platform, f"statements/{budget_id}", since=str(TODAY), until=str(TODAY))
    assert [each["balance_fen"] for each in some["items"]][-1] == 900
    none = await read(platform, f"statements/{budget_id}", until="2020-01-01")
    assert none["items"] == []


@pytest.mark.parametrize("state", ["unknown", "draft"])
async def test_a_line_without_accounts_has_no_statement(platform: TestPlatform, state: str) -> None:
    budget_id = str(new_id())
    if state == "draft":
        body = {
            "year": 2026, "programme": fresh("draft"), "name": "未批准", "department": "经信局",
            "amount_fen": 1,
        }  # fmt: skip
        drafted = await platform.client("treasurer").post(
            "/v1/finance/budgets", json=body, headers=platform.key()
        )
        budget_id = drafted.json()["id"]
    answer = await platform.client("auditor").get(f"{LEDGER}/statements/{budget_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
