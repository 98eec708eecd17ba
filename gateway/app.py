"""The gateway as one raw ASGI application: checks, limits, routing, the record of each answer."""

import hmac
from collections.abc import Mapping
from functools import partial
from time import perf_counter

import orjson
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.types import Receive, Scope, Send

from gateway import refusals
from gateway.backends import Backend
from gateway.exchange import Exchange
from gateway.headers import Pairs, caller_of, request_id_of
from gateway.health import Health
from gateway.metrics import REFUSED, count_answer, watch_in_flight
from gateway.pages import Pages, answer_page
from gateway.paths import Work, is_safe, service_of, shape_of, work_of
from gateway.rates import RateLimits
from gateway.settings import GatewaySettings
from gateway.slots import Slots, lane_of
from services.kernel.errors import Refusal
from services.kernel.problems import refusal_from_status
from services.kernel.trace import enter_trace

log = structlog.get_logger("gateway")
JSON: Pairs = [(b"content-type", b"application/json")]
UNLIMITED_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
CORS_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
CORS_HEADERS = (
    b"Authorization, Content-Type, Accept-Language, Idempotency-Key, If-Match, X-Request-Id"
)
CORS_EXPOSED = b"ETag, Location, Retry-After, Idempotency-Replayed, X-Request-Id"
CORS_SECONDS = b"600"


class Gateway:
    """Routes `/v1/{service}/...` to its backend; a backend is InMemory(app) or Remote(url)."""

    def __init__(
        self, backends: Mapping[str, Backend], settings: GatewaySettings | None = None
    ) -> None:
        self._settings = settings or GatewaySettings()
        unknown = set(self._settings.required_services) - set(backends)
        if unknown:
            raise ValueError(f"required services without a backend: {sorted(unknown)}")
        self._backends = dict(backends)
        self._pages = Pages(self._settings)
        self._health = Health(self._backends, self._settings)
        self._rates = RateLimits(self._settings)
        self._slots = Slots(self._settings)
        self._log = log
        self._origins = frozenset(origin.encode() for origin in self._settings.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._serve(Exchange(scope, receive, send))
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def start(self) -> None:
        """Open the pools of the backends."""
        # Bound once: an unbound logger is put together anew for every line.
        self._log = log.bind()
        for service, backend in self._backends.items():
            await backend.start(service, self._settings)
            watch_in_flight(service, partial(self._slots.in_flight, service))

    async def stop(self) -> None:
        """Close the pools of the backends."""
        for backend in self._backends.values():
            await backend.stop()

    def drain(self) -> None:
        """Say not-ready from now on, so that no new callers are sent here; serve on."""
        self._health.is_draining = True

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, exchange: Exchange) -> None:
        began = perf_counter()
        self._identify(exchange)
        try:
            await self._answer(exchange)
        except Exception as error:
            log.exception("request failed", kind=type(error).__name__)
            if not exchange.is_started:
                await exchange.refuse(refusals.failed())
        finally:
            self._record(exchange, perf_counter() - began)

    def _identify(self, exchange: Exchange) -> None:
        read = exchange.read
        scope = exchange.scope
        exchange.request_id = request_id_of(read.get(b"x-request-id"))
        exchange.traceparent = enter_trace(exchange.header(b"traceparent") or None)
        exchange.caller = caller_of(
            scope.get("client"), scope.get("scheme", "http"), read, self._settings.trusted_proxies
        )
        if self._origins:
            exchange.extra_headers = self._cors(exchange)

    async def _answer(self, exchange: Exchange) -> None:
        if not is_safe(exchange.raw_path):
            await exchange.refuse(refusals.unsafe_path())
            return
        if self._is_preflight(exchange):
            await self._answer_preflight(exchange)
            return
        if exchange.path in UNLIMITED_PATHS:
            await self._answer_probe(exchange)
            return
        key = self._rates.key_of(exchange)
        wait_seconds = await self._rates.wait_seconds(exchange, key)
        if wait_seconds is not None:
            await self._refuse_by_limit(exchange, refusals.too_many(wait_seconds))
            return
        service = service_of(exchange.path)
        if service is None:
            await self._answer_own(exchange)
        elif service not in self._backends:
            exchange.service = "unknown"
            await exchange.refuse(refusals.unknown_path())
        else:
            exchange.service = service
            await self._forward(exchange, key)

    async def _forward(self, exchange: Exchange, key: str) -> None:
        """Pass the request to its service within the limits of its kind of work."""
        service = exchange.service
        work = work_of(exchange.method, exchange.path, exchange.read.get(b"accept"))
        exchange.work = work
        exchange.body_bytes_max = self._bytes_for(work)
        if int(exchange.read.get(b"content-length", b"0")) > exchange.body_bytes_max:
            await exchange.refuse_large_body()
            return
        lane = lane_of(work)
        full = self._slots.enter(key, service, lane)
        if full is not None:
            busy = refusals.service_busy(service)
            refusal = refusals.too_many_at_once() if full == "callers" else busy
            await self._refuse_by_limit(exchange, refusal)
            return
        try:
            await self._backends[service].forward(exchange, self._seconds_for(work))
        finally:
            self._slots.leave(key, service, lane)
        if not exchange.is_taken_over:
            self._rates.learn(exchange)

    def _bytes_for(self, work: Work) -> int:
        if work is Work.UPLOAD:
            return self._settings.upload_body_bytes_max
        is_import = work is Work.IMPORT
        return self._settings.import_body_bytes_max if is_import else self._settings.body_bytes_max

    def _seconds_for(self, work: Work) -> float | None:
        if work is Work.PLAIN:
            return self._settings.seconds_max
        return None if work is Work.STREAM else self._settings.long_seconds_max

    async def _answer_own(self, exchange: Exchange) -> None:
        page = self._pages.find(exchange.path, exchange)
        if page is None:
            await exchange.refuse(refusals.unknown_path())
        elif exchange.method not in ("GET", "HEAD"):
            await exchange.refuse(_not_allowed())
        else:
            await answer_page(exchange, page)

    async def _answer_probe(self, exchange: Exchange) -> None:
        if exchange.method not in ("GET", "HEAD"):
            await exchange.refuse(_not_allowed())
        elif exchange.path == "/livez":
            await exchange.answer(200, JSON, b'{"status":"alive"}')
        elif exchange.path == "/readyz":
            status, body = await self._health.readiness()
            await exchange.answer(status, JSON, orjson.dumps(body))
        else:
            await self._answer_metrics(exchange)

    async def _answer_metrics(self, exchange: Exchange) -> None:
        token = self._settings.metrics_token
        if token is None:
            await exchange.refuse(refusals.unknown_path())
            return
        expected = b"Bearer " + token.get_secret_value().encode()
        if not hmac.compare_digest(exchange.read.get(b"authorization", b""), expected):
            await exchange.refuse(refusals.metrics_closed())
            return
        await exchange.answer(
            200, [(b"content-type", CONTENT_TYPE_LATEST.encode())], generate_latest()
        )

    async def _refuse_by_limit(self, exchange: Exchange, refusal: Refusal) -> None:
        REFUSED.labels(refusal.code).inc()
        await exchange.refuse(refusal)

    def _is_preflight(self, exchange: Exchange) -> bool:
        return exchange.method == "OPTIONS" and exchange.read.get(b"origin") in self._origins

    async def _answer_preflight(self, exchange: Exchange) -> None:
        headers: Pairs = [
            (b"access-control-allow-methods", CORS_METHODS),
            (b"access-control-allow-headers", CORS_HEADERS),
            (b"access-control-max-age", CORS_SECONDS),
        ]
        exchange.extra_headers += headers
        await exchange.answer_empty(204, [])

    def _cors(self, exchange: Exchange) -> Pairs:
        headers: Pairs = [(b"vary", b"origin")]
        origin = exchange.read.get(b"origin")
        if origin is not None and origin in self._origins:
            headers.append((b"access-control-allow-origin", origin))
            headers.append((b"access-control-expose-headers", CORS_EXPOSED))
        return headers

    def _record(self, exchange: Exchange, seconds: float) -> None:
        count_answer(exchange.service, exchange.method, exchange.status, seconds)
        if self._settings.access_log and exchange.path not in UNLIMITED_PATHS:
            self._log.info(
                "answer broken off" if exchange.is_cut else "request answered",
                method=exchange.method,
                service=exchange.service,
                route=shape_of(exchange.path),
                status=exchange.status,
                duration_ms=round(seconds * 1000, 1),
                request_id=exchange.request_id.decode(),
            )


def _not_allowed() -> Refusal:
    refusal = refusal_from_status(405)
    refusal.headers["Allow"] = "GET, HEAD"
    return refusal
