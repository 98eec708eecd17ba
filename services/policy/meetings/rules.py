"""What may happen to a meeting, and what it needs."""

from collections.abc import Collection, Mapping
from enum import StrEnum

from services.kernel.errors import Conflict


class MeetingState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    CLOSED = "closed"


class MeetingEvent(StrEnum):
    PUBLISH = "publish"
    CLOSE = "close"


NEXT: Mapping[MeetingState, Mapping[MeetingEvent, MeetingState]] = {
    MeetingState.DRAFT: {MeetingEvent.PUBLISH: MeetingState.PUBLISHED},
    MeetingState.PUBLISHED: {MeetingEvent.CLOSE: MeetingState.CLOSED},
    MeetingState.CLOSED: {},
}
STATE_NAMES: Mapping[str, tuple[str, str]] = {
    MeetingState.DRAFT: ("草稿", "Draft"),
    MeetingState.PUBLISHED: ("纪要已印发", "Minutes published"),
    MeetingState.CLOSED: ("议定事项已办结", "Decisions carried out"),
}
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    MeetingEvent.PUBLISH: ("印发", "Publish"),
    MeetingEvent.CLOSE: ("办结", "Close"),
}


def move(state: MeetingState, event: MeetingEvent) -> MeetingState:
    """Give the state after an event, or say which events the state allows."""
    if event not in NEXT[state]:
        names = [EVENT_NAMES[each] for each in NEXT[state]]
        zh, en = STATE_NAMES[state]
        raise Conflict(
            f"会议处于“{zh}”状态，不能{EVENT_NAMES[event][0]}；"
            f"可办理：{'、'.join(name[0] for name in names) or '无'}。",
            f"The meeting is “{en}” and does not take “{EVENT_NAMES[event][1]}”; allowed: "
            f"{', '.join(name[1] for name in names) or 'none'}.",
            code="event-not-allowed",
        )
    return NEXT[state][event]


def require_minutes(minutes: str | None) -> str:
    """Refuse to publish what has no number: tasks name the minutes as their source."""
    if not minutes:
        raise Conflict(
            "尚未填写会议纪要编号，不能印发。",
            "The number of the minutes is missing; it comes first.",
            code="minutes-missing",
        )
    return minutes


def require_draft(state: MeetingState) -> None:
    if state is not MeetingState.DRAFT:
        raise Conflict(
            "会议纪要已印发，不能修改；议定事项的变动请在任务上办理。",
            "The minutes are published and stay; changes are made to the tasks.",
            code="meeting-published",
        )


def require_carried_out(open_tasks: Collection[str]) -> None:
    """Refuse to close while a decision is still being carried out."""
    if open_tasks:
        raise Conflict(
            f"尚有{len(open_tasks)}项议定事项未验收或取消，不能办结。",
            f"{len(open_tasks)} decision(s) are neither accepted nor cancelled yet.",
            code="decisions-open",
        )
