"""A service behind a URL: streamed both ways over a keep-alive pool, with a breaker in front."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from urllib.parse import urlsplit

import aiohttp
import structlog
from multidict import CIMultiDict
from yarl import URL

from gateway.backends import READINESS_BYTES_MAX, READINESS_PATH, Readiness, read_readiness
from gateway.breaker import Breaker
from gateway.exchange import Exchange
from gateway.headers import HOP_BY_HOP, Pairs
from gateway.metrics import show_breaker
from gateway.refusals import out_of_time, service_unavailable
from gateway.settings import GatewaySettings

log = structlog.get_logger("gateway")
SAFE_METHODS = frozenset({"GET", "HEAD"})
TRIES_MAX = 2
_NOT_REACHED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerDisconnectedError,
)
_FAILURES = (aiohttp.ClientError, ConnectionError, TimeoutError)
Body = bytes | AsyncIterator[bytes] | None
_OURS_TO_SET = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class _ClientLeft(Exception):
    """The body cannot be completed: the client left or was refused."""


class Remote:
    """A service in another process."""

    def __init__(self, base_url: str) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError(f"not a service URL: {base_url!r}")
        self._base = base_url.rstrip("/")

    async def start(self, service: str, settings: GatewaySettings) -> None:
        self._service = service
        self._breaker = Breaker(settings.breaker_failures_max, settings.breaker_open_seconds)
        self._is_shown_open = False
        show_breaker(service, is_open=False)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0, keepalive_timeout=settings.idle_connection_seconds
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_seconds_max),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_OURS_TO_SET,
            auto_decompress=False,
        )
        # aiohttp would send PUT and DELETE twice when a pooled connection turns out to be closed;
        # only GET and HEAD are sent again here, and there is no public switch.
        session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

        self._session = session

    async def stop(self) -> None:
        await self._session.close()

    async def forward(self, exchange: Exchange, seconds: float | None) -> None:
        now = monotonic()
        if not self._breaker.admits(now):
            refusal = service_unavailable(self._service, self._breaker.wait_seconds(now))
            await exchange.refuse(refusal)
            return
        try:
            async with asyncio.timeout(seconds) as limit:
                async with _Watch(exchange, limit, is_stream=seconds is None):
                    await self._relay(exchange, is_stream=seconds is None)
        except _ClientLeft:
            pass
        except _FAILURES as error:
            await self._end_failed(exchange, error)
        finally:
            self._breaker.give_up()
            if self._breaker.is_open is not self._is_shown_open:
                self._is_shown_open = self._breaker.is_open
                show_breaker(self._service, is_open=self._is_shown_open)

    async def readiness(self) -> Readiness:
        async with self._session.get(URL(self._base + READINESS_PATH)) as response:
            body = await response.content.read(READINESS_BYTES_MAX)
        said = read_readiness(response.status, body)
        if said != "unreachable":
            self._breaker.hear_ready(monotonic())
        return said

    async def _relay(self, exchange: Exchange, *, is_stream: bool) -> None:
        response = await self._ask(exchange)
        try:
            self._breaker.succeed()
            headers = _answer_headers(response.raw_headers)
            start = {"type": "http.response.start", "status": response.status, "headers": headers}
            content = response.content
            # Out of time between head and body is still told as a problem, not as a cut answer.
            first = None if is_stream else await content.readany()
            more_body = True
            await exchange.send(start)
            while more_body and not exchange.is_taken_over:
                chunk = await content.readany() if first is None else first
                first = None
                more_body = not content.at_eof()
                await exchange.send(
                    {"type": "http.response.body", "body": chunk, "more_body": more_body}
                )
        except BaseException:
            response.close()
            raise
        response.release()

    async def _ask(self, exchange: Exchange) -> aiohttp.ClientResponse:
        """Send the request, a second time only if it is a GET or HEAD that reached nobody."""
        headers, body = await _outgoing(exchange)
        query: bytes = exchange.scope["query_string"]
        target = exchange.raw_path + b"?" + query if query else exchange.raw_path
        url = URL(self._base + target.decode("ascii"), encoded=True)
        tries = TRIES_MAX if exchange.method in SAFE_METHODS and body is None else 1
        while True:
            tries -= 1
            try:
                return await self._session.request(
                    exchange.method, url, headers=headers, data=body, allow_redirects=False
                )
            except _NOT_REACHED:
                if not tries:
                    raise

    async def _end_failed(self, exchange: Exchange, error: Exception) -> None:
        if exchange.is_complete or exchange.is_gone or exchange.is_taken_over:
            return
        log.warning(
            "service did not answer",
            service=self._service,
            kind=type(error).__name__,
            is_started=exchange.is_started,
        )
        if exchange.is_started:
            exchange.is_cut = True
            return
        if exchange.is_body_read:
            # A client that is slow to send says nothing about the service.
            self._breaker.fail(monotonic())
        is_late = isinstance(error, TimeoutError) and not isinstance(error, aiohttp.ClientError)
        refusal = out_of_time if is_late else service_unavailable
        await exchange.refuse(refusal(self._service))


class _Watch:
    """Ends a stream that nobody reads any more: sends alone do not show that a client left."""

    def __init__(self, exchange: Exchange, limit: asyncio.Timeout, *, is_stream: bool) -> None:
        self._exchange = exchange
        self._limit = limit
        self._is_needed = is_stream and not exchange.has_body
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        if self._is_needed:
            self._task = asyncio.create_task(self._wait())

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _wait(self) -> None:
        await self._exchange.until_gone()
        if self._exchange.is_gone:
            self._limit.reschedule(asyncio.get_running_loop().time())


async def _outgoing(exchange: Exchange) -> tuple[CIMultiDict[str], Body]:
    """Give headers and body in the library's form; a body of one piece goes as bytes."""
    headers = CIMultiDict(
        [
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            for name, value in exchange.forwarded_headers()
            if name != b"content-length"
        ]
    )
    if not exchange.has_body:
        return headers, None
    message = await exchange.receive()
    if message["type"] != "http.request":
        raise _ClientLeft
    if not message.get("more_body", False):
        return headers, message.get("body") or None
    if b"content-length" in exchange.read:
        headers["Content-Length"] = exchange.header(b"content-length")
    return headers, _rest_of_body(exchange, message.get("body", b""))


async def _rest_of_body(exchange: Exchange, first: bytes) -> AsyncIterator[bytes]:
    yield first
    while not exchange.is_body_read:
        message = await exchange.receive()
        if message["type"] != "http.request":
            raise _ClientLeft
        yield message.get("body", b"")


def _answer_headers(raw: tuple[tuple[bytes, bytes], ...]) -> Pairs:
    headers = [(name.lower(), value) for name, value in raw]
    for name, value in headers:
        if name == b"connection":
            named = {token.strip().lower() for token in value.split(b",")} - HOP_BY_HOP
            return [pair for pair in headers if pair[0] not in named]
    return headers
