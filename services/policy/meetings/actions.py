"""Keeping meetings: a draft, its minutes, and the tasks that come of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import invalid_field
from services.kernel.etags import check_version, require_match
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.policy.meetings import queries, rules
from services.policy.meetings.access import require_office
from services.policy.meetings.models import Meeting
from services.policy.meetings.rules import MeetingEvent, MeetingState
from services.policy.meetings.schemas import DecisionBody, MeetingBody, MeetingDeed
from services.policy.plan.actions.load_library import library
from services.policy.tasks.actions.create_task import (
    Decided,
    create_task,
    require_departments,
    require_measure,
)
from services.policy.tasks.queries import of_meeting
from services.policy.tasks.rules import ENDED, TaskState
from services.policy.tasks.schemas import NewTask


async def draft_meeting(
    session: AsyncSession, actor: Actor, body: MeetingBody, *, now: datetime
) -> Meeting:
    """Keep a meeting as a draft."""
    require_office(actor)
    _require_sound(body, now)
    meeting = Meeting(
        id=new_id(), **_columns(body), state=MeetingState.DRAFT, version=1,
        created_by=actor.subject, created_at=now, changed_at=now,
    )  # fmt: skip
    session.add(meeting)
    await _record(session, actor, meeting, "meeting.draft", now)
    return meeting


async def redraft_meeting(
    session: AsyncSession,
    actor: Actor,
    meeting_id: UUID,
    body: MeetingBody,
    request: Request,
    *,
    now: datetime,
) -> Meeting:
    """Put a draft in place of the draft that was."""
    require_office(actor)
    meeting = await queries.meeting(session, actor, meeting_id, for_update=True)
    require_match(request, meeting.version)
    rules.require_draft(MeetingState(meeting.state))
    _require_sound(body, now)
    for name, value in _columns(body).items():
        setattr(meeting, name, value)
    meeting.version += 1
    await _record(session, actor, meeting, "meeting.redraft", now)
    return meeting


async def move_meeting(
    session: AsyncSession, actor: Actor, meeting_id: UUID, body: MeetingDeed, *, now: datetime
) -> Meeting:
    """Publish the minutes, by which decisions become tasks, or close what was carried out."""
    require_office(actor)
    meeting = await queries.meeting(session, actor, meeting_id, for_update=True)
    state = rules.move(MeetingState(meeting.state), body.event)
    check_version(body.version, meeting.version)
    if body.event is MeetingEvent.PUBLISH:
        minutes = rules.require_minutes(meeting.minutes)
        for number, decision in enumerate(queries.decisions_of(meeting), start=1):
            new = _task_of(decision, f"{minutes}第{number}项", synthetic=meeting.synthetic)
            decided = Decided(meeting.id, number)
            await create_task(session, actor, new, now=now, decided=decided)
    else:
        tasks = await of_meeting(session, meeting.id)
        rules.require_carried_out([t.id for t in tasks if TaskState(t.state) not in ENDED])
    meeting.state = state
    meeting.version += 1
    await _record(session, actor, meeting, f"meeting.{body.event}", now, note=body.note)
    return meeting


def _task_of(decision: DecisionBody, source: str, *, synthetic: bool) -> NewTask:
    said = decision.model_dump(exclude={"text", "text_en"})
    return NewTask(
        **said, title=decision.text, title_en=decision.text_en, source=source, synthetic=synthetic
    )


def _require_sound(body: MeetingBody, now: datetime) -> None:
    """Refuse what could not be published: unknown departments, measures, days that have passed."""
    today = city_day(now)
    if body.held_on > today:
        raise invalid_field(
            "/held_on", "held-in-future", f"会议日期不得晚于今日（{today}）。",
            f"The meeting cannot have been held after today ({today}).",
        )  # fmt: skip
    known = library().departments
    if len(set(body.attendees)) != len(body.attendees) or not known.keys() >= set(body.attendees):
        raise invalid_field(
            "/attendees", "department-unknown",
            f"参加部门须为以下部门且不得重复：{'、'.join(known)}。",
            f"Attendees are departments, each named once; known: {', '.join(known)}.",
        )  # fmt: skip
    for index, each in enumerate(body.decisions):
        place = f"/decisions/{index}"
        require_departments(each.lead, each.support, place)
        require_measure(each.measure, f"{place}/measure")
        if each.due_on is not None and each.due_on < today:
            raise invalid_field(
                f"{place}/due_on", "due-past", f"完成时限不得早于今日（{today}）。",
                f"A task cannot be due before today ({today}).",
            )  # fmt: skip


def _columns(body: MeetingBody) -> dict[str, Any]:
    decisions = [each.model_dump(mode="json") for each in body.decisions]
    return {**body.model_dump(exclude={"decisions"}), "decisions": decisions}


async def _record(
    session: AsyncSession,
    actor: Actor,
    meeting: Meeting,
    action: str,
    now: datetime,
    *,
    note: str = "",
) -> None:
    meeting.changed_at = now
    await session.flush()
    detail = {"state": meeting.state, "version": meeting.version, "minutes": meeting.minutes}
    if note:
        detail["note"] = note
    audit(session, actor, action, "meeting", meeting.id, now=now, detail=detail)
    announce(session, await queries.changed(session, meeting), now=now)
