"""What days bring to the board: instances of what recurs, reminders, escalation, a release."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text

from services.kernel.clock import city_day
from services.kernel.ids import new_id
from services.kernel.unit import commit
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import Library
from services.policy.tasks import queries, rules
from services.policy.tasks.actions.check_day import restate_tasks
from services.policy.tasks.actions.seed_plan import seed_plan
from services.policy.tasks.actions.spawn import new_task
from services.policy.tasks.models import Task, TaskHistory
from services.policy.tasks.rules import TaskState
from tests.policy.board_steps import (
    after,
    check,
    created,
    done,
    listed,
    office,
    person,
    read,
    today,
)
from tests.policy.steps import reset_clock, set_clock

RELEASE_DAY = datetime(2026, 12, 1, tzinfo=UTC)


async def test_a_recurring_task_begins_an_instance_for_each_period(platform: Any) -> None:
    series = await created(platform, working_days=None, every="month")
    assert (series["state"], series["due_on"]) == ("recurring", None)
    assert series["allowed_events"] == ["schedule"]
    day = today(platform)
    this_month = rules.period_of(rules.Every.MONTH, day)
    (first,) = await listed(platform.client("reviewer"), series=series["id"])
    assert (first["period"], first["begins_on"], first["due_on"]) == (
        this_month.key, str(day), str(this_month.last),
    )  # fmt: skip

    # The clock moves ahead by two months at once.
    following = rules.period_of(rules.Every.MONTH, after(this_month.last, 1))
    later = rules.period_of(rules.Every.MONTH, after(following.last, 1))
    await check(platform, later.first)
    await check(platform, later.first)
    found = await listed(platform.client("reviewer"), series=series["id"])
    assert sorted(each["period"] for each in found) == [this_month.key, following.key, later.key]
    assert sorted(each["begins_on"] for each in found)[1:] == [
        str(following.first), str(later.first),
    ]  # fmt: skip


async def test_an_ended_series_begins_nothing_more_and_its_instances_stay(platform: Any) -> None:
    series = await created(platform, working_days=None, every="month")
    series = await done(platform, "approver", series, "cancel")
    await check(platform, after(today(platform), 130))

    (only,) = await listed(platform.client("reviewer"), series=series["id"])
    assert only["state"] == "open"


async def test_the_lead_makes_an_open_task_recur_and_ends_that_again(platform: Any) -> None:
    task = await created(platform)
    task = await done(platform, "reviewer", task, "schedule", every="quarter")
    assert (task["state"], task["every"], task["due_on"]) == ("recurring", "quarter", None)
    assert len(await listed(platform.client("reviewer"), series=task["id"])) == 1
    task = await done(platform, "reviewer", task, "schedule", every=None)
    assert (task["state"], task["every"]) == ("open", None)


async def test_lateness_is_told_to_the_lead_its_approver_and_the_office_once_each(
    platform: Any,
) -> None:
    # Far off: each day is looked through once, and other tests move the clock over near ones.
    task = await created(platform, working_days=150)
    due = date.fromisoformat(task["due_on"])
    calendar = platform.service("policy").calendar
    days = [due, *(calendar.add_working_days(due, n).day for n in (1, 3, 10))]
    client = platform.client("reviewer")
    alerts: list[str] = []
    for day in days:
        await check(platform, day)
        await check(platform, day)
        alerts.append((await read(client, task))["alert"])
    assert alerts == ["due-soon", "overdue", "lead-approver", "office"]

    told = await _reminders(platform, task["id"])
    assert [(each["alert"], each["department"], each["role"]) for each in told] == [
        ("due-soon", "jxj", "staff"), ("overdue", "jxj", "staff"),
        ("lead-approver", "jxj", "approver"), ("office", "zfb", "staff"),
    ]  # fmt: skip
    history = await platform.client("auditor").get(f"/v1/policy/tasks/{task['id']}/history")
    entries = history.json()["items"]
    assert [each["event"] for each in entries] == ["created", *["reminded"] * 4]
    assert {each["actor"] for each in entries[1:]} == {"system"}


async def test_a_new_day_is_told_of_anew(platform: Any) -> None:
    task = await created(platform, working_days=120)
    due = date.fromisoformat(task["due_on"])
    await check(platform, after(due, 40))
    task = await read(platform.client("reviewer"), task)
    assert task["alert"] == "office"
    task = await done(platform, "reviewer", task, "schedule", working_days=200)
    assert task["alert"] == "none"
    await check(platform, after(due, 41))
    assert (await read(platform.client("reviewer"), task))["alert"] == "none"


async def test_moving_the_clock_makes_lateness_visible(platform: Any) -> None:
    # A day that no other test of this file looks through: each day is looked through once.
    task = await created(platform, working_days=25)
    client = platform.client("reviewer")
    late = after(date.fromisoformat(task["due_on"]), 1)
    assert task["id"] not in {each["id"] for each in await listed(client, view="overdue")}
    try:
        await set_clock(platform, f"{late}T09:00:00+08:00")
        found = {each["id"]: each for each in await listed(client, view="overdue")}
        assert found[task["id"]]["overdue"] is True
        assert await _until(client, task, lambda seen: seen["alert"] == "overdue")
    finally:
        await reset_clock(platform)


async def test_the_view_of_risk_says_what_the_rule_says(platform: Any) -> None:
    """The database and the rule judge the same tasks alike; nothing of this is kept."""
    random, day = Random(30), today(platform)  # noqa: S311  any tasks will do
    async with platform.service("policy").sessions() as session:
        rule = await queries.board_rule(session, day)
        made = [_any_task(random, day) for _ in range(400)]
        session.add_all(made)
        await session.flush()
        ids = [row.id for row in made]
        for condition, judged in (
            (queries.overdue(day), lambda at: rules.is_overdue(at, day)),
            (queries.at_risk(rule, day), lambda at: bool(rules.risks(at, rule, day))),
        ):
            statement = select(Task.id).where(Task.id.in_(ids), condition)
            expected = {row.id for row in made if judged(queries.progress_of(row))}
            assert set(await session.scalars(statement)) == expected
            assert 40 < len(expected) < 360
        await session.rollback()


async def test_a_release_changes_the_words_and_leaves_what_the_board_has_set(
    platform: Any,
) -> None:
    directing = await office(platform)
    lead = await person(platform, "fgj", "reviewer")
    task = await read(lead, "m16-pilot-zone")
    task = await done(platform, directing, task, "assign", lead="kjj", support=["fgj"])
    changed = _released("m16-pilot-zone", title="争创未来产业先导区（修订）", lead="jxj")
    seen = await _seeded(platform, changed, "m16-pilot-zone")

    assert (seen.title, seen.lead) == ("争创未来产业先导区（修订）", "kjj")
    assert (seen.plan_text or {})["lead"] == "jxj"
    assert seen.version == task["version"] + 1
    (entry,) = await _entries(platform, changed, "m16-pilot-zone", "text-changed")
    assert entry.data["before"] == {"title": "争创省级未来产业先导区", "lead": "fgj"}
    await done(platform, directing, await read(directing, "m16-pilot-zone"), "assign",
               lead="fgj", support=["jxj", "kjj"])  # fmt: skip


async def test_what_the_board_has_not_set_follows_the_release(platform: Any) -> None:
    changed = _released("m30-coordination", due=date(2027, 6, 30), lead="kjj")
    seen = await _seeded(platform, changed, "m30-coordination")
    assert (seen.due_on, seen.lead) == (date(2027, 6, 30), "kjj")


async def test_a_task_that_begins_to_recur_in_a_release_becomes_a_series(platform: Any) -> None:
    seen = await _seeded(platform, _released("m30-coordination", every="year"), "m30-coordination")
    assert (seen.state, seen.every, seen.begins_on) == ("recurring", "year", RELEASE_DAY.date())


async def test_what_leaves_the_plan_stays_on_the_board(platform: Any) -> None:
    measures = tuple(
        replace(m, tasks=tuple(t for t in m.tasks if t.id != "m30-coordination"))
        for m in library().measures
    )
    seen = await _seeded(platform, replace(library(), measures=measures), "m30-coordination")
    assert (seen.in_plan, seen.state) == (False, "open")


async def test_the_same_release_changes_nothing(platform: Any) -> None:
    async with platform.service("policy").sessions() as session:
        before = {row.id: row.version for row in await session.scalars(select(Task))}
        await seed_plan(session, library(), now=RELEASE_DAY)
        await commit(session)
    async with platform.service("policy").sessions() as session:
        assert {row.id: row.version for row in await session.scalars(select(Task))} == before


async def test_a_latecomer_is_told_how_every_task_stands(platform: Any) -> None:
    task = await created(platform)
    async with platform.service("policy").sessions() as session:
        told = {each.task_id: each async for each in restate_tasks(session)}
    assert len(told) > 122
    assert (told[task["id"]].title, told[task["id"]].version) == (task["title"], 1)
    assert "created_by" not in told[task["id"]].model_dump()


@pytest.mark.parametrize("zone_day", [(2026, 12, 31, 15, 59), (2026, 12, 31, 16, 0)])
def test_a_day_is_the_citys(zone_day: tuple[int, ...]) -> None:
    instant = datetime(*zone_day, tzinfo=UTC)  # pyright: ignore[reportArgumentType]
    expected = "2026" if zone_day[3] == 15 else "2027"
    assert rules.period_of(rules.Every.YEAR, city_day(instant)).key == expected


def _any_task(random: Random, day: date) -> Task:
    begins = day - timedelta(days=random.randint(0, 100))
    due = begins + timedelta(days=random.randint(0, 160))
    reported = begins + timedelta(days=random.randint(0, 60))
    now = datetime.now(UTC)
    return new_task(
        id=str(new_id()), origin="person", measure=None, title="x", done_when="x", source="x",
        lead="jxj", support=[], begins_on=begins, due_on=random.choice((due, due, None)),
        reported_on=random.choice((reported, None)), progress_bp=random.randrange(0, 10_001, 500),
        state=random.choice([each for each in TaskState if each not in ("recurring", "accepted")]),
        created_by="x", created_at=now, changed_at=now,
    )  # fmt: skip


def _released(task_id: str, **changes: Any) -> Library:
    """Word one task otherwise, as a release would."""
    known = library().departments
    if "lead" in changes:
        changes["lead"] = known[changes["lead"]]
    measures = tuple(
        replace(
            measure,
            tasks=tuple(replace(t, **changes) if t.id == task_id else t for t in measure.tasks),
        )
        for measure in library().measures
    )
    return replace(library(), measures=measures)


async def _seeded(platform: Any, plans: Library, task_id: str) -> Task:
    """Give a task as it would stand after a release; nothing of it is kept."""
    async with platform.service("policy").sessions() as session:
        await seed_plan(session, plans, now=RELEASE_DAY)
        found = await session.get_one(Task, task_id, populate_existing=True)
        session.expunge(found)
        await session.rollback()
        session.info.clear()
    return found


async def _entries(platform: Any, plans: Library, task_id: str, event: str) -> list[TaskHistory]:
    async with platform.service("policy").sessions() as session:
        await seed_plan(session, plans, now=RELEASE_DAY)
        statement = select(TaskHistory).where(
            TaskHistory.task_id == task_id, TaskHistory.event == event
        )
        found = list(await session.scalars(statement))
        session.expunge_all()
        await session.rollback()
        session.info.clear()
    return found


async def _reminders(platform: Any, task_id: str) -> list[dict[str, Any]]:
    query = text(
        "SELECT payload::jsonb FROM outbox WHERE aggregate = :a"
        " AND type = 'liangxin.policy.task.reminded.v1' ORDER BY seq"
    )
    async with platform.service("policy").engine.connect() as connection:
        return list(await connection.scalars(query, {"a": f"task:{task_id}"}))


async def _until(client: Any, task: dict[str, Any], holds: Any) -> bool:
    for _ in range(200):
        if holds(await read(client, task)):
            return True
        await asyncio.sleep(0.05)
    return False
