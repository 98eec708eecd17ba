"""Public notice on plain values: its days, what it shows of whom, and what objections do to it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.kernel.calendar import Calendar, Deadline
from services.kernel.clock import CITY, city_day
from services.kernel.errors import Conflict

# The timers of an item: its days are over, its result is wanted soon, its result is late.
END_TIMER, REMIND_TIMER, OVERDUE_TIMER = "end-notice", "remind-of-result", "result-overdue"
ITEMS_MAX = 500
OBJECTIONS_PER_ITEM_MAX = 500
# What comes of a notice is published within 20 working days; reminded of when 5 of them are left.
RESULT_DAYS = 20
RESULT_REMINDER_DAYS = RESULT_DAYS - 5
ONE_DAY = timedelta(days=1)
# A natural person is shown by the family name alone and without an id; so are the members of teams.
PERSON = "person"
WITHOUT_ID = frozenset({PERSON, "team"})


class ItemState(StrEnum):
    """Whether an item stands in the list; whether its days are over is a matter of the clock."""

    LISTED = "listed"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class ItemResult(StrEnum):
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"


class EditionReason(StrEnum):
    """Why a list was written down: it was published, or what it says changed."""

    PUBLISHED = "published"
    ITEM_REMOVED = "item-removed"
    ITEM_RESUMED = "item-resumed"


class NoticeState(StrEnum):
    RUNNING = "running"
    SUSPENDED = "suspended"
    ENDED = "ended"


class ObjectionState(StrEnum):
    """What became of an objection: `recorded` has no name or no evidence and suspends nothing."""

    RECEIVED = "received"
    RECORDED = "recorded"
    LATE = "late"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


class ObjectionEvent(StrEnum):
    UPHOLD = "uphold"
    DISMISS = "dismiss"


class UpheldOutcome(StrEnum):
    """Where a case goes whose objection is upheld: back to review, or on to be refused."""

    REVIEW = "review"
    REFUSE = "refuse"


NEXT: Mapping[ObjectionState, Mapping[ObjectionEvent, ObjectionState]] = {
    state: {
        ObjectionEvent.UPHOLD: ObjectionState.UPHELD,
        ObjectionEvent.DISMISS: ObjectionState.DISMISSED,
    }
    if state in (ObjectionState.RECEIVED, ObjectionState.RECORDED)
    else {}
    for state in ObjectionState
}
NOTICE_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    NoticeState.RUNNING: ("公示中", "Running"),
    NoticeState.SUSPENDED: ("因异议中止", "Suspended by an objection"),
    NoticeState.ENDED: ("公示期已满", "Over"),
}
ITEM_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    ItemState.LISTED: ("列入", "Listed"),
    ItemState.SUSPENDED: ("因异议中止", "Suspended by an objection"),
    ItemState.REMOVED: ("已移除", "Removed"),
}
# What a page for people has: the columns of a list, and where else to look.
COLUMNS = ("序号", "申报单位", "统一社会信用代码", "拟支持金额", "公示期", "状态或结果")
_FOLLOW = ("/v1/policy/notices/feed", "订阅", "：JSON Feed，或RSS")
BACK = (
    ("/v1/policy/notices", "正在公示", ""),
    ("/v1/policy/notices?state=ended", "往期公示及结果", ""),
)
# By whether the notices are over: the title of their list, what it says when empty, the ways on.
LISTS = {
    False: ("两新政策公示", "目前没有正在公示的项目。", (BACK[1], _FOLLOW)),
    True: ("两新政策往期公示及结果", "尚无已结束的公示。", (BACK[0], _FOLLOW)),
}
DEMONSTRATION_MARK = "演示公示，不具有法律效力"
NOT_IN_FORCE_MARK = "所依据的方案尚未施行"
OBJECTION_STATE_NAMES: Mapping[str, tuple[str, str]] = {
    ObjectionState.RECEIVED: ("已受理，待核查", "Received, to be examined"),
    ObjectionState.RECORDED: ("已登记，不中止公示", "Recorded, suspends nothing"),
    ObjectionState.LATE: ("逾期，视为无异议", "Late, counts as no objection"),
    ObjectionState.UPHELD: ("异议成立", "Upheld"),
    ObjectionState.DISMISSED: ("异议不成立", "Dismissed"),
}
_HANDLED = (
    "该异议已办理，答复可凭回执查询。",
    "This objection has been handled; its reply can be read by the receipt.",
)
# What an objector is told; a late objection is refused in words of its own.
RECEIPT_WORDS: Mapping[ObjectionState, tuple[str, str]] = {
    ObjectionState.RECEIVED: (
        "异议已受理，该项公示中止；办理部门核查后书面答复，可凭本回执查询。",
        "Received; the item is suspended while the department examines it and replies.",
    ),
    ObjectionState.RECORDED: (
        "意见已登记。未实名或未附证据的异议不中止公示；补齐后请在公示期内重新提交。",
        "On record. Without name and evidence it suspends nothing; complete it and send it again.",
    ),
    ObjectionState.UPHELD: _HANDLED,
    ObjectionState.DISMISSED: _HANDLED,
}
RESULT_NAMES: Mapping[str, tuple[str, str]] = {
    ItemResult.APPROVED: ("批准", "Approved"),
    ItemResult.REFUSED: ("不予批准", "Refused"),
    ItemResult.WITHDRAWN: ("申请单位撤回", "Withdrawn by the applicant"),
    ItemResult.REVOKED: ("批准后撤销", "Approved, then revoked"),
}


@dataclass(frozen=True)
class NoticePeriod:
    """The days of a public notice: the day of publication is not one of them (民法典第201条)."""

    published_on: date
    first_day: date
    last_day: date
    ends_at: datetime
    provisional: bool


def notice_period(published_on: date, days: int, calendar: Calendar) -> NoticePeriod:
    """Count working days from the day after publication; objections are in time until the last."""
    last = calendar.add_working_days(published_on, days)
    return NoticePeriod(
        published_on=published_on,
        first_day=calendar.add_working_days(published_on, 1).day,
        last_day=last.day,
        ends_at=midnight(last.day + ONE_DAY),
        provisional=last.provisional,
    )


def midnight(day: date) -> datetime:
    """Give the instant at which a day of the city begins."""
    return datetime(day.year, day.month, day.day, tzinfo=CITY)


def decision_day(last_day: date, calendar: Calendar) -> date:
    """Give the first day on which it may be decided: the next working day after the notice."""
    return calendar.add_working_days(last_day, 1).day


def result_deadline(last_day: date, calendar: Calendar) -> Deadline:
    """Give the last day for publishing what came of a notice."""
    return calendar.add_working_days(last_day, RESULT_DAYS)


def days_left(now: datetime, first_day: date, last_day: date, calendar: Calendar) -> int:
    """Count the days that a suspended notice still has to run.

    The day on which it stops was not run to its end, so it counts again.
    """
    stopped_on = max(city_day(now), first_day)
    return calendar.working_days_between(stopped_on - ONE_DAY, last_day)


def require_notice_over(last_day: date, calendar: Calendar, now: datetime) -> None:
    """Decide only from the next working day after the last day of the notice."""
    first = decision_day(last_day, calendar)
    if now < midnight(first):
        raise Conflict(
            f"公示至{last_day}止，{first}起方可决定。",
            f"The notice runs until {last_day}; it may be decided from {first}.",
            code="notice-running",
        )


def shown_name(kind: str, name: str) -> str:
    """Show organisations in full, and of a natural person the family name: 张*."""
    return f"{name[:1]}*" if kind == PERSON else name


def shown_contact(contact: str) -> str:
    """Show that there is a contact, and not whose."""
    return "****" if contact else ""


def suspends(name: str, evidence: list[str]) -> bool:
    """Tell whether an objection in time stops the notice: it is signed, and brings evidence."""
    return bool(name) and bool(evidence)


def receipt_of(objection_id: str, on: date) -> str:
    """Make the number by which an objection is spoken of."""
    return f"YY{on:%Y%m%d}-{objection_id[-8:].upper()}"


def in_order(cases: Iterable[UUID], places: Mapping[UUID, int]) -> list[UUID]:
    """Order a list for the public: by rank where there is one, else as they were begun."""
    return sorted(cases, key=lambda each: (each not in places, places.get(each, 0), each))


def move(state: ObjectionState, event: ObjectionEvent) -> ObjectionState:
    """Give the state that handling leads to, or say how the objection stands."""
    if event not in NEXT[state]:
        zh, en = OBJECTION_STATE_NAMES[state]
        raise Conflict(
            f"该异议的状态为“{zh}”，不再办理。",
            f"This objection is not to be handled any more: {en.lower()}.",
            code="objection-closed",
        )
    return NEXT[state][event]


def late(receipt: str, location: str) -> Conflict:
    """Answer an objection that came after the last day, or to what is listed no more."""
    return Conflict(
        f"公示期已满或该项已不在公示中，视为无异议；您的意见已登记，回执编号{receipt}，不中止办理。",
        f"The notice of this item is over, so this counts as no objection; it is on record under"
        f" {receipt} and suspends nothing.",
        code="objection-late",
        headers={"Location": location},
    )
