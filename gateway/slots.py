"""How many requests may be under way at once: in all, for one caller, for one service."""

from typing import Literal

from gateway.settings import GatewaySettings

Full = Literal["callers", "service"]


class Slots:
    """Counts plain requests and live streams apart: a stream stays for hours and costs little."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._plain: dict[str, int] = {}
        self._streams: dict[str, int] = {}
        self._services: dict[str, int] = {}
        self._plain_total = 0
        self._streams_total = 0

    def in_flight(self, service: str) -> int:
        """Give the number of plain requests at a service."""
        return self._services.get(service, 0)

    def enter(self, caller: str, service: str, *, is_stream: bool) -> Full | None:
        """Take a place, or say what is full; one service that hangs must not fill all places."""
        settings = self._settings
        if is_stream:
            if (
                self._streams_total >= settings.streams_max
                or self._streams.get(caller, 0) >= settings.streams_per_caller_max
            ):
                return "callers"
            self._streams_total += 1
            _increase(self._streams, caller)
        else:
            if (
                self._plain_total >= settings.in_flight_max
                or self._plain.get(caller, 0) >= settings.in_flight_per_caller_max
            ):
                return "callers"
            if self._services.get(service, 0) >= settings.in_flight_per_service_max:
                return "service"
            self._plain_total += 1
            _increase(self._plain, caller)
            _increase(self._services, service)
        return None

    def leave(self, caller: str, service: str, *, is_stream: bool) -> None:
        """Give the place back."""
        if is_stream:
            self._streams_total -= 1
            _decrease(self._streams, caller)
        else:
            self._plain_total -= 1
            _decrease(self._plain, caller)
            _decrease(self._services, service)


def _increase(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _decrease(counts: dict[str, int], key: str) -> None:
    if counts[key] == 1:
        del counts[key]
    else:
        counts[key] -= 1
