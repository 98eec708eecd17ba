"""Putting the plan's tasks on the board, and carrying along what a release changed of them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.policy.plan.rules import Library, Measure
from services.policy.plan.rules import Task as PlanTask
from services.policy.tasks import queries
from services.policy.tasks.actions.move_task import set_interval
from services.policy.tasks.actions.record import record
from services.policy.tasks.actions.spawn import new_task, spawn_instances
from services.policy.tasks.models import Task
from services.policy.tasks.rules import Origin, SystemEvent, TaskState

# What a task of the plan shows on the board under the same name, whoever has set it since or not.
_WORDS = ("title", "title_en", "done_when", "source")
_SETTABLE = ("lead", "support")


async def seed_plan(session: AsyncSession, library: Library, *, now: datetime) -> None:
    """Have each task of the plan on the board as the release words it; nothing is ever deleted.

    Several processes may begin at once: whoever inserts a row, or locks it first, records it.
    """
    wanted = {task.id: (task, measure) for measure in library.measures for task in measure.tasks}
    known = await queries.of_plan(session)
    await _insert(session, [wanted[id_] for id_ in wanted if id_ not in known], now)
    differing = [
        row.id
        for row in known.values()
        if row.in_plan is not (row.id in wanted)
        or (row.id in wanted and row.plan_text != _said(*wanted[row.id]))
    ]
    for row in await queries.by_ids(session, differing):
        if row.id in wanted:
            await _change(session, row, _said(*wanted[row.id]), now)
        elif row.in_plan:
            row.in_plan = False
            row.version += 1
            was = TaskState(row.state)
            await record(session, row, SystemEvent.LEFT_PLAN, was=was, now=now)


async def _insert(
    session: AsyncSession, tasks: list[tuple[PlanTask, Measure]], now: datetime
) -> None:
    if not tasks:
        return
    columns = [column.key for column in Task.__table__.columns]
    fresh = [_row(task, measure, now) for task, measure in tasks]
    rows = [{name: getattr(row, name) for name in columns} for row in fresh]
    statement = insert(Task).values(rows).on_conflict_do_nothing().returning(Task.id)
    ids = list(await session.scalars(statement))
    for row in await queries.by_ids(session, ids):
        await record(session, row, SystemEvent.SEEDED, was=None, now=now)
        await spawn_instances(session, row, now=now)


def _row(task: PlanTask, measure: Measure, now: datetime) -> Task:
    said = _said(task, measure)
    return new_task(
        id=task.id, origin=Origin.PLAN, measure=measure.number, plan_text=said,
        **{name: said[name] for name in (*_WORDS, *_SETTABLE)},
        departments_provisional=measure.departments_provisional, begins_on=city_day(now),
        due_on=task.due, every=task.every, created_by="system", created_at=now, changed_at=now,
    )  # fmt: skip


def _said(task: PlanTask, measure: Measure) -> dict[str, Any]:
    return {
        "title": task.title,
        "title_en": task.english,
        "lead": task.lead.code,
        "support": [each.code for each in task.support],
        "provisional": measure.departments_provisional,
        "due_on": task.due and task.due.isoformat(),
        "every": task.every,
        "done_when": task.done_when,
        "source": task.source,
    }


async def _change(session: AsyncSession, row: Task, said: dict[str, Any], now: datetime) -> None:
    """Take the plan's new words; what the board has set otherwise since then stays as set."""
    before = row.plan_text or {}
    if before == said and row.in_plan:
        return
    was, today = TaskState(row.state), city_day(now)
    for name in _WORDS:
        setattr(row, name, said[name])
    for name in _SETTABLE:
        if getattr(row, name) == before.get(name):
            setattr(row, name, said[name])
    row.departments_provisional = row.departments_provisional and said["provisional"]
    if _iso(row.due_on) == before.get("due_on") and said["due_on"]:
        row.due_on = date.fromisoformat(said["due_on"])
    if row.every == before.get("every") and was in (TaskState.OPEN, TaskState.RECURRING):
        set_interval(row, said["every"], today)
    row.plan_text, row.in_plan = said, True
    row.version += 1
    changed = {name: before.get(name) for name in said if before.get(name) != said[name]}
    data = {"before": changed, "after": {name: said[name] for name in changed}}
    await record(session, row, SystemEvent.TEXT_CHANGED, was=was, now=now, data=data)
    await spawn_instances(session, row, now=now)


def _iso(day: date | None) -> str | None:
    return day and day.isoformat()
