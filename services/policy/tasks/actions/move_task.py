"""Moving a task by what a person does to it: one row lock, one transition, one row of history."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.problems import refusal_from_validation
from services.policy.tasks import queries, rules
from services.policy.tasks.actions.create_task import (
    day_due,
    require_departments,
    series_has_no_day,
)
from services.policy.tasks.actions.record import Doer, record
from services.policy.tasks.actions.spawn import spawn_instances
from services.policy.tasks.models import Task, TaskEvidence
from services.policy.tasks.rules import JUDGEMENT, Alert, Part, TaskEvent, TaskState
from services.policy.tasks.schemas import (
    AssignData,
    EvidenceData,
    NoData,
    ReportData,
    ScheduleData,
    TaskDeed,
)

DataT = TypeVar("DataT", bound=BaseModel)


@dataclass(frozen=True)
class Deed:
    """One event of one task, by whom and when."""

    session: AsyncSession
    actor: Actor
    task: Task
    body: TaskDeed
    parts: frozenset[Part]
    now: datetime

    @property
    def today(self) -> date:
        return city_day(self.now)

    def data(self, shape: type[DataT]) -> DataT:
        """Read the event's data, or name the field that does not fit."""
        try:
            return shape.model_validate(self.body.data)
        except ValidationError as error:
            found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
            raise refusal_from_validation(found) from None


async def move_task(
    session: AsyncSession, actor: Actor, task_id: str, body: TaskDeed, *, now: datetime
) -> Task:
    """Do one event to a task, if this person may do it in this state."""
    task = await queries.task(session, actor, task_id, for_update=True)
    was = TaskState(task.state)
    parts = rules.parts_of(actor, task.lead, task.support)
    target = rules.move(was, body.event, parts)
    if body.event in JUDGEMENT:
        rules.require_other_person(actor.subject, await queries.workers(session, task.id))
    check_version(body.version, task.version)
    rules.require_note(body.event, body.note)
    deed = Deed(session, actor, task, body, parts, now)
    await EFFECTS.get(body.event, _plainly)(deed)
    if body.event is not TaskEvent.SCHEDULE:
        task.state = target
    task.version += 1
    by = Doer(actor, body.note)
    await record(session, task, body.event, was=was, now=now, by=by, data=body.data)
    if body.event is TaskEvent.SCHEDULE:
        await spawn_instances(session, task, now=now)
    return task


async def _plainly(deed: Deed) -> None:
    deed.data(NoData)


async def _report(deed: Deed) -> None:
    """Say how far the work is; only the lead speaks for the whole of it."""
    stated = deed.data(ReportData).progress_bp
    if Part.LEAD in deed.parts and stated is not None:
        deed.task.progress_bp = stated
    elif stated is not None:
        raise Conflict(
            "总体进度由牵头部门报告；配合部门只写明情况。",
            "The lead reports how far the whole is; a supporting department writes a note.",
            code="progress-by-lead",
        )
    deed.task.reported_on = deed.today


async def _attach(deed: Deed) -> None:
    given = deed.data(EvidenceData)
    deed.session.add(
        TaskEvidence(
            id=new_id(), task_id=deed.task.id, **given.model_dump(),
            department=deed.actor.department, added_by=deed.actor.subject, added_at=deed.now,
        )
    )  # fmt: skip
    deed.task.evidence_count += 1
    deed.task.reported_on = deed.today


async def _finish(deed: Deed) -> None:
    deed.data(NoData)
    rules.require_evidence(deed.task.evidence_count)
    deed.task.finished_by, deed.task.finished_on = deed.actor.subject, deed.today
    deed.task.reported_on = deed.today
    deed.task.alert = Alert.NONE


async def _accept(deed: Deed) -> None:
    deed.data(NoData)
    deed.task.accepted_by = deed.actor.subject


async def _return(deed: Deed) -> None:
    deed.data(NoData)
    deed.task.finished_by = deed.task.finished_on = None


async def _schedule(deed: Deed) -> None:
    """Set the day or the interval; a new day is told of anew."""
    task, given = deed.task, deed.data(ScheduleData)
    due_on, provisional = day_due(deed.session, given, deed.today)
    if "every" in given.model_fields_set:
        set_interval(task, given.every, deed.today)
    if due_on is not None:
        if task.state == TaskState.RECURRING:
            raise series_has_no_day()
        task.due_on, task.due_provisional = due_on, provisional
    task.alert = Alert.NONE


async def _assign(deed: Deed) -> None:
    given = deed.data(AssignData)
    require_departments(given.lead, given.support, "/data")
    deed.task.lead, deed.task.support = given.lead, list(given.support)
    deed.task.departments_provisional = False


async def _cancel(deed: Deed) -> None:
    deed.data(NoData)
    deed.task.alert = Alert.NONE


def set_interval(task: Task, every: str | None, today: date) -> None:
    """Make a task a series from today on, or a single task again; one that is begun stays one."""
    if task.every == every:
        return
    if task.state not in (TaskState.OPEN, TaskState.RECURRING) or task.series is not None:
        raise Conflict(
            "任务已开始或本身是定期任务的一期，不能改为定期任务；请在定期任务上修改周期。",
            "A task that is begun, or that is an instance, cannot become a series.",
            code="not-a-series",
        )
    task.every, task.begins_on = every, today
    task.state = TaskState.RECURRING if every else TaskState.OPEN
    task.due_on, task.due_provisional = None, False


Effect = Callable[[Deed], Awaitable[None]]
EFFECTS: dict[TaskEvent, Effect] = {
    TaskEvent.REPORT: _report,
    TaskEvent.ATTACH: _attach,
    TaskEvent.FINISH: _finish,
    TaskEvent.ACCEPT: _accept,
    TaskEvent.RETURN: _return,
    TaskEvent.SCHEDULE: _schedule,
    TaskEvent.ASSIGN: _assign,
    TaskEvent.CANCEL: _cancel,
}
