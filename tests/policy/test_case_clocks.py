"""The clocks of cases by the demonstration's clock: due, paused, overdue, told, and not granted."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.kernel.calendar import Calendar, Schedule
from services.policy.base import CALENDAR
from services.policy.clocks.actions.check_clocks import check_clocks
from services.policy.clocks.actions.follow_case import renew_provisional
from services.policy.limits import LIMITS, HeldLimits
from services.policy.office import load_office
from tests.policy.notice_steps import handle, in_notice, object_to
from tests.policy.review_steps import (
    again_in_review,
    case_now,
    do_step,
    history_of,
    in_policy,
    in_review,
    step_of,
    steps_of,
)
from tests.policy.steps import (
    budget,
    firm_client,
    growing_firm,
    move,
    open_case,
    propose,
    reset_clock,
    set_clock,
)

CASES = "/v1/policy/cases"
REMINDED = "liangxin.policy.case.reminded.v1"


@pytest.fixture(autouse=True)
async def _own_time(platform: Any) -> AsyncIterator[None]:
    """Let each test begin on a Monday, and the next one on the day of the machine."""
    await at(platform, "06-01")
    yield
    await reset_clock(platform)


async def at(platform: Any, day: str, year: int = 2026) -> None:
    await set_clock(platform, f"{year}-{day}T10:00:00+08:00")


async def draft(platform: Any) -> tuple[dict[str, Any], httpx.AsyncClient]:
    uscc = await growing_firm(platform)
    firm = await firm_client(platform, uscc)
    return await open_case(platform, firm, uscc), firm


def due(case: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(case["due"][name] for name in names)


async def reminded(platform: Any, case: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Wait until a case has been told of so often, and no more often."""
    query = text("SELECT payload FROM outbox WHERE aggregate = :name AND type = :type ORDER BY seq")
    asked = {"name": f"case:{case['id']}", "type": REMINDED}
    found: list[Any] = []
    for _ in range(100):
        async with platform.service("policy").sessions() as session:
            found = [json.loads(each) for each in await session.scalars(query, asked)]
        if len(found) >= count:
            break
        await asyncio.sleep(0.05)
    assert len(found) == count
    return found


async def listed(platform: Any, client: str = "auditor", **params: Any) -> list[dict[str, Any]]:
    """Read a list to its end, in pages of two."""
    items: list[dict[str, Any]] = []
    asked = {"limit": 2, **params}
    while True:
        answer = await platform.client(client).get(CASES, params=asked)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return items
        asked["cursor"] = answer.json()["next_cursor"]


async def test_each_state_has_its_clock(platform: Any) -> None:
    await budget(platform)
    case, firm = await draft(platform)
    assert (case["due"], case["due_on"]) == (None, None)
    case = await move(platform, firm, case, "submit")
    assert case["due"] == {
        "clock": "accept", "on": "2026-06-08", "days": 5, "source": "演示取值，并非规定",
        "is_demonstration": True, "provisional": False, "overdue": False,
            "alert": "none", "paused": False,
        "days_left": None,
    }  # fmt: skip
    assert case["due_on"] == "2026-06-08"
    reviewer = platform.client("reviewer")
    await at(platform, "06-03")
    case = await move(platform, reviewer, case, "accept")
    assert due(case, "clock", "on") == ("review", "2026-07-02")
    case = await move(platform, reviewer, case, "review")
    assert due(case, "clock", "on") == ("review", "2026-07-02")
    case = await move(platform, reviewer, case, "propose")
    assert due(case, "clock", "on") == ("decide", "2026-06-17")


async def test_a_clock_stands_still_while_the_applicant_completes(platform: Any) -> None:
    case, firm = await draft(platform)
    case = await move(platform, firm, case, "submit")
    await at(platform, "06-03")
    case = await move(platform, platform.client("reviewer"), case, "return", note="请补正")
    assert due(case, "clock", "on", "paused", "days_left") == (
        "completion", "2026-06-17", True, 4,
    )  # fmt: skip
    await at(platform, "06-12")
    case = await move(platform, firm, case, "complete")
    assert due(case, "clock", "on", "paused", "days") == ("accept", "2026-06-18", False, 5)


async def test_a_clock_that_was_overdue_when_it_stopped_is_so_when_it_goes_on(
    platform: Any,
) -> None:
    case, firm = await draft(platform)
    case = await move(platform, firm, case, "submit")
    await at(platform, "06-10")
    case = await move(platform, platform.client("reviewer"), case, "return", note="请补正")
    assert due(case, "clock", "overdue", "days_left") == ("completion", False, 0)
    case = await move(platform, firm, case, "complete")
    assert due(case, "clock", "on", "overdue") == ("accept", "2026-06-08", True)


async def test_a_step_has_its_own_clock_and_goes_on_with_its_days(platform: Any) -> None:
    case, firm = await in_review(platform)
    # Five days for the town, twenty for the whole review.
    assert due(case, "clock", "on") == ("step", "2026-06-08")
    assert (await step_of(platform, case, "town-review"))["due_on"] == "2026-06-08"
    await at(platform, "06-04")
    await do_step(platform, "reviewer-town", case, "town-review", "return", note="请补正")
    case = await case_now(platform, case)
    assert due(case, "clock", "paused", "days_left") == ("completion", True, 3)
    assert (await step_of(platform, case, "town-review"))["due_on"] is None

    await at(platform, "06-15")
    case = await again_in_review(platform, firm, case)
    assert due(case, "clock", "on") == ("step", "2026-06-18")
    await do_step(platform, "reviewer-town", case, "town-review")
    case = await case_now(platform, case)
    # Ten working days for the departments, over the festival; of the review's twenty 17 are left.
    assert due(case, "clock", "on") == ("step", "2026-06-30")
    assert [each["due_on"] for each in await steps_of(platform, case)][:3] == [
        None, "2026-06-30", "2026-06-30",
    ]  # fmt: skip


async def test_notice_suspension_and_decision(platform: Any) -> None:
    await at(platform, "11-02")
    case, _ = await in_notice(platform)
    assert due(case, "clock", "on", "days", "source") == ("notice", "2026-11-09", 5, "公示期")
    await at(platform, "11-09")
    objection = (await object_to(platform, case)).json()
    case = await case_now(platform, case)
    assert case["state"] == "suspended"
    # The notice stands still with its last day; who handles the objection has ten.
    assert due(case, "clock", "on", "paused", "days_left") == ("objection", "2026-11-23", True, 1)
    assert case["due_on"] == "2026-11-23"
    await at(platform, "11-12")
    assert (await handle(platform, objection, "dismiss")).status_code == 200
    case = await case_now(platform, case)
    assert due(case, "clock", "on", "paused") == ("notice", "2026-11-13", False)
    assert case["notice"]["to"] == "2026-11-13"

    await set_clock(platform, "2026-11-14T00:00:00+08:00")
    for _ in range(100):
        case = await case_now(platform, case)
        if case["due"]["clock"] == "decide":
            break
        await asyncio.sleep(0.05)
    assert due(case, "clock", "on", "days", "is_demonstration") == (
        "decide", "2026-12-11", 20, False,
    )  # fmt: skip
    assert await reminded(platform, case, 0) == []


async def test_what_is_due_is_told_once_each_and_nothing_is_granted(platform: Any) -> None:
    case, firm = await draft(platform)
    case = await move(platform, firm, case, "submit")
    await at(platform, "06-03")
    await reminded(platform, case, 0)
    await at(platform, "06-04")
    (soon,) = await reminded(platform, case, 1)
    assert {name: soon[name] for name in ("clock", "alert", "role", "departments", "due_on")} == {
        "clock": "accept", "alert": "due-soon", "role": "reviewer", "departments": ["jxj"],
        "due_on": "2026-06-08",
    }  # fmt: skip
    await at(platform, "06-08")
    await reminded(platform, case, 1)
    await at(platform, "06-09")
    await reminded(platform, case, 2)
    await at(platform, "06-11")
    told = await reminded(platform, case, 3)
    assert [each["alert"] for each in told] == ["due-soon", "overdue", "escalated"]
    assert [each["role"] for each in told] == ["reviewer", "reviewer", "approver"]
    assert due(await case_now(platform, case), "alert", "overdue") == ("escalated", True)
    for alert, is_shown in (("escalated", True), ("due-soon", False)):
        asked = {"alert": alert, "due_before": "2026-06-09", "limit": 200}
        listed = await platform.client("reviewer").get("/v1/policy/cases", params=asked)
        assert (case["id"] in [each["id"] for each in listed.json()["items"]]) is is_shown
    # However long nobody says anything, the case stays where it is.
    await at(platform, "09-01")
    await reminded(platform, case, 3)
    found = await case_now(platform, case)
    assert (found["state"], found["reservation"]["state"]) == ("submitted", "none")
    assert found["due"]["overdue"] is True
    assert [row["event"] for row in await history_of(platform, case)] == ["created", "submit"]


async def test_the_applicant_is_told_before_its_days_are_over(platform: Any) -> None:
    case, firm = await draft(platform)
    await move(platform, firm, case, "submit")
    await move(platform, platform.client("reviewer"), case, "return", note="请补正")
    await at(platform, "06-11")
    (soon,) = await reminded(platform, case, 1)
    assert (soon["clock"], soon["role"], soon["due_on"]) == (
        "completion", "applicant", "2026-06-15",
    )  # fmt: skip


async def test_a_desk_is_told_of_its_step(platform: Any) -> None:
    case, _ = await in_review(platform)
    await at(platform, "06-04")
    (soon,) = await reminded(platform, case, 1)
    town = platform.credentials.clients["reviewer-town"]["town_code"]
    assert (soon["clock"], soon["departments"], soon["town_code"]) == ("step", [], town)


async def test_two_timers_at_once_tell_once(platform: Any) -> None:
    case, firm = await draft(platform)
    await move(platform, firm, case, "submit")
    await at(platform, "06-09")

    async def check(session: Any, now: Any) -> None:
        await check_clocks(session, "recurring", now)

    await asyncio.gather(*(in_policy(platform, check) for _ in range(4)))
    await reminded(platform, case, 1)


async def test_what_is_overdue_is_listed_by_its_day(platform: Any) -> None:
    made: list[dict[str, Any]] = []
    for day in ("06-03", "06-01", "06-02"):
        await at(platform, day)
        case, firm = await draft(platform)
        made.append(await move(platform, firm, case, "submit"))
    late, early, middle = (case["id"] for case in made)
    await at(platform, "06-10")
    ours = {late, early, middle}

    def shown(items: list[dict[str, Any]]) -> list[str]:
        return [each["id"] for each in items if each["id"] in ours]

    overdue = await listed(platform, overdue="true")
    assert shown(overdue) == [early, middle]
    days = [each["due_on"] for each in overdue]
    assert days == sorted(days)
    assert all(each["due"]["overdue"] for each in overdue)
    assert shown(await listed(platform, overdue="false")) == [late]
    assert shown(await listed(platform, due_before="2026-06-09")) == [early]
    assert shown(await listed(platform, due_before="2026-06-11")) == [early, middle, late]
    assert shown(await listed(platform, overdue="true", state="accepted")) == []
    assert shown(await listed(platform, "reviewer-b", overdue="true")) == []
    wrong = await platform.client("auditor").get(CASES, params={"due_before": "soon"})
    assert wrong.status_code == 422


async def test_a_cursor_belongs_to_the_order_that_gave_it(platform: Any) -> None:
    for _ in range(2):
        case, firm = await draft(platform)
        await move(platform, firm, case, "submit")
    await at(platform, "06-20")
    reader = platform.client("auditor")
    newest = (await reader.get(CASES, params={"limit": 1})).json()["next_cursor"]
    by_day = await reader.get(CASES, params={"limit": 1, "overdue": "true", "cursor": newest})
    assert by_day.status_code == 400, by_day.text


async def test_the_queue_is_read_by_its_index(platform: Any) -> None:
    query = text(
        "EXPLAIN SELECT * FROM policy_case WHERE due_on IS NOT NULL AND due_on < '2026-06-10'"
        " ORDER BY due_on, id LIMIT 51"
    )
    async with platform.service("policy").sessions() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(await session.scalars(query))
    assert "ix_policy_case_due" in plan


async def test_where_nobody_set_a_limit_nothing_is_due(platform: Any) -> None:
    """As in production: the numbers of the demonstration are not there."""
    policy = platform.service("policy")
    info = policy.sessions.kw["info"]
    was, info[LIMITS] = info[LIMITS], HeldLimits(load_office().clocks, demonstration=False)
    try:
        case, firm = await draft(platform)
        case = await move(platform, firm, case, "submit")
        assert case["due"] == {
            "clock": "accept", "on": None, "days": None, "source": None,
            "is_demonstration": False, "provisional": False, "overdue": False,
            "alert": "none", "paused": False,
            "days_left": None,
        }  # fmt: skip
        await at(platform, "09-01")
        case = await move(platform, platform.client("reviewer"), case, "return", note="请补正")
        assert due(case, "clock", "on", "paused", "days_left") == ("completion", None, True, None)
        case = await move(platform, firm, case, "complete")
        assert due(case, "clock", "on", "paused") == ("accept", None, False)
        await reminded(platform, case, 0)
    finally:
        info[LIMITS] = was


async def test_a_year_without_holidays_is_provisional_until_they_are_known(platform: Any) -> None:
    await at(platform, "12-29", 2027)
    case, firm = await draft(platform)
    case = await move(platform, firm, case, "submit")
    assert due(case, "on", "provisional") == ("2028-01-05", True)

    known = Calendar.load()
    published = [
        *(Schedule(year, published=True, document="测试", days_off=frozenset(),
                   make_up_days=frozenset()) for year in (2027,)),
        Schedule(2028, published=True, document="测试",
                 days_off=frozenset({date(2028, 1, 3)}), make_up_days=frozenset()),
    ]  # fmt: skip
    info = platform.service("policy").sessions.kw["info"]
    was = info[CALENDAR]
    info[CALENDAR] = Calendar([known.schedules[2026], *published])
    try:
        await in_policy(platform, lambda session, now: renew_provisional(session, now=now))
        case = await case_now(platform, case)
        assert due(case, "on", "provisional") == ("2028-01-06", False)
        assert case["due_on"] == "2028-01-06"
    finally:
        info[CALENDAR] = was


async def test_a_decided_case_is_due_no_more(platform: Any) -> None:
    await budget(platform)
    case, firm = await draft(platform)
    case = await propose(platform, firm, case)
    assert case["due"]["clock"] == "decide"
    approver = platform.client("approver")
    case = await move(
        platform, approver, case, "decide", note="集体研究不予支持", data={"outcome": "refuse"}
    )
    assert (case["due"], case["due_on"]) == (None, None)
