"""The trace of a request: W3C trace context, carried into logs, outbox rows and messages."""

import re
import secrets
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def enter_trace(traceparent: str | None) -> str:
    """Continue the given trace, or begin one where none is given or it is malformed."""
    match = _TRACEPARENT.match(traceparent or "")
    fresh = secrets.token_hex(24)
    trace_id = match.group(1) if match else fresh[16:]
    value = f"00-{trace_id}-{fresh[:16]}-01"
    _traceparent.set(value)
    return value


def current_traceparent() -> str | None:
    return _traceparent.get()


def current_trace_id() -> str | None:
    value = _traceparent.get()
    return value.split("-")[1] if value else None
