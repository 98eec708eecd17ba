"""Structured logs: a fixed sentence plus ids, one JSON line each, nothing personal."""

import logging
import re
import sys
from typing import TextIO

import structlog

from services.kernel.trace import current_trace_id

# 18 characters of an identity card, 15 to 19 digits of an account, 11 of a mobile telephone.
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z-])(?:[0-9]{17}[0-9Xx]|[0-9]{15,19}|1[3-9][0-9]{9})(?![0-9A-Za-z-])"
)


def configure_logs(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Write JSON lines to the given stream (standard error by default)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            structlog.processors.format_exc_info,
            _mask,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def _add_trace(
    _: object, __: str, event: "structlog.typing.EventDict"
) -> "structlog.typing.EventDict":
    trace_id = current_trace_id()
    if trace_id:
        event["trace_id"] = trace_id
    return event


def _mask(_: object, __: str, event: "structlog.typing.EventDict") -> "structlog.typing.EventDict":
    """Strike out what looks like an identity card, a telephone or an account number."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = _PERSONAL.sub("***", value)
    return event
