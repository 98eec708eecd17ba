"""Calling an ASGI application with nothing in between, so that the caller costs next to nothing."""

from typing import Any

from starlette.types import ASGIApp, Message


class Call:
    """One request, ready to be sent again and again."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        path, _, query = path.partition("?")
        sent = {"host": "bench", **headers}
        if body:
            sent |= {"content-length": str(len(body)), "content-type": "application/json"}
        self._body: Message = {"type": "http.request", "body": body, "more_body": False}
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(n.lower().encode(), v.encode()) for n, v in sent.items()],
            "client": ("127.0.0.1", 0),
            "server": ("bench", 80),
        }

    async def send(self, app: ASGIApp) -> None:
        """Have the application answer; anything but a 2xx is a fault of the benchmark."""
        received: list[Message] = []

        async def receive() -> Message:
            return self._body

        async def collect(message: Message) -> None:
            received.append(message)

        await app({**self._scope, "state": {}}, receive, collect)
        status = received[0]["status"]
        if not 200 <= status < 300:
            body = b"".join(m.get("body", b"") for m in received[1:])
            raise RuntimeError(f"{self._scope['path']} answered {status}: {body.decode()[:500]}")
