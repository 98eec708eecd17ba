"""Reading the board."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, not_, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, NotFound
from services.kernel.pages import PageRequest
from services.policy.parameters.queries import known_decisions
from services.policy.parameters.rules import in_force
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import department_view
from services.policy.plan.rules import Department
from services.policy.plan.schemas import DepartmentView
from services.policy.tasks import rules
from services.policy.tasks.access import followed_by, follows, visible_to, works_on
from services.policy.tasks.models import Task, TaskCheck, TaskEvidence, TaskHistory
from services.policy.tasks.rules import (
    FULL_BP,
    UNFINISHED,
    WORK,
    Alert,
    BoardRule,
    Every,
    Origin,
    Progress,
    TaskEvent,
    TaskState,
)
from services.policy.tasks.schemas import EvidenceView, PlanTaskView, TaskFile, TaskView

# Sorts after every day that a task may be due.
NEVER = date(9999, 12, 31)
PARAMETERS = {
    "behind_bp": "task-behind-bp",
    "silent_days": "task-silent-days",
    "remind_days": "task-remind-days",
    "lead_days": "task-lead-approver-days",
    "office_days": "task-office-days",
}


class BoardView(StrEnum):
    MINE = "mine"
    OVERDUE = "overdue"
    AT_RISK = "at-risk"


@dataclass(frozen=True)
class Wanted:
    """What part of the board is asked for."""

    view: BoardView | None = None
    measure: int | None = None
    department: str | None = None
    state: TaskState | None = None
    origin: Origin | None = None
    series: str | None = None


async def board_rule(session: AsyncSession, on: date) -> BoardRule:
    """Read the numbers by which the board judges on a day."""
    decisions = await known_decisions(session)
    found: dict[str, int] = {}
    for name, parameter in PARAMETERS.items():
        dated = in_force(library().parameters[parameter], decisions, on)
        if dated is None or not isinstance(dated.value, int):
            raise Conflict(
                "任务板的判断标准在当日没有取值，不能判断逾期风险。",
                "No rule of the task board is in force on this day.",
                code="parameter-unset",
            )
        found[name] = dated.value
    return BoardRule(**found)


async def task(
    session: AsyncSession, actor: Actor, task_id: str, *, for_update: bool = False
) -> Task:
    """Find a task that the caller may know of, and lock it where it is about to move."""
    statement = select(Task).where(Task.id == task_id, visible_to(actor))
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这项任务。", "There is no such task.")
    return found


async def followed_task(session: AsyncSession, actor: Actor, task_id: str) -> Task:
    """Find a task whose work the caller may follow."""
    found = await session.scalar(select(Task).where(Task.id == task_id, followed_by(actor)))
    if found is None:
        raise NotFound("没有这项任务。", "There is no such task.")
    return found


async def tasks(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    wanted: Wanted,
    *,
    rule: BoardRule,
    today: date,
) -> list[Task]:
    """List one more than a page holds: views by day, everything else by id."""
    statement = select(Task).where(*_conditions(actor, wanted, rule, today))
    if wanted.view is None:
        if page.after is not None:
            statement = statement.where(Task.id > page.after[-1])
        statement = statement.order_by(Task.id)
    else:
        statement = _by_day(statement, page)
    return list(await session.scalars(statement.limit(page.limit + 1)))


def sort_key(row: Task) -> list[str]:
    return [str(row.due_on or NEVER), row.id]


def _by_day(statement: Select[tuple[Task]], page: PageRequest) -> Select[tuple[Task]]:
    day = func.coalesce(Task.due_on, literal(NEVER))
    if page.after is not None:
        last = date.fromisoformat(page.after[0])
        statement = statement.where(or_(day > last, and_(day == last, Task.id > page.after[1])))
    return statement.order_by(day, Task.id)


def _conditions(
    actor: Actor, wanted: Wanted, rule: BoardRule, today: date
) -> list[ColumnElement[bool]]:
    """Word what is asked for; how the work stands is asked only of tasks whose work one sees."""
    found = [visible_to(actor)]
    if wanted.view is BoardView.MINE:
        found.append(works_on(actor))
    elif wanted.view is BoardView.OVERDUE:
        found += [followed_by(actor), overdue(today)]
    elif wanted.view is BoardView.AT_RISK:
        found += [followed_by(actor), at_risk(rule, today)]
    for column, value in (
        (Task.state, wanted.state),
        (Task.origin, wanted.origin),
        (Task.series, wanted.series),
    ):
        if value is not None:
            found += [followed_by(actor), column == value]
    if wanted.measure is not None:
        found.append(Task.measure == wanted.measure)
    if wanted.department is not None:
        found.append(_of_department(actor, wanted.department))
    return found


def _of_department(actor: Actor, code: str) -> ColumnElement[bool]:
    """Ask the board where one sees it, and the plan's own words elsewhere."""
    sees, said = followed_by(actor), Task.plan_text
    board = or_(Task.lead == code, Task.support.contains([code]))
    plan = or_(said["lead"].astext == code, said["support"].contains([code]))
    return or_(and_(sees, board), and_(not_(sees), plan))


def unfinished() -> ColumnElement[bool]:
    return Task.state.in_(UNFINISHED)


def overdue(today: date) -> ColumnElement[bool]:
    """Say in the database's words what `rules.is_overdue` says."""
    return and_(unfinished(), Task.due_on < today)


def at_risk(rule: BoardRule, today: date) -> ColumnElement[bool]:
    """Say in the database's words what `rules.risks` says."""
    elapsed = (literal(today) - Task.begins_on) * FULL_BP
    span = Task.due_on - Task.begins_on
    behind = elapsed > (Task.progress_bp + rule.behind_bp) * span
    last = func.coalesce(Task.reported_on, Task.begins_on)
    silent = literal(today) - last > rule.silent_days
    not_late = or_(Task.due_on.is_(None), Task.due_on >= today)
    return and_(unfinished(), not_late, or_(and_(Task.due_on.is_not(None), behind), silent))


async def workers(session: AsyncSession, task_id: str) -> frozenset[str]:
    """Name everyone who had a hand in the work."""
    statement = select(TaskHistory.actor).where(
        TaskHistory.task_id == task_id, TaskHistory.event.in_(WORK)
    )
    return frozenset(await session.scalars(statement))


async def worked_on(session: AsyncSession, actor: Actor, rows: Iterable[Task]) -> frozenset[str]:
    """Name those of the tasks in which the actor had a hand."""
    done = [row.id for row in rows if row.state == TaskState.DONE]
    if not done or not actor.has(Role.APPROVER):
        return frozenset()
    statement = select(TaskHistory.task_id).where(
        TaskHistory.task_id.in_(done),
        TaskHistory.actor == actor.subject,
        TaskHistory.event.in_(WORK),
    )
    return frozenset(await session.scalars(statement))


async def history(session: AsyncSession, task_id: str, page: PageRequest) -> Sequence[TaskHistory]:
    statement = select(TaskHistory).where(TaskHistory.task_id == task_id)
    if page.after is not None:
        statement = statement.where(TaskHistory.number > page.after[0])
    statement = statement.order_by(TaskHistory.number).limit(page.limit + 1)
    return (await session.scalars(statement)).all()


async def evidence(session: AsyncSession, task_id: str) -> Sequence[TaskEvidence]:
    statement = select(TaskEvidence).where(TaskEvidence.task_id == task_id)
    return (await session.scalars(statement.order_by(TaskEvidence.id))).all()


async def of_meeting(session: AsyncSession, meeting_id: Any) -> Sequence[Task]:
    """List the tasks that a meeting's decisions have become, without their instances."""
    statement = select(Task).where(Task.meeting_id == meeting_id, Task.series.is_(None))
    return (await session.scalars(statement.order_by(Task.decision))).all()


async def of_plan(session: AsyncSession) -> dict[str, Task]:
    """Find every task that the plan has or had, by its id."""
    statement = select(Task).where(Task.origin == Origin.PLAN, Task.series.is_(None))
    return {row.id: row for row in await session.scalars(statement)}


async def by_ids(session: AsyncSession, ids: Sequence[str]) -> Sequence[Task]:
    """Find tasks and lock them, in one order for everybody."""
    statement = select(Task).where(Task.id.in_(ids)).order_by(Task.id).with_for_update()
    return (await session.scalars(statement.execution_options(populate_existing=True))).all()


async def recurring(session: AsyncSession) -> Sequence[Task]:
    statement = select(Task).where(Task.state == TaskState.RECURRING).order_by(Task.id)
    return (await session.scalars(statement.with_for_update())).all()


async def instances(session: AsyncSession, series: str) -> Sequence[tuple[str, date]]:
    """List the periods that a series has begun, each with the day on which it did."""
    statement = select(Task.period, Task.begins_on).where(Task.series == series)
    return [(str(row.period), row.begins_on) for row in await session.execute(statement)]


async def to_be_told(session: AsyncSession, until: date) -> Sequence[Task]:
    """Lock the tasks that are due by a day and that the office does not know of yet."""
    statement = select(Task).where(unfinished(), Task.due_on <= until, Task.alert != Alert.OFFICE)
    return (await session.scalars(statement.order_by(Task.id).with_for_update())).all()


async def is_first_check(session: AsyncSession, day: date, now: datetime) -> bool:
    """Put the day's check on record, unless it is there already."""
    row = insert(TaskCheck).values(day=day, ran_at=now)
    row = row.on_conflict_do_nothing().returning(TaskCheck.day)
    return await session.scalar(row) is not None


def progress_of(row: Task) -> Progress:
    return Progress(
        TaskState(row.state), row.begins_on, row.due_on, row.reported_on, row.progress_bp
    )


def view(
    actor: Actor, row: Task, rule: BoardRule, today: date, *, has_worked: bool
) -> TaskView | PlanTaskView:
    """Show the work to those who follow it, and to everyone else what the plan says."""
    if not follows(actor, row):
        return plan_view(row)
    return _board_view(actor, row, rule, today, has_worked=has_worked)


def file_view(
    actor: Actor,
    row: Task,
    rule: BoardRule,
    today: date,
    *,
    has_worked: bool,
    proofs: Sequence[TaskEvidence],
) -> TaskFile:
    board = _board_view(actor, row, rule, today, has_worked=has_worked)
    return TaskFile(
        **board.model_dump(), plan_text=plan_view(row) if row.plan_text else None,
        evidence=[
            EvidenceView(
                id=each.id, title=each.title, document=each.document, url=each.url,
                sha256=each.sha256, department=each.department, added_at=each.added_at,
            )
            for each in proofs
        ],
    )  # fmt: skip


def plan_view(row: Task) -> PlanTaskView:
    """Show what the plan itself says."""
    said = row.plan_text or {}
    return PlanTaskView.model_validate(
        {
            **said, "id": row.id, "measure": row.measure, "lead": department(said["lead"]),
            "support": [department(code) for code in said["support"]],
        }
    )  # fmt: skip


def _board_view(
    actor: Actor, row: Task, rule: BoardRule, today: date, *, has_worked: bool
) -> TaskView:
    at = progress_of(row)
    return TaskView(
        id=row.id, measure=row.measure, title=row.title, title_en=row.title_en,
        lead=department(row.lead), support=[department(code) for code in row.support],
        provisional=row.departments_provisional, due_on=row.due_on,
        every=Every(row.every) if row.every else None, done_when=row.done_when,
        source=row.source, origin=Origin(row.origin), in_plan=row.in_plan, series=row.series,
        period=row.period, meeting=row.meeting_id, decision=row.decision,
        begins_on=row.begins_on, due_provisional=row.due_provisional, state=at.state,
        progress_bp=at.effective_bp, reported_on=row.reported_on,
        evidence_count=row.evidence_count, overdue=rules.is_overdue(at, today),
        risks=rules.risks(at, rule, today), alert=Alert(row.alert), finished_on=row.finished_on,
        version=row.version, synthetic=row.synthetic,
        allowed_events=allowed_events(actor, row, has_worked=has_worked),
    )  # fmt: skip


def allowed_events(actor: Actor, row: Task, *, has_worked: bool) -> list[TaskEvent]:
    parts = rules.parts_of(actor, row.lead, row.support)
    return rules.allowed(TaskState(row.state), parts, has_worked=has_worked)


def department(code: str) -> DepartmentView:
    """Name a department; one that a release no longer knows keeps its code."""
    return department_view(library().departments.get(code, Department(code, code)))
