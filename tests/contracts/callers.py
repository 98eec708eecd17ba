"""Every module of calls: importing them registers what each route is called with."""

from tests.contracts.calls import (
    aftermath,
    board,
    desk,
    documents,
    enterprise,
    evidence,
    finance,
    identity,
    inspection,
    offers,
    panels,
    policy,
    recommendations,
    steps,
)
from tests.contracts.calls.registry import CALLS, Call

__all__ = ["CALLERS", "CALLS", "Call"]

CALLERS = (
    aftermath,
    board,
    desk,
    documents,
    enterprise,
    evidence,
    finance,
    identity,
    inspection,
    offers,
    panels,
    policy,
    recommendations,
    steps,
)
