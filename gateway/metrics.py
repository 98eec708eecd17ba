"""Prometheus metrics of the gateway; labels are services, methods and classes, never an id."""

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter(
    "liangxin_gateway_requests", "Requests answered", ["service", "method", "status_class"]
)
SECONDS = Histogram(
    "liangxin_gateway_request_seconds",
    "Time to the end of the answer",
    ["service"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
IN_FLIGHT = Gauge("liangxin_gateway_in_flight", "Requests being served", ["service"])
REFUSED = Counter("liangxin_gateway_refused", "Requests refused by a limit", ["reason"])
BREAKER_OPEN = Gauge("liangxin_gateway_breaker_open", "1 while a breaker is open", ["service"])

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_answer(service: str, method: str, status: int, seconds: float) -> None:
    """Count one answer; a status of 0 is a request whose client left before any."""
    known = method if method in METHODS else "OTHER"
    _requests(service, known, status // 100).inc()
    _seconds(service).observe(seconds)


def show_breaker(service: str, *, is_open: bool) -> None:
    _breaker(service).set(is_open)


def watch_in_flight(service: str, count: Callable[[], int]) -> None:
    """Have the number read when it is asked for, rather than kept on every request."""
    IN_FLIGHT.labels(service).set_function(count)


@lru_cache(maxsize=1024)
def _requests(service: str, method: str, hundreds: int) -> Counter:
    return REQUESTS.labels(service, method, f"{hundreds}xx" if hundreds else "none")


@lru_cache(maxsize=1024)
def _seconds(service: str) -> Histogram:
    return SECONDS.labels(service)


@lru_cache(maxsize=1024)
def _breaker(service: str) -> Gauge:
    return BREAKER_OPEN.labels(service)
