"""Beginning the instances of recurring tasks, each for its period."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.ids import new_id
from services.policy.tasks import queries
from services.policy.tasks.actions.record import record
from services.policy.tasks.models import Task
from services.policy.tasks.rules import (
    Alert,
    Every,
    Period,
    SystemEvent,
    TaskState,
    period_of,
    periods_since,
)


def new_task(**fields: Any) -> Task:
    """Make a task that nobody has begun."""
    blank = {
        "title_en": None, "plan_text": None, "in_plan": True, "departments_provisional": False,
        "due_on": None, "due_provisional": False, "every": None, "series": None, "period": None,
        "meeting_id": None, "decision": None, "progress_bp": 0, "reported_on": None,
        "evidence_count": 0, "alert": Alert.NONE, "finished_on": None, "finished_by": None,
        "accepted_by": None, "version": 1, "synthetic": False,
    }  # fmt: skip
    given = {**blank, **fields}
    given.setdefault("state", TaskState.RECURRING if given["every"] else TaskState.OPEN)
    return Task(**given)


async def spawn_instances(session: AsyncSession, series: Task, *, now: datetime) -> None:
    """Begin what a series has not begun yet of the periods up to today's."""
    if series.every is None:
        return
    every, today = Every(series.every), city_day(now)
    begun = await queries.instances(session, series.id)
    since = series.begins_on
    current = [day for _, day in begun if day >= series.begins_on]
    if current:
        since = period_of(every, max(current)).last + timedelta(days=1)
    known = {period for period, _ in begun}
    for period in periods_since(every, since, today):
        if period.key not in known:
            await _begin(session, series, period, now)


async def _begin(session: AsyncSession, series: Task, period: Period, now: datetime) -> None:
    kept = (
        "origin", "measure", "title", "title_en", "done_when", "source", "in_plan",
        "departments_provisional", "lead", "support", "meeting_id", "decision", "synthetic",
    )  # fmt: skip
    instance = new_task(
        id=str(new_id()), **{name: getattr(series, name) for name in kept}, series=series.id,
        period=period.key, begins_on=max(period.first, series.begins_on), due_on=period.last,
        created_by="system", created_at=now, changed_at=now,
    )  # fmt: skip
    data = {"series": series.id, "period": period.key}
    await record(session, instance, SystemEvent.SPAWNED, was=None, now=now, data=data)
