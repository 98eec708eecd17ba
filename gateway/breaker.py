"""A breaker: stop asking a service that does not answer, and try again with one request."""

from math import ceil


class Breaker:
    """Opens after so many failures in a row, for a while, then lets one request find out."""

    def __init__(self, failures_max: int, open_seconds: float) -> None:
        self._failures_max = failures_max
        self._open_seconds = open_seconds
        self._failures = 0
        self._open_until: float | None = None
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def admits(self, now: float) -> bool:
        """Tell whether a request may go; the one that does while open is the probe."""
        if self._open_until is None:
            return True
        if self._is_probing or now < self._open_until:
            return False
        self._is_probing = True
        return True

    def succeed(self) -> None:
        self._failures = 0
        self._open_until = None
        self._is_probing = False

    def fail(self, now: float) -> None:
        self._failures += 1
        self._is_probing = False
        if self._failures >= self._failures_max:
            self._open_until = now + self._open_seconds

    def give_up(self) -> None:
        """Free the probe's place when its caller left before an answer: nothing was learnt."""
        self._is_probing = False

    def hear_ready(self, now: float) -> None:
        """Let the next request find out at once: the service says that it is back."""
        if self._open_until is not None:
            self._open_until = min(now, self._open_until)

    def wait_seconds(self, now: float) -> int:
        """Say when to come back, at least one second."""
        return max(1, ceil((self._open_until or now) - now))
