"""Looking the board through once a day: what recurs begins, and what is late is told."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.outbox import announce
from services.kernel.pages import in_portions
from services.policy.base import calendar_of
from services.policy.contract.events import TaskChanged, TaskReminded
from services.policy.tasks import queries
from services.policy.tasks.actions.record import changed, record
from services.policy.tasks.actions.spawn import spawn_instances
from services.policy.tasks.models import Task
from services.policy.tasks.rules import (
    OFFICE,
    Alert,
    SystemEvent,
    TaskState,
    alert_of,
    is_worse,
)

CHECK_TIMER = "check-tasks"
# The timer comes more often than the day changes, so that a moved clock is noticed at once.
CHECK_EVERY = timedelta(minutes=10)


async def check_day(session: AsyncSession, _: str, now: datetime) -> None:
    """Begin and tell what a day brings, unless this day has been looked through already."""
    today = city_day(now)
    if not await queries.is_first_check(session, today, now):
        return
    for series in await queries.recurring(session):
        await spawn_instances(session, series, now=now)
    rule, calendar = await queries.board_rule(session, today), calendar_of(session)
    until = calendar.add_working_days(today, rule.remind_days).day
    for task in await queries.to_be_told(session, until):
        alert = alert_of(queries.progress_of(task), rule, calendar, today)
        if is_worse(alert, Alert(task.alert)):
            await _tell(session, task, alert, now)


async def _tell(session: AsyncSession, task: Task, alert: Alert, now: datetime) -> None:
    """Mark how far it has come, and say who is to be told."""
    task.alert = alert
    task.version += 1
    department = OFFICE if alert is Alert.OFFICE else task.lead
    role = "approver" if alert is Alert.LEAD_APPROVER else "staff"
    told: dict[str, Any] = {"alert": alert, "department": department, "role": role}
    was = TaskState(task.state)
    await record(session, task, SystemEvent.REMINDED, was=was, now=now, data=told)
    event = TaskReminded.model_validate(
        {"task_id": task.id, **told, "due_on": task.due_on, "on": city_day(now)}
    )
    announce(session, event, now=now)


async def restate_tasks(session: AsyncSession) -> AsyncIterator[TaskChanged]:
    """Give the current state of every task, for listeners that begin late."""
    async for row in in_portions(session, select(Task), Task.id):
        yield changed(row)
