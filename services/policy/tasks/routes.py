from typing import Annotated

from fastapi import Path, Query, Request, Response

from services.kernel.actors import Actor, Anyone
from services.kernel.clock import city_day
from services.kernel.etags import MATCHED, set_etag
from services.kernel.idempotency import KEYED
from services.kernel.pages import Page, page_of
from services.kernel.unit import Now, Session, noun_router
from services.policy.tasks import queries
from services.policy.tasks.access import BoardReader, BoardWriter, follows
from services.policy.tasks.actions.create_task import amend_task as amend
from services.policy.tasks.actions.create_task import create_task as create
from services.policy.tasks.actions.move_task import move_task as move
from services.policy.tasks.models import Task
from services.policy.tasks.queries import BoardView, Wanted
from services.policy.tasks.rules import Origin, TaskState
from services.policy.tasks.schemas import (
    NewTask,
    PlanTaskView,
    TaskDeed,
    TaskFile,
    TaskHistoryEntry,
    TaskHistoryList,
    TaskList,
    TaskPatch,
)

router = noun_router("policy", "tasks")
TaskId = Annotated[str, Path(max_length=80, description="The plan's id of a task, or a UUID")]


@router.get("")
async def list_tasks(  # noqa: PLR0913, PLR0917  FastAPI hands each of these over by name
    actor: Anyone,
    session: Session,
    now: Now,
    page: Page,
    view: Annotated[
        BoardView | None, Query(description="Of the caller's department, late, or at risk")
    ] = None,
    measure: Annotated[int | None, Query(ge=1, le=99, description="Of one measure")] = None,
    department: Annotated[
        str | None, Query(max_length=20, description="That this department leads or supports")
    ] = None,
    state: TaskState | None = None,
    origin: Origin | None = None,
    series: Annotated[
        str | None, Query(max_length=80, description="The instances of one recurring task")
    ] = None,
) -> TaskList:
    """List who does what by when: as the plan words it, and how it stands to who follows it."""
    wanted = Wanted(view, measure, department, state, origin, series)
    today = city_day(now)
    rule = await queries.board_rule(session, today)
    rows = await queries.tasks(session, actor, page, wanted, rule=rule, today=today)
    found = page_of(rows, page, queries.sort_key)
    worked = await queries.worked_on(session, actor, found["items"])
    items = [
        queries.view(actor, row, rule, today, has_worked=row.id in worked) for row in found["items"]
    ]
    return TaskList(items=items, next_cursor=found["next_cursor"])


@router.post("", status_code=201, dependencies=[KEYED])
async def create_task(
    body: NewTask, actor: BoardWriter, session: Session, now: Now, response: Response
) -> TaskFile:
    """Put a task of one's own department on the board; the office puts one on for any."""
    task = await create(session, actor, body, now=now)
    response.headers["Location"] = f"/v1/policy/tasks/{task.id}"
    return await _file(session, actor, task, now, response)


@router.get("/{task_id}")
async def get_task(
    task_id: TaskId, actor: Anyone, session: Session, now: Now, response: Response
) -> TaskFile | PlanTaskView:
    """Read one task; `allowed_events` is what the caller may do to it now."""
    task = await queries.task(session, actor, task_id)
    if not follows(actor, task):
        return queries.plan_view(task)
    return await _file(session, actor, task, now, response)


@router.patch("/{task_id}", dependencies=[MATCHED])
async def amend_task(  # noqa: PLR0917  FastAPI hands each of these over by name
    task_id: TaskId,
    body: TaskPatch,
    actor: BoardWriter,
    session: Session,
    now: Now,
    request: Request,
    response: Response,
) -> TaskFile:
    """Mend the words of a task that is not the plan's."""
    task = await amend(session, actor, task_id, body, request, now=now)
    return await _file(session, actor, task, now, response)


@router.post("/{task_id}/events", dependencies=[KEYED])
async def move_task(
    task_id: TaskId,
    body: TaskDeed,
    actor: BoardWriter,
    session: Session,
    now: Now,
    response: Response,
) -> TaskFile:
    """Do one event to a task, at the version that the caller has seen."""
    task = await move(session, actor, task_id, body, now=now)
    return await _file(session, actor, task, now, response)


@router.get("/{task_id}/history")
async def list_task_history(
    task_id: TaskId, actor: BoardReader, session: Session, page: Page
) -> TaskHistoryList:
    """List what happened to a task, in order, with who did it and what was said."""
    task = await queries.followed_task(session, actor, task_id)
    rows = await queries.history(session, task.id, page)
    found = page_of(list(rows), page, lambda row: [row.number])
    items = [
        TaskHistoryEntry(
            number=row.number, at=row.at, event=row.event, from_state=row.from_state,
            to_state=row.to_state, role=row.role, department=row.department, actor=row.actor,
            note=row.note, data=row.data,
        )
        for row in found["items"]
    ]  # fmt: skip
    return TaskHistoryList(items=items, next_cursor=found["next_cursor"])


async def _file(
    session: Session, actor: Actor, task: Task, now: Now, response: Response
) -> TaskFile:
    set_etag(response, task.version)
    today = city_day(now)
    return queries.file_view(
        actor, task, await queries.board_rule(session, today), today,
        has_worked=task.id in await queries.worked_on(session, actor, [task]),
        proofs=await queries.evidence(session, task.id),
    )  # fmt: skip
