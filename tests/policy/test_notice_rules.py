"""Public notice on plain values: days, days that are left, results, masks, states."""

from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.kernel.calendar import Calendar
from services.kernel.clock import CITY
from services.kernel.errors import Conflict
from services.policy.notices import rules
from services.policy.notices.models import NoticeItem
from services.policy.notices.queries import state_of
from services.policy.notices.rules import ObjectionEvent, ObjectionState

CALENDAR = Calendar.load()
FIRST, LAST = date(2026, 11, 3), date(2026, 11, 9)


def at(day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=CITY)


def test_wc_26_five_working_days_from_the_day_after_publication() -> None:
    period = rules.notice_period(date(2026, 11, 2), 5, CALENDAR)
    assert (period.first_day, period.last_day) == (FIRST, LAST)
    assert period.ends_at == datetime(2026, 11, 10, tzinfo=CITY)
    assert rules.decision_day(LAST, CALENDAR) == date(2026, 11, 10)


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (at(2, 15), 5),  # published and disputed on the same day: none of its days has begun
        (at(3, 0), 5),
        (at(6, 23, 59), 2),
        (at(7), 1),  # a Saturday
        (at(9, 23), 1),  # WC-26
    ],
)
def test_the_day_on_which_a_notice_stops_counts_again(now: datetime, left: int) -> None:
    assert rules.days_left(now, FIRST, LAST, CALENDAR) == left


def test_it_resumes_on_the_day_after_the_dismissal() -> None:
    resumed = rules.notice_period(date(2026, 11, 12), 1, CALENDAR)
    assert (resumed.first_day, resumed.last_day) == (date(2026, 11, 13), date(2026, 11, 13))
    assert rules.decision_day(resumed.last_day, CALENDAR) == date(2026, 11, 16)


def test_a_notice_that_ends_on_a_friday_is_decided_on_the_monday() -> None:
    friday = date(2026, 11, 6)
    for day in (7, 8):
        with pytest.raises(Conflict, match="2026-11-09") as refused:
            rules.require_notice_over(friday, CALENDAR, at(day))
        assert refused.value.code == "notice-running"
    rules.require_notice_over(friday, CALENDAR, at(9, 0))


def test_the_result_is_due_within_twenty_working_days() -> None:
    due = rules.result_deadline(LAST, CALENDAR)
    assert (due.day, due.provisional) == (date(2026, 12, 7), False)
    assert rules.result_deadline(date(2026, 12, 28), CALENDAR).provisional


def test_a_person_is_shown_by_the_family_name_and_a_firm_in_full() -> None:
    assert rules.shown_name("person", "张三丰") == "张*"
    assert rules.shown_name("person", "李四") == "李*"
    assert rules.shown_name("firm", "慈溪市示范有限公司") == "慈溪市示范有限公司"
    assert rules.shown_contact("13800000000") == "****"
    assert rules.shown_contact("") == ""


def test_only_a_signed_objection_with_evidence_suspends() -> None:
    assert rules.suspends("张三", ["年报"])
    assert not rules.suspends("", ["年报"])
    assert not rules.suspends("张三", [])


@pytest.mark.parametrize("state", list(ObjectionState))
@pytest.mark.parametrize("event", list(ObjectionEvent))
def test_what_is_handled_or_late_is_not_handled_again(
    state: ObjectionState, event: ObjectionEvent
) -> None:
    if state in (ObjectionState.RECEIVED, ObjectionState.RECORDED):
        reached = {"uphold": ObjectionState.UPHELD, "dismiss": ObjectionState.DISMISSED}
        assert rules.move(state, event) is reached[event]
        return
    with pytest.raises(Conflict) as refused:
        rules.move(state, event)
    assert refused.value.code == "objection-closed"


@pytest.mark.parametrize(
    ("items", "state"),
    [
        ([("listed", None), ("suspended", None)], "running"),
        ([("listed", "withdrawn"), ("suspended", None)], "suspended"),
        ([("listed", "approved")], "ended"),
        ([], "ended"),
    ],
)
def test_a_list_runs_while_one_of_its_items_does(items: list[Any], state: str) -> None:
    rows = [SimpleNamespace(state=s, result=r, ends_at=at(10, 0)) for s, r in items]
    assert state_of(cast("list[NoticeItem]", rows), at(9)) == state
    over = "suspended" if any(s == "suspended" for s, _ in items) else "ended"
    assert state_of(cast("list[NoticeItem]", rows), at(10, 0)) == over
