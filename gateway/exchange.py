"""One request and its answer, between the client's connection and the backend that serves it."""

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive, Scope, Send

from gateway.headers import Caller, Pairs, sift_answer, sift_request
from gateway.paths import Work
from gateway.refusals import body_too_large
from services.kernel.errors import Refusal
from services.kernel.problems import MEDIA_TYPE, prefers_english, problem_body

DISCONNECT: Message = {"type": "http.disconnect"}
LINGER_SECONDS = 2.0
LINGER_BYTES_MAX = 8 * 1024 * 1024


class Exchange:
    """Counts what comes in, dresses what goes out, can take the answer out of a backend's hands.

    A backend only ever sees `receive` and `send`. Once the exchange is taken over (the body was
    too large, or time ran out), its sends fall silent and its reads say that the client has gone.
    """

    __slots__ = (
        "_receive",
        "_send",
        "body_bytes_max",
        "caller",
        "extra_headers",
        "has_body",
        "is_body_read",
        "is_complete",
        "is_cut",
        "is_gone",
        "is_started",
        "is_taken_over",
        "kept",
        "method",
        "path",
        "raw_path",
        "read",
        "received_bytes",
        "request_id",
        "scope",
        "service",
        "status",
        "token_key",
        "traceparent",
        "work",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.raw_path: bytes = scope.get("raw_path") or b""
        self.read, self.kept = sift_request(scope["headers"])
        self.has_body = (
            b"transfer-encoding" in self.read or self.read.get(b"content-length", b"0") != b"0"
        )
        self.is_body_read = not self.has_body
        self.body_bytes_max = 0
        self.work = Work.PLAIN
        self.received_bytes = 0
        self.request_id = b""
        self.traceparent = ""
        self.caller = Caller("unknown", "http")
        self.extra_headers: Pairs = []
        self.service = "gateway"
        self.token_key = ""
        self.status = 0
        self.is_started = False
        self.is_complete = False
        self.is_taken_over = False
        self.is_gone = False
        self.is_cut = False

    async def receive(self) -> Message:
        """Give the client's next message, counting; past the limit answer 413 and end the body."""
        if self.is_taken_over:
            return DISCONNECT
        message = await self._receive()
        if message["type"] != "http.request":
            self.is_gone = not self.is_complete
            return message
        self.received_bytes += len(message.get("body", b""))
        if self.received_bytes > self.body_bytes_max:
            await self.refuse_large_body()
            return DISCONNECT
        self.is_body_read = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Pass a backend's message to the client, unless the answer was taken over."""
        if not self.is_taken_over:
            await self._emit(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer problem+json in the caller's language, in place of the backend."""
        await self._refuse(refusal, more_body=False)

    async def answer(self, status: int, headers: Pairs, body: bytes) -> None:
        """Send a whole answer of the gateway's own."""
        await self._emit_start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self._emit_body(body, more_body=False)

    async def answer_empty(self, status: int, headers: Pairs) -> None:
        """Send an answer that has no body by its status (204, 304)."""
        await self._emit_start(status, headers)
        await self._emit_body(b"", more_body=False)

    async def refuse_large_body(self) -> None:
        """Answer 413 and read on for a moment: a close with unread bytes would lose the answer."""
        if self.is_started:
            self.is_taken_over = self.is_cut = True
            return
        self.extra_headers.append((b"connection", b"close"))
        await self._refuse(
            body_too_large(self.body_bytes_max, self.service, self.work), more_body=True
        )
        if b"expect" not in self.read:
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_SECONDS):
                    await self._drain()
        await self._emit_body(b"", more_body=False)

    async def until_gone(self) -> None:
        """Wait until the client has left."""
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.is_gone = not self.is_complete

    def take_over(self) -> None:
        self.is_taken_over = True

    def header(self, name: bytes) -> str:
        return self.read.get(name, b"").decode("latin-1")

    @property
    def trace_id(self) -> str:
        return self.traceparent[3:35]

    @property
    def prefers_english(self) -> bool:
        return prefers_english(self.header(b"accept-language"))

    def forwarded_headers(self) -> Pairs:
        """Give the headers that go on to the service: sifted, with caller and trace."""
        headers = [
            *self.kept,
            (b"x-request-id", self.request_id),
            (b"traceparent", self.traceparent.encode()),
            (b"x-forwarded-for", self.caller.address.encode()),
            (b"x-forwarded-proto", self.caller.scheme.encode()),
        ]
        state = self.read.get(b"tracestate")
        if state is not None and self.trace_id in self.header(b"traceparent"):
            headers.append((b"tracestate", state))
        return headers

    async def _refuse(self, refusal: Refusal, *, more_body: bool) -> None:
        self.is_taken_over = True
        english = self.prefers_english
        body = problem_body(refusal, english=english, trace_id=self.trace_id)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"content-language", b"en" if english else b"zh"),
            (b"vary", b"accept-language"),
            *((name.lower().encode(), value.encode()) for name, value in refusal.headers.items()),
        ]
        if refusal.retry_after_s is not None:
            headers.append((b"retry-after", b"%d" % refusal.retry_after_s))
        await self._emit_start(refusal.status, headers)
        await self._emit_body(body, more_body=more_body)

    async def _drain(self) -> None:
        drained = 0
        while drained < LINGER_BYTES_MAX:
            message = await self._receive()
            drained += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body", False):
                return

    async def _emit_start(self, status: int, headers: Pairs) -> None:
        await self._emit({"type": "http.response.start", "status": status, "headers": headers})

    async def _emit_body(self, body: bytes, *, more_body: bool) -> None:
        await self._emit({"type": "http.response.body", "body": body, "more_body": more_body})

    async def _emit(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_started = True
            self.status = message["status"]
            headers = sift_answer(message.get("headers", ()), self.request_id)
            message = {**message, "headers": headers + self.extra_headers}
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_complete = True
        await self._send(message)
