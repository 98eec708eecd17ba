"""Tasks on plain values: what may happen to one, when it is late, and when its next one begins."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.kernel.actors import Actor, Role
from services.kernel.calendar import Calendar
from services.kernel.errors import Conflict, Forbidden, invalid_field

# The office that directs the board (市府办): it reads all, assigns, and is the last to be told.
OFFICE = "zfb"
STAFF = (Role.REGISTRAR, Role.REVIEWER, Role.APPROVER)
FULL_BP = 10_000
# A clock that is moved far ahead begins no more of a series at once.
PERIODS_MAX = 60


class Origin(StrEnum):
    PLAN = "plan"
    MEETING = "meeting"
    PERSON = "person"


class TaskState(StrEnum):
    """`recurring` is a series: the work itself is done in the instances that it begins."""

    OPEN = "open"
    RECURRING = "recurring"
    IN_PROGRESS = "in-progress"
    BLOCKED = "blocked"
    DONE = "done"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    CANCELLED = "cancelled"


class TaskEvent(StrEnum):
    START = "start"
    REPORT = "report"
    ATTACH = "attach"
    BLOCK = "block"
    UNBLOCK = "unblock"
    FINISH = "finish"
    ACCEPT = "accept"
    RETURN = "return"
    SCHEDULE = "schedule"
    ASSIGN = "assign"
    CANCEL = "cancel"


class SystemEvent(StrEnum):
    SEEDED = "seeded"
    CREATED = "created"
    SPAWNED = "spawned"
    AMENDED = "amended"
    TEXT_CHANGED = "text-changed"
    LEFT_PLAN = "left-plan"
    REMINDED = "reminded"


class Part(StrEnum):
    """What someone is to a task."""

    LEAD = "lead"
    SUPPORT = "support"
    LEAD_APPROVER = "lead-approver"
    OFFICE = "office"
    OFFICE_APPROVER = "office-approver"


class Alert(StrEnum):
    """How far a task's lateness has been told, in this order."""

    NONE = "none"
    DUE_SOON = "due-soon"
    OVERDUE = "overdue"
    LEAD_APPROVER = "lead-approver"
    OFFICE = "office"


class Risk(StrEnum):
    BEHIND = "behind"
    SILENT = "silent"


class Every(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    HALF_YEAR = "half-year"
    YEAR = "year"


UNFINISHED = (TaskState.OPEN, TaskState.IN_PROGRESS, TaskState.BLOCKED, TaskState.RETURNED)
FINISHED = (TaskState.DONE, TaskState.ACCEPTED)
ENDED = (TaskState.ACCEPTED, TaskState.CANCELLED)
MONTHS: Mapping[Every, int] = {
    Every.MONTH: 1, Every.QUARTER: 3, Every.HALF_YEAR: 6, Every.YEAR: 12,
}  # fmt: skip

_E, _S = TaskEvent, TaskState
NEXT: Mapping[TaskState, Mapping[TaskEvent, TaskState]] = {
    _S.OPEN: {
        _E.START: _S.IN_PROGRESS, _E.ATTACH: _S.OPEN, _E.BLOCK: _S.BLOCKED,
        _E.SCHEDULE: _S.OPEN, _E.ASSIGN: _S.OPEN, _E.CANCEL: _S.CANCELLED,
    },
    _S.RECURRING: {
        _E.SCHEDULE: _S.RECURRING, _E.ASSIGN: _S.RECURRING, _E.CANCEL: _S.CANCELLED,
    },
    _S.IN_PROGRESS: {
        _E.REPORT: _S.IN_PROGRESS, _E.ATTACH: _S.IN_PROGRESS, _E.BLOCK: _S.BLOCKED,
        _E.FINISH: _S.DONE, _E.SCHEDULE: _S.IN_PROGRESS, _E.ASSIGN: _S.IN_PROGRESS,
        _E.CANCEL: _S.CANCELLED,
    },
    _S.BLOCKED: {
        _E.REPORT: _S.BLOCKED, _E.ATTACH: _S.BLOCKED, _E.UNBLOCK: _S.IN_PROGRESS,
        _E.SCHEDULE: _S.BLOCKED, _E.ASSIGN: _S.BLOCKED, _E.CANCEL: _S.CANCELLED,
    },
    _S.DONE: {_E.ACCEPT: _S.ACCEPTED, _E.RETURN: _S.RETURNED},
    _S.RETURNED: {
        _E.START: _S.IN_PROGRESS, _E.ATTACH: _S.RETURNED, _E.SCHEDULE: _S.RETURNED,
        _E.ASSIGN: _S.RETURNED, _E.CANCEL: _S.CANCELLED,
    },
    _S.ACCEPTED: {},
    _S.CANCELLED: {},
}  # fmt: skip
_LEAD = frozenset({Part.LEAD})
_TEAM = frozenset({Part.LEAD, Part.SUPPORT})
_JUDGE = frozenset({Part.LEAD_APPROVER, Part.OFFICE_APPROVER})
WHO: Mapping[TaskEvent, frozenset[Part]] = {
    _E.START: _LEAD, _E.REPORT: _TEAM, _E.ATTACH: _TEAM, _E.BLOCK: _LEAD, _E.UNBLOCK: _LEAD,
    _E.FINISH: _LEAD, _E.ACCEPT: _JUDGE, _E.RETURN: _JUDGE,
    _E.SCHEDULE: frozenset({Part.LEAD, Part.OFFICE}), _E.ASSIGN: frozenset({Part.OFFICE}),
    _E.CANCEL: frozenset({Part.LEAD_APPROVER, Part.OFFICE}),
}  # fmt: skip
# Whoever did one of these has a hand in the work, and does not judge it.
WORK = frozenset({_E.REPORT, _E.ATTACH, _E.FINISH})
JUDGEMENT = frozenset({_E.ACCEPT, _E.RETURN})
NEEDS_NOTE = frozenset({_E.REPORT, _E.BLOCK, _E.RETURN, _E.SCHEDULE, _E.ASSIGN, _E.CANCEL})

STATE_NAMES: Mapping[str, tuple[str, str]] = {
    _S.OPEN: ("未开始", "Open"), _S.RECURRING: ("定期任务", "Recurring"),
    _S.IN_PROGRESS: ("进行中", "In progress"), _S.BLOCKED: ("受阻", "Blocked"),
    _S.DONE: ("已完成待验收", "Done, to be accepted"), _S.RETURNED: ("退回", "Returned"),
    _S.ACCEPTED: ("已验收", "Accepted"), _S.CANCELLED: ("已取消", "Cancelled"),
}  # fmt: skip
EVENT_NAMES: Mapping[str, tuple[str, str]] = {
    _E.START: ("开始", "Start"), _E.REPORT: ("报告进展", "Report"),
    _E.ATTACH: ("附凭证", "Attach evidence"), _E.BLOCK: ("报受阻", "Block"),
    _E.UNBLOCK: ("解除受阻", "Unblock"), _E.FINISH: ("报完成", "Finish"),
    _E.ACCEPT: ("验收", "Accept"), _E.RETURN: ("退回", "Return"),
    _E.SCHEDULE: ("定时限", "Schedule"), _E.ASSIGN: ("交办", "Assign"),
    _E.CANCEL: ("取消", "Cancel"), SystemEvent.SEEDED: ("列入任务板", "Put on the board"),
    SystemEvent.CREATED: ("新建", "Created"), SystemEvent.SPAWNED: ("按期生成", "Begun in turn"),
    SystemEvent.AMENDED: ("修改文字", "Amended"),
    SystemEvent.TEXT_CHANGED: ("方案文字变更", "Text of the plan changed"),
    SystemEvent.LEFT_PLAN: ("不再列入方案", "No longer in the plan"),
    SystemEvent.REMINDED: ("提醒", "Reminded"),
}  # fmt: skip
ALERT_NAMES: Mapping[str, tuple[str, str]] = {
    Alert.NONE: ("无", "None"), Alert.DUE_SOON: ("临期", "Due soon"),
    Alert.OVERDUE: ("逾期", "Overdue"),
    Alert.LEAD_APPROVER: ("已报牵头部门审批人", "Told the lead's approver"),
    Alert.OFFICE: ("已报市府办", "Told the government office"),
}  # fmt: skip
RISK_NAMES: Mapping[str, tuple[str, str]] = {
    Risk.BEHIND: ("进度落后于时间", "Progress behind time"),
    Risk.SILENT: ("久未报告", "No report for long"),
}
ORIGIN_NAMES: Mapping[str, tuple[str, str]] = {
    Origin.PLAN: ("行动方案", "The plan"), Origin.MEETING: ("联席会议", "A meeting"),
    Origin.PERSON: ("部门自列", "A department"),
}  # fmt: skip
EVERY_NAMES: Mapping[str, tuple[str, str]] = {
    Every.MONTH: ("每月", "Every month"), Every.QUARTER: ("每季度", "Every quarter"),
    Every.HALF_YEAR: ("每半年", "Every half-year"), Every.YEAR: ("每年", "Every year"),
}  # fmt: skip


@dataclass(frozen=True)
class BoardRule:
    """The numbers by which the board judges and tells, as they stand on a day."""

    behind_bp: int
    silent_days: int
    remind_days: int
    lead_days: int
    office_days: int


@dataclass(frozen=True)
class Progress:
    """What lateness and risk are judged by."""

    state: TaskState
    begins_on: date
    due_on: date | None
    reported_on: date | None
    reported_bp: int

    @property
    def effective_bp(self) -> int:
        """Count what is finished as whole, whatever was last reported."""
        return FULL_BP if self.state in FINISHED else self.reported_bp


@dataclass(frozen=True)
class Period:
    key: str
    first: date
    last: date


def parts_of(actor: Actor, lead: str, support: Collection[str]) -> frozenset[Part]:
    """Tell what the actor is to a task: by department, role, and the office that directs."""
    if actor.department is None or not actor.has(*STAFF):
        return frozenset()
    found: set[Part] = set()
    is_approver = actor.has(Role.APPROVER)
    if actor.department == lead:
        found |= {Part.LEAD, Part.LEAD_APPROVER} if is_approver else {Part.LEAD}
    elif actor.department in support:
        found.add(Part.SUPPORT)
    if actor.department == OFFICE:
        found |= {Part.OFFICE, Part.OFFICE_APPROVER} if is_approver else {Part.OFFICE}
    return frozenset(found)


def directs(actor: Actor) -> bool:
    """Tell whether the actor is of the office that directs the board."""
    return actor.department == OFFICE and actor.has(*STAFF)


def allowed(state: TaskState, parts: Collection[Part], *, has_worked: bool) -> list[TaskEvent]:
    """List what someone may do to a task in this state."""
    return [
        event
        for event in NEXT[state]
        if not WHO[event].isdisjoint(parts) and not (has_worked and event in JUDGEMENT)
    ]


def move(state: TaskState, event: TaskEvent, parts: Collection[Part]) -> TaskState:
    """Give the state after an event; refuse what the state or the person does not allow."""
    if WHO[event].isdisjoint(parts):
        raise Forbidden(
            "这项任务不由您办理此事项：牵头、配合部门各报其事，验收由审批人办理，交办由市府办办理。",
            "This is not yours to do: departments report their own work, an approver accepts it,"
            " the government office assigns.",
            code="not-your-task",
        )
    if event not in NEXT[state]:
        names = [EVENT_NAMES[each] for each in NEXT[state]]
        zh, en = STATE_NAMES[state]
        raise Conflict(
            f"任务处于“{zh}”状态，不能{EVENT_NAMES[event][0]}；"
            f"可办理：{'、'.join(name[0] for name in names) or '无'}。",
            f"The task is “{en}” and does not take “{EVENT_NAMES[event][1]}”; allowed: "
            f"{', '.join(name[1] for name in names) or 'none'}.",
            code="event-not-allowed",
        )
    return NEXT[state][event]


def require_other_person(subject: str, workers: Collection[str]) -> None:
    """Refuse the judgement of whoever had a hand in the work."""
    if subject in workers:
        raise Forbidden(
            "验收须由未参与办理的另一人进行。",
            "A task is accepted or returned by someone who had no hand in it.",
            code="four-eyes",
        )


def require_note(event: TaskEvent, note: str) -> None:
    if event in NEEDS_NOTE and not note.strip():
        raise invalid_field(
            "/note", "note-required", f"{EVENT_NAMES[event][0]}须写明情况或理由。",
            f"“{EVENT_NAMES[event][1]}” needs a note that says how it stands, or why.",
        )  # fmt: skip


def require_evidence(count: int) -> None:
    """Refuse to call finished what nothing proves."""
    if not count:
        raise Conflict(
            "尚未附办结凭证，不能报完成；请先附凭证。",
            "Nothing proves that the task is done; attach evidence first.",
            code="evidence-missing",
        )


def require_future(due_on: date, today: date) -> None:
    if due_on < today:
        raise invalid_field(
            "/due_on", "due-past", f"完成时限不得早于今日（{today}）。",
            f"A task cannot be due before today ({today}).",
        )  # fmt: skip


def is_overdue(at: Progress, today: date) -> bool:
    return at.state in UNFINISHED and at.due_on is not None and at.due_on < today


def risks(at: Progress, rule: BoardRule, today: date) -> list[Risk]:
    """Name why a task that is not late yet may become so."""
    if at.state not in UNFINISHED or is_overdue(at, today):
        return []
    found: list[Risk] = []
    if at.due_on is not None:
        elapsed = (today - at.begins_on).days * FULL_BP
        # Whole numbers, so that the database says the same.
        if elapsed > (at.reported_bp + rule.behind_bp) * (at.due_on - at.begins_on).days:
            found.append(Risk.BEHIND)
    if (today - (at.reported_on or at.begins_on)).days > rule.silent_days:
        found.append(Risk.SILENT)
    return found


def alert_of(at: Progress, rule: BoardRule, calendar: Calendar, today: date) -> Alert:
    """Tell who should have been told by today, counted in working days."""
    if at.state not in UNFINISHED or at.due_on is None:
        return Alert.NONE
    days_left = calendar.working_days_between(today, at.due_on)
    if not is_overdue(at, today):
        return Alert.DUE_SOON if days_left <= rule.remind_days else Alert.NONE
    if -days_left >= rule.office_days:
        return Alert.OFFICE
    return Alert.LEAD_APPROVER if -days_left >= rule.lead_days else Alert.OVERDUE


def is_worse(alert: Alert, than: Alert) -> bool:
    order = list(Alert)
    return order.index(alert) > order.index(than)


def period_of(every: Every, day: date) -> Period:
    """Find the month, quarter, half-year or year that a day lies in."""
    months = MONTHS[every]
    index = (day.month - 1) // months
    first = date(day.year, index * months + 1, 1)
    after = index * months + months
    last = date(day.year + after // 12, after % 12 + 1, 1) - timedelta(days=1)
    names = {
        Every.MONTH: f"-{day.month:02}",
        Every.QUARTER: f"-Q{index + 1}",
        Every.HALF_YEAR: f"-H{index + 1}",
        Every.YEAR: "",
    }
    return Period(f"{day.year}{names[every]}", first, last)


def periods_since(every: Every, since: date, today: date) -> Iterator[Period]:
    """Go through the periods from one day's to another's, the earliest first."""
    found = period_of(every, since)
    for _ in range(PERIODS_MAX):
        if found.first > today:
            return
        yield found
        found = period_of(every, found.last + timedelta(days=1))
