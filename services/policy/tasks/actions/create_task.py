"""Putting a task on the board, and mending its words."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, Forbidden, invalid_field
from services.kernel.etags import require_match
from services.kernel.ids import new_id
from services.policy.base import calendar_of
from services.policy.plan.actions.load_library import library
from services.policy.tasks import queries
from services.policy.tasks.actions.record import Doer, record
from services.policy.tasks.actions.spawn import new_task, spawn_instances
from services.policy.tasks.models import Task
from services.policy.tasks.rules import (
    FINISHED,
    Origin,
    Part,
    SystemEvent,
    TaskState,
    directs,
    parts_of,
    require_future,
)
from services.policy.tasks.schemas import DueBody, NewTask, TaskPatch


@dataclass(frozen=True)
class Decided:
    """The decision of a meeting that a task comes from."""

    meeting_id: UUID
    number: int


async def create_task(
    session: AsyncSession,
    actor: Actor,
    new: NewTask,
    *,
    now: datetime,
    decided: Decided | None = None,
) -> Task:
    """Put a task on the board: one's own department's, or any by the office that directs."""
    if new.lead != actor.department and not directs(actor):
        raise Forbidden(
            "部门只能为本部门列任务；交办其他部门由市府办办理。",
            "A department lists its own tasks; the government office gives tasks to others.",
            code="not-your-department",
        )
    require_departments(new.lead, new.support)
    require_measure(new.measure)
    today = city_day(now)
    due_on, provisional = day_due(session, new, today)
    if new.every is not None and due_on is not None:
        raise series_has_no_day()
    task = new_task(
        id=str(new_id()), origin=Origin.MEETING if decided else Origin.PERSON,
        measure=new.measure, title=new.title, title_en=new.title_en, done_when=new.done_when,
        source=new.source, lead=new.lead, support=list(new.support), begins_on=today,
        due_on=due_on, due_provisional=provisional, every=new.every, synthetic=new.synthetic,
        meeting_id=decided and decided.meeting_id, decision=decided and decided.number,
        created_by=actor.subject, created_at=now, changed_at=now,
    )  # fmt: skip
    data: dict[str, Any] = {"lead": task.lead, "due_on": due_on and due_on.isoformat()}
    if decided:
        data |= {"meeting": str(decided.meeting_id), "decision": decided.number}
    await record(session, task, SystemEvent.CREATED, was=None, now=now, by=Doer(actor), data=data)
    await spawn_instances(session, task, now=now)
    return task


async def amend_task(
    session: AsyncSession,
    actor: Actor,
    task_id: str,
    patch: TaskPatch,
    request: Request,
    *,
    now: datetime,
) -> Task:
    """Mend the words of a task, as whoever answers for them; the plan's are mended in the plan."""
    task = await queries.task(session, actor, task_id, for_update=True)
    parts = parts_of(actor, task.lead, task.support)
    writer = Part.OFFICE if task.origin == Origin.MEETING else Part.LEAD
    if parts.isdisjoint({writer, Part.OFFICE}):
        raise Forbidden(
            "任务文字由牵头部门修改；会议议定事项由市府办修改。",
            "The lead mends a task's words; the government office those of a meeting's decision.",
            code="not-your-task",
        )
    require_match(request, task.version)
    if task.origin == Origin.PLAN:
        raise Conflict(
            "行动方案的任务文字随方案修订，不能在任务板上修改。",
            "The words of the plan's tasks change with the plan, not on the board.",
            code="plan-text",
        )
    state = TaskState(task.state)
    if state in FINISHED or state is TaskState.CANCELLED:
        raise Conflict(
            "任务已完成或取消，文字不再修改。",
            "The task is finished or cancelled; its words stay.",
            code="task-over",
        )
    changes = {
        name: value
        for name, value in patch.model_dump(exclude_unset=True).items()
        if value != getattr(task, name) and (value is not None or name == "title_en")
    }
    if changes:
        before = {name: getattr(task, name) for name in changes}
        for name, value in changes.items():
            setattr(task, name, value)
        task.version += 1
        data = {"before": before, "after": changes}
        by = Doer(actor)
        await record(session, task, SystemEvent.AMENDED, was=state, now=now, by=by, data=data)
    return task


def day_due(session: AsyncSession, due: DueBody, today: date) -> tuple[date | None, bool]:
    """Give the day, and whether it was counted over a year whose holidays are not known."""
    if due.working_days is not None:
        deadline = calendar_of(session).add_working_days(today, due.working_days)
        return deadline.day, deadline.provisional
    if due.due_on is not None:
        require_future(due.due_on, today)
    return due.due_on, False


def require_departments(lead: str, support: list[str], pointer: str = "") -> None:
    """Refuse a department that the plan does not know, or one that is named twice."""
    known = library().departments
    for place, code in ((f"{pointer}/lead", lead), *((f"{pointer}/support", c) for c in support)):
        if code not in known:
            raise invalid_field(
                place, "department-unknown", f"没有这个部门；可用：{'、'.join(known)}。",
                f"There is no such department; known: {', '.join(known)}.",
            )  # fmt: skip
    if len({lead, *support}) != 1 + len(support):
        raise invalid_field(
            f"{pointer}/support", "department-twice", "牵头和配合部门不得重复。",
            "No department is named twice.",
        )  # fmt: skip


def require_measure(measure: int | None, pointer: str = "/measure") -> None:
    if measure is not None and measure not in {each.number for each in library().measures}:
        raise invalid_field(
            pointer, "measure-unknown", "没有这条措施。", "There is no such measure."
        )


def series_has_no_day() -> Conflict:
    return Conflict(
        "定期任务的时限由周期决定，不另定日期；如须定日期，请不写周期。",
        "A recurring task has no day of its own: each instance is due when its period ends.",
        code="series-has-no-day",
    )
