"""Services to stand behind the gateway in its tests: raw ASGI, each path behaves in one way."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from starlette.types import Message, Receive, Scope, Send

FIRST, SECOND = b"first;", b"second;"


class Upstream:
    """Answers by the last segment of the path and remembers what happened."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.finished: Counter[str] = Counter()
        self.body_bytes = 0
        self.may_go_on = asyncio.Event()
        self.saw_client_leave = asyncio.Event()
        self.readiness: dict[str, Any] = {"status": "ready"}
        self.readiness_status = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        name = scope["path"].rstrip("/").rpartition("/")[2]
        self.calls[name] += 1
        serve = getattr(self, f"serve_{name.replace('-', '_')}", self.serve_echo)
        await serve(scope, receive, send)
        self.finished[name] += 1

    async def serve_echo(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = 0
        async for chunk in body_of(receive):
            size += len(chunk)
        self.body_bytes = size
        told = {
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "method": scope["method"],
            "scheme": scope["scheme"],
            "client": scope["client"][0] if scope["client"] else None,
            "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in scope["headers"]],
            "body_bytes": size,
        }
        await answer(send, 200, told)

    async def serve_readyz(self, _: Scope, __: Receive, send: Send) -> None:
        await answer(send, self.readiness_status, self.readiness)

    async def serve_refuse(self, _: Scope, __: Receive, send: Send) -> None:
        await answer(send, 401, {"code": "unauthenticated"})

    async def serve_raise(self, _: Scope, __: Receive, ___: Send) -> None:
        raise RuntimeError("a fault of the service")

    async def serve_raise_late(self, _: Scope, __: Receive, send: Send) -> None:
        await answer(send, 500, {"code": "internal"})
        raise RuntimeError("told, logged and raised again")

    async def serve_dress(self, _: Scope, __: Receive, send: Send) -> None:
        """Answer with headers that must not pass, and with a caching rule that must."""
        headers = [
            (b"access-control-allow-origin", b"*"),
            (b"keep-alive", b"timeout=5"),
            (b"x-request-id", b"not-yours"),
            (b"cache-control", b"max-age=60"),
            (b"etag", b'"7"'),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    async def serve_wait(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer only when the test says so."""
        async for _chunk in body_of(receive):
            pass
        await self.may_go_on.wait()
        await answer(send, 200, {"waited": True})

    async def serve_evidence(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a file, or refuse it before it has come whole."""
        if b"at=once" in scope["query_string"]:
            await receive()
            await answer(send, 413, {"code": "file-too-large"})
        else:
            await self.serve_echo(scope, receive, send)

    async def serve_halves(self, _: Scope, __: Receive, send: Send) -> None:
        """Send the first half, and the second when the test has seen the first."""
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": FIRST, "more_body": True})
        await self.may_go_on.wait()
        await send({"type": "http.response.body", "body": SECOND})

    async def serve_stream(self, _: Scope, receive: Receive, send: Send) -> None:
        """Send one live update and then nothing until the client leaves."""
        headers = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": FIRST, "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.saw_client_leave.set()


async def body_of(receive: Receive) -> AsyncIterator[bytes]:
    """Read a request's body; end without a word where the client left."""
    while True:
        message: Message = await receive()
        if message["type"] != "http.request":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


async def answer(send: Send, status: int, told: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})
