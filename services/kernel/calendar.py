"""Working days of the State Council's calendar: data by year, replaced by an override folder.

A year without a published notice knows weekends only, and a deadline that reaches one is marked
provisional, so that nobody takes it for final.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from services.kernel.yaml_text import parse_yaml

PACKAGED = Path(__file__).parent / "calendar_data"
WORKING_DAYS_MAX = 5000
SATURDAY = 5
ONE_DAY = timedelta(days=1)


class CalendarInvalid(ValueError):
    """A calendar file that contradicts itself: the process refuses to start on it."""


@dataclass(frozen=True)
class Deadline:
    """A last day, and whether it hangs on a year whose notice is not yet published."""

    day: date
    provisional: bool


@dataclass(frozen=True)
class Schedule:
    """One year: which days the notice takes off and which weekend days it makes working days."""

    year: int
    published: bool
    document: str
    days_off: frozenset[date]
    make_up_days: frozenset[date]


class Calendar:
    def __init__(self, schedules: Iterable[Schedule]) -> None:
        self.schedules: Mapping[int, Schedule] = {each.year: each for each in schedules}
        self._off = frozenset[date]().union(*(each.days_off for each in self.schedules.values()))
        self._made_up = frozenset[date]().union(
            *(each.make_up_days for each in self.schedules.values())
        )

    @classmethod
    def load(cls, override_dir: Path | None = None) -> "Calendar":
        """Read the years of the package; a file of the folder replaces the year it names."""
        texts = _texts(PACKAGED)
        if override_dir is not None:
            texts |= _texts(override_dir)
        return cls(_schedule(name, text) for name, text in texts.items())

    def is_published(self, year: int) -> bool:
        return year in self.schedules and self.schedules[year].published

    def is_working_day(self, day: date) -> bool:
        return day in self._made_up or (day.weekday() < SATURDAY and day not in self._off)

    def add_working_days(self, start: date, n: int) -> Deadline:
        """Give the n-th working day; the first day is not counted (民法典第201条)."""
        if not 0 <= n <= WORKING_DAYS_MAX:
            raise ValueError(f"between 0 and {WORKING_DAYS_MAX} working days, not {n}")
        day, left = start, n
        while left:
            day += ONE_DAY
            left -= self.is_working_day(day)
        return Deadline(day, provisional=not self._all_published(start, day))

    def working_days_between(self, start: date, end: date) -> int:
        """Count working days after the start up to the end; negative when the end is past."""
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.is_working_day(day) for day in _days_after(start, end))

    def _all_published(self, first: date, last: date) -> bool:
        return all(self.is_published(year) for year in range(first.year, last.year + 1))


def _days_after(start: date, end: date) -> Iterator[date]:
    return (start + timedelta(days=n) for n in range(1, (end - start).days + 1))


def _texts(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise CalendarInvalid(f"{folder} is not a folder")
    return {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.yaml"))}


@cache
def _schedule(name: str, text: str) -> Schedule:
    try:
        raw = cast("dict[str, object]", parse_yaml(text))
        holidays = cast("list[dict[str, object]]", raw["holidays"])
        schedule = Schedule(
            year=int(cast("int", raw["year"])),
            published=raw["published"] is True,
            document=str(raw.get("document", "")),
            days_off=frozenset(day for holiday in holidays for day in _holiday_days(holiday)),
            make_up_days=frozenset(map(_day, cast("list[object]", raw["working_days"]))),
        )
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise CalendarInvalid(f"{name} is not a calendar year: {error}") from error
    _require_consistent(name, schedule)
    return schedule


def _day(value: object) -> date:
    if type(value) is not date:
        raise ValueError(f"{value!r} is not a day")
    return value


def _holiday_days(holiday: Mapping[str, object]) -> Iterator[date]:
    first, last = _day(holiday["first"]), _day(holiday["last"])
    if last < first:
        raise ValueError(f"a holiday ends on {last}, before it begins on {first}")
    return _days_after(first - ONE_DAY, last)


def _require_consistent(name: str, schedule: Schedule) -> None:
    if name != f"{schedule.year}.yaml":
        raise CalendarInvalid(f"{name} holds the year {schedule.year}")
    if schedule.published and not (schedule.document and schedule.days_off):
        raise CalendarInvalid(f"{name} is published without its document or its holidays")
    if schedule.days_off & schedule.make_up_days:
        raise CalendarInvalid(f"{name} takes a day off and makes it a working day")
    # The New Year holiday of a notice may begin in the last days of the year before it.
    earliest, latest = date(schedule.year - 1, 12, 1), date(schedule.year, 12, 31)
    for day in schedule.days_off | schedule.make_up_days:
        if not earliest <= day <= latest:
            raise CalendarInvalid(f"{name} names {day}, a day of another year")
    for day in schedule.make_up_days:
        if day.weekday() < SATURDAY:
            raise CalendarInvalid(f"{name} makes up on {day}, which is no weekend day")
