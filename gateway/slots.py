"""How many requests may be under way at once: in all, for one caller, for one service."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from gateway.paths import Work
from gateway.settings import GatewaySettings

Full = Literal["callers", "service"]


class Lane(Enum):
    """What is counted together, so that what stays long takes no place of what is short."""

    PLAIN = "plain"
    FILE = "file"
    STREAM = "stream"


_LANES = {Work.UPLOAD: Lane.FILE, Work.DOWNLOAD: Lane.FILE, Work.STREAM: Lane.STREAM}


def lane_of(work: Work) -> Lane:
    """Tell in which lane a kind of work is counted."""
    return _LANES.get(work, Lane.PLAIN)


@dataclass
class _Count:
    """What is under way in a lane, and how much of it may be."""

    total_max: int
    caller_max: int
    total: int = 0
    callers: dict[str, int] = field(default_factory=dict[str, int])

    def is_full(self, caller: str) -> bool:
        return self.total >= self.total_max or self.callers.get(caller, 0) >= self.caller_max


class Slots:
    """Counts plain requests, files and live streams apart.

    A stream stays for hours and costs little; a slow sender of a file stays for a minute.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self._service_max = settings.in_flight_per_service_max
        self._lanes = {
            Lane.PLAIN: _Count(settings.in_flight_max, settings.in_flight_per_caller_max),
            Lane.FILE: _Count(settings.files_max, settings.files_per_caller_max),
            Lane.STREAM: _Count(settings.streams_max, settings.streams_per_caller_max),
        }
        self._services: dict[str, int] = {}

    def in_flight(self, service: str) -> int:
        """Give the number of plain requests at a service."""
        return self._services.get(service, 0)

    def enter(self, caller: str, service: str, lane: Lane) -> Full | None:
        """Take a place, or say what is full; one service that hangs must not fill all places."""
        count = self._lanes[lane]
        if count.is_full(caller):
            return "callers"
        if lane is Lane.PLAIN:
            if self._services.get(service, 0) >= self._service_max:
                return "service"
            _increase(self._services, service)
        count.total += 1
        _increase(count.callers, caller)
        return None

    def leave(self, caller: str, service: str, lane: Lane) -> None:
        """Give the place back."""
        count = self._lanes[lane]
        count.total -= 1
        _decrease(count.callers, caller)
        if lane is Lane.PLAIN:
            _decrease(self._services, service)


def _increase(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _decrease(counts: dict[str, int], key: str) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1
