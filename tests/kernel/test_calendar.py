"""The working-day calendar, held against two independent packages and the worked cases."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import cast

import chinese_calendar  # pyright: ignore[reportMissingTypeStubs]  # the package has none
import holidays
import pytest

from services.kernel.calendar import Calendar, CalendarInvalid, Deadline

CALENDAR = Calendar.load()
DAYS = [date(2025, 1, 1) + timedelta(days=n) for n in range(730)]
YEAR_2027 = """
year: 2027
published: true
document: 国办发明电〔2026〕0号
holidays: [{zh: 元旦, en: New Year, first: 2026-12-31, last: 2027-01-03}]
working_days: [2027-01-09]
"""


def test_every_day_of_2025_and_2026_agrees_with_chinesecalendar() -> None:
    ours = {day: CALENDAR.is_working_day(day) for day in DAYS}
    is_workday = cast("Callable[[date], bool]", chinese_calendar.is_workday)  # pyright: ignore[reportUnknownMemberType]
    assert ours == {day: is_workday(day) for day in DAYS}
    assert len(ours) == 730


def test_every_day_of_2025_and_2026_agrees_with_holidays() -> None:
    china = holidays.country_holidays("CN", years=[2025, 2026])
    assert {day for day in DAYS if CALENDAR.is_working_day(day)} == {
        day for day in DAYS if china.is_working_day(day)
    }


def test_each_published_year_names_its_notice() -> None:
    assert CALENDAR.schedules[2025].document == "国办发明电〔2024〕12号"
    assert CALENDAR.schedules[2026].document == "国办发明电〔2025〕7号"
    assert not CALENDAR.is_published(2027)
    assert not CALENDAR.is_published(2031)


def test_a_notice_of_five_working_days_ends_on_the_monday_after() -> None:
    assert CALENDAR.add_working_days(date(2026, 11, 2), 5) == Deadline(
        date(2026, 11, 9), provisional=False
    )


@pytest.mark.parametrize(
    ("start", "n", "due"),
    [
        ("2026-11-02", 1, "2026-11-03"),
        ("2026-11-02", 10, "2026-11-16"),
        ("2026-11-16", 10, "2026-11-30"),
        ("2026-11-16", 20, "2026-12-14"),
        ("2026-11-16", 2, "2026-11-18"),
        ("2026-11-16", 5, "2026-11-23"),
        ("2026-11-23", 2, "2026-11-25"),
    ],
)
def test_the_deadlines_of_the_sharing_regulation(start: str, n: int, due: str) -> None:
    deadline = CALENDAR.add_working_days(date.fromisoformat(start), n)
    assert deadline == Deadline(date.fromisoformat(due), provisional=False)


def test_make_up_days_count_and_holidays_do_not() -> None:
    assert CALENDAR.add_working_days(date(2026, 2, 13), 1).day == date(2026, 2, 14)
    assert CALENDAR.add_working_days(date(2026, 2, 14), 1).day == date(2026, 2, 24)
    assert CALENDAR.add_working_days(date(2026, 9, 30), 1).day == date(2026, 10, 8)


def test_a_deadline_that_reaches_an_unpublished_year_is_provisional() -> None:
    assert not CALENDAR.add_working_days(date(2026, 12, 30), 1).provisional
    assert CALENDAR.add_working_days(date(2026, 12, 31), 1) == Deadline(
        date(2027, 1, 1), provisional=True
    )
    assert CALENDAR.add_working_days(date(2028, 1, 6), 0).provisional


def test_counting_undoes_adding() -> None:
    for start in DAYS[::17]:
        for n in (0, 1, 5, 23):
            assert (
                CALENDAR.working_days_between(start, CALENDAR.add_working_days(start, n).day) == n
            )


def test_an_overdue_deadline_counts_negative() -> None:
    assert CALENDAR.working_days_between(date(2026, 11, 9), date(2026, 11, 2)) == -5


@pytest.mark.parametrize("n", [-1, 5001])
def test_a_senseless_number_of_days_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        CALENDAR.add_working_days(date(2026, 11, 2), n)


def test_an_override_folder_publishes_a_year_and_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "2027.yaml").write_text(YEAR_2027, "utf-8")
    calendar = Calendar.load(tmp_path)

    assert calendar.add_working_days(date(2026, 12, 30), 1) == Deadline(
        date(2027, 1, 4), provisional=False
    )
    assert calendar.is_working_day(date(2027, 1, 9))
    assert {day: calendar.is_working_day(day) for day in DAYS[:-1]} == {
        day: CALENDAR.is_working_day(day) for day in DAYS[:-1]
    }


@pytest.mark.parametrize(
    ("replaced", "by", "reason"),
    [
        ("year: 2027", "year: 2028", "holds the year 2028"),
        ("document: 国办发明电〔2026〕0号", "", "without its document"),
        ("[2027-01-09]", "[2027-01-02]", "takes a day off"),
        ("[2027-01-09]", "[2028-01-08]", "another year"),
        ("[2027-01-09]", "[2027-01-11]", "no weekend day"),
        ("first: 2026-12-31", "first: 2027-01-05", "before it begins"),
        ("working_days: [2027-01-09]", "", "not a calendar year"),
        ("year: 2027", "year: [", "not a calendar year"),
        ("[2027-01-09]", "[2027-01-09 08:00:00]", "not a day"),
    ],
)
def test_a_contradictory_override_is_refused(
    tmp_path: Path, replaced: str, by: str, reason: str
) -> None:
    (tmp_path / "2027.yaml").write_text(YEAR_2027.replace(replaced, by), "utf-8")
    with pytest.raises(CalendarInvalid, match=reason):
        Calendar.load(tmp_path)


def test_a_missing_override_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalendarInvalid, match="not a folder"):
        Calendar.load(tmp_path / "absent")
