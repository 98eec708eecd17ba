"""Reading meetings."""

from collections.abc import AsyncIterator
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest
from services.policy.contract.events import MeetingChanged
from services.policy.meetings.access import visible_to
from services.policy.meetings.models import Meeting
from services.policy.meetings.rules import NEXT, MeetingState
from services.policy.meetings.schemas import (
    DecisionBody,
    DecisionView,
    MeetingSummary,
    MeetingView,
)
from services.policy.tasks.models import Task
from services.policy.tasks.queries import department, of_meeting
from services.policy.tasks.rules import TaskState, directs


async def meeting(
    session: AsyncSession, actor: Actor, meeting_id: UUID, *, for_update: bool = False
) -> Meeting:
    """Find a meeting that the caller may know of, and lock it where it is about to move."""
    statement = select(Meeting).where(Meeting.id == meeting_id, visible_to(actor))
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这次会议。", "There is no such meeting.")
    return found


async def meetings(session: AsyncSession, actor: Actor, page: PageRequest) -> list[Meeting]:
    """List the meetings that the caller may know of, the newest first."""
    statement = select(Meeting).where(visible_to(actor))
    if page.after is not None:
        statement = statement.where(Meeting.id < UUID(page.after[0]))
    statement = statement.order_by(Meeting.id.desc()).limit(page.limit + 1)
    return list(await session.scalars(statement))


def decisions_of(row: Meeting) -> list[DecisionBody]:
    return [DecisionBody.model_validate(each) for each in row.decisions]


def summary(row: Meeting) -> MeetingSummary:
    return MeetingSummary(
        id=row.id, held_on=row.held_on, title=row.title, minutes=row.minutes,
        attendees=[department(code) for code in row.attendees], state=MeetingState(row.state),
        decision_count=len(row.decisions), version=row.version, synthetic=row.synthetic,
        changed_at=row.changed_at,
    )  # fmt: skip


async def view(session: AsyncSession, actor: Actor, row: Meeting) -> MeetingView:
    """Show a meeting whole, each decision with its task."""
    tasks = {task.decision: task for task in await of_meeting(session, row.id)}
    state = MeetingState(row.state)
    return MeetingView(
        **summary(row).model_dump(), agenda=row.agenda,
        decisions=[
            _decision(number, each, tasks.get(number))
            for number, each in enumerate(decisions_of(row), start=1)
        ],
        allowed_events=list(NEXT[state]) if directs(actor) else [],
    )  # fmt: skip


async def changed(session: AsyncSession, row: Meeting) -> MeetingChanged:
    """Word how a meeting stands."""
    tasks = await of_meeting(session, row.id)
    return MeetingChanged(
        meeting_id=row.id, version=row.version, held_on=row.held_on, title=row.title,
        minutes=row.minutes, attendees=row.attendees, state=row.state,
        tasks=[task.id for task in tasks], synthetic=row.synthetic,
    )  # fmt: skip


async def restate_meetings(session: AsyncSession) -> AsyncIterator[MeetingChanged]:
    """Give the current state of every meeting, for listeners that begin late."""
    for row in (await session.scalars(select(Meeting).order_by(Meeting.id))).all():
        yield await changed(session, row)


def _decision(number: int, said: DecisionBody, task: Task | None) -> DecisionView:
    return DecisionView(
        number=number, text=said.text, text_en=said.text_en, measure=said.measure,
        lead=department(said.lead), support=[department(code) for code in said.support],
        due_on=said.due_on, working_days=said.working_days, every=said.every,
        done_when=said.done_when, task=task and task.id, state=task and TaskState(task.state),
    )  # fmt: skip
