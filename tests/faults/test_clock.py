"""F18: neither a leap day nor the summer time of wherever a process runs moves a deadline."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from services.kernel.calendar import Calendar
from services.kernel.clock import CITY, city_day
from services.policy.notices.rules import notice_period
from tests.faults.report import held

# The last three have a summer time; one of them changes it by half an hour.
ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe")
BEIJING = timedelta(hours=8)
HOURS = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(8760)]
DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
NOTICE_DAYS = 5
CALENDAR = Calendar.load()


@pytest.fixture
def zones(monkeypatch: pytest.MonkeyPatch) -> Iterator[Iterator[str]]:
    """Run this process in one zone after the other."""

    def each() -> Iterator[str]:
        for zone in ZONES:
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            yield zone

    yield each()
    monkeypatch.undo()
    time.tzset()


def test_no_summer_time_moves_a_day_or_a_deadline(zones: Iterator[str]) -> None:
    shifted: set[str] = set()
    wrong: list[str] = []
    tried = 0
    for zone in zones:
        shifted |= {zone} if len({hour.astimezone().utcoffset() for hour in HOURS}) > 1 else set()
        wrong += [f"{zone} {h}" for h in HOURS if city_day(h.astimezone()) != (h + BEIJING).date()]
        for day in DAYS:
            period = notice_period(day, NOTICE_DAYS, CALENDAR)
            midnight = datetime.combine(period.last_day, datetime.min.time(), UTC) - BEIJING
            if period.ends_at != midnight + timedelta(days=1):
                wrong.append(f"{zone} {day} {period}")
        tried += len(HOURS) + len(DAYS)
    held("F18", "days and deadlines, in zones with a summer time", tries=tried, lost=len(wrong),
         double=0, note=f"{len(ZONES)} zones, {len(shifted)} of them shift")  # fmt: skip
    assert len(shifted) == 3
    assert wrong == []


def test_a_leap_day_is_a_working_day_like_another() -> None:
    leap = date(2028, 2, 29)
    assert CALENDAR.add_working_days(date(2028, 2, 28), 1).day == leap
    assert CALENDAR.add_working_days(date(2028, 2, 28), 2).day == date(2028, 3, 1)
    assert CALENDAR.add_working_days(date(2027, 2, 26), 1).day == date(2027, 3, 1)
    assert CALENDAR.working_days_between(date(2028, 2, 28), date(2028, 3, 1)) == 2
    period = notice_period(date(2028, 2, 23), NOTICE_DAYS, CALENDAR)
    assert (period.last_day, period.provisional) == (date(2028, 3, 1), True)
    assert city_day(datetime(2028, 2, 29, 15, 59, tzinfo=UTC)) == leap
    assert city_day(datetime(2028, 2, 29, 16, tzinfo=UTC)) == date(2028, 3, 1)
    assert period.ends_at == datetime(2028, 3, 2, tzinfo=CITY)
