"""The one place that reads a clock.

Business time may be moved in the demonstration; tokens, leases and back-off use system time.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

CITY = ZoneInfo("Asia/Shanghai")


def system_now() -> datetime:
    """Read the system clock (UTC)."""
    return datetime.now(UTC)


def city_day(instant: datetime) -> date:
    """Give the day in the city's calendar."""
    return instant.astimezone(CITY).date()


class Clock:
    """Business time: the system clock plus what the demonstration moved it by."""

    def __init__(self) -> None:
        self.offset = timedelta(0)
        self._version = 0

    def follow(self, offset_s: int, version: int) -> None:
        """Run this far from the system clock from now on, unless a later move is already known."""
        if version > self._version:
            self.offset, self._version = timedelta(seconds=offset_s), version

    def now(self) -> datetime:
        return system_now() + self.offset

    def today(self) -> date:
        return city_day(self.now())
