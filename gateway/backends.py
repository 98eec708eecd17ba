"""Where requests go: an application in this process, or a service behind a URL (remote.py)."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Literal, Protocol

import orjson
import structlog
from starlette.types import ASGIApp, Message, Scope

from gateway.exchange import DISCONNECT, Exchange
from gateway.refusals import out_of_time
from gateway.settings import GatewaySettings

log = structlog.get_logger("gateway")
Readiness = Literal["ready", "degraded", "unreachable"]
READINESS_PATH = "/readyz"
NO_BODY: Message = {"type": "http.request", "body": b"", "more_body": False}
READINESS_BYTES_MAX = 64 * 1024


class Backend(Protocol):
    """What serves one service's paths."""

    async def start(self, service: str, settings: GatewaySettings) -> None: ...

    async def stop(self) -> None: ...

    async def forward(self, exchange: Exchange, seconds: float | None) -> None:
        """Have the exchange answered within so many seconds (None: while the client stays)."""
        ...

    async def readiness(self) -> Readiness: ...


class InMemory:
    """An ASGI application called directly; whoever made it runs its lifespan."""

    def __init__(self, app: ASGIApp, state: Mapping[str, Any] | None = None) -> None:
        self._app = app
        self._state = state or {}
        self._service = ""
        self._straggler_seconds = 0.0

    async def start(self, service: str, settings: GatewaySettings) -> None:
        self._service = service
        self._straggler_seconds = settings.straggler_seconds_max

    async def stop(self) -> None:
        return None

    async def forward(self, exchange: Exchange, seconds: float | None) -> None:
        scope = {
            **exchange.scope,
            "headers": exchange.forwarded_headers(),
            "scheme": exchange.caller.scheme,
            "client": (exchange.caller.address, 0),
            "state": dict(self._state),
        }
        overrun = _Overrun(exchange, self._service, self._straggler_seconds)
        overrun.start(seconds)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not overrun.forgive():
                raise
        except Exception as error:
            # Answered already: by the service, whose framework raises again what it has told and
            # logged, or by the gateway, after which the service was told that its client left.
            if not (exchange.is_complete or exchange.is_taken_over):
                raise
            log.info("answered request raised", service=self._service, kind=type(error).__name__)
        finally:
            await overrun.finish()

    async def readiness(self) -> Readiness:
        status, body = 0, bytearray()

        asked = False

        async def receive() -> Message:
            nonlocal asked
            asked, has_asked = True, asked
            return DISCONNECT if has_asked else NO_BODY

        async def send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif len(body) < READINESS_BYTES_MAX:
                body.extend(message.get("body", b""))

        await self._app(self._probe(), receive, send)
        return read_readiness(status, bytes(body))

    def _probe(self) -> Scope:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": READINESS_PATH,
            "raw_path": READINESS_PATH.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [],
            "client": ("127.0.0.1", 0),
            "server": None,
            "state": dict(self._state),
        }


def read_readiness(status: int, body: bytes) -> Readiness:
    """Read a service's own /readyz: what it says of itself counts, its status decides."""
    if status != HTTPStatus.OK:
        return "unreachable"
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return "ready"
    degraded = isinstance(said, dict) and (said.get("status") == "degraded" or said.get("degraded"))
    return "degraded" if degraded else "ready"


class _Overrun:
    """Answers for an application that takes too long, without tearing its transaction.

    A request that has not begun to answer is told of as 503 and runs on to its own end, as it would
    in another process; only then, and when its answer had begun, is it cancelled.
    """

    def __init__(self, exchange: Exchange, service: str, straggler_seconds: float) -> None:
        self._exchange = exchange
        self._service = service
        self._straggler_seconds = straggler_seconds
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._answer: asyncio.Task[None] | None = None
        self._has_cancelled = False

    def start(self, seconds: float | None) -> None:
        if seconds is not None:
            self._timer = self._loop.call_later(seconds, self._expire)

    def forgive(self) -> bool:
        """Tell whether a cancellation was this overrun's own, and take it back if so."""
        if self._has_cancelled and self._task is not None:
            self._task.uncancel()
        return self._has_cancelled

    async def finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._answer is not None:
            await self._answer

    def _expire(self) -> None:
        exchange = self._exchange
        if exchange.is_complete:
            return
        log.warning("time limit reached", service=self._service, is_started=exchange.is_started)
        if exchange.is_started:
            exchange.is_cut = True
            self._cancel()
            return
        exchange.take_over()
        self._answer = self._loop.create_task(exchange.refuse(out_of_time(self._service)))
        self._timer = self._loop.call_later(self._straggler_seconds, self._cancel)

    def _cancel(self) -> None:
        self._has_cancelled = True
        if self._task is not None:
            self._task.cancel()
