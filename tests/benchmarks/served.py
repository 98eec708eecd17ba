"""Processes that the gateway benchmark starts: `python -m tests.benchmarks.served PORT KIND`."""

import sys
from typing import Any

import aiohttp
import uvloop
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from gateway.app import Gateway
from gateway.backends import Backend, InMemory
from gateway.remote import Remote
from gateway.settings import GatewaySettings
from services.kernel.settings import Profile
from services.launch.server import serving, until_told_to_stop

OPEN_DOOR = GatewaySettings(
    profile=Profile.DEMONSTRATION,
    access_log=False,
    authenticated_per_minute=1_000_000_000,
    anonymous_per_minute=1_000_000_000,
    token_per_minute=1_000_000_000,
)
SERVICE = "enterprise"
PATH = f"/v1/{SERVICE}/bench"
DROPPED = frozenset({b"host", b"connection", b"keep-alive", b"transfer-encoding"})


def plain_service() -> FastAPI:
    """Make a service that answers a little JSON, as cheaply as the framework can."""
    app = FastAPI()

    @app.get(PATH)
    async def bench() -> dict[str, Any]:
        return {"uscc": "91330282MA00T35T2N", "name": "示范测速有限公司", "version": 7}

    return app


class BareProxy:
    """The least that a proxy can be: headers over, status and body back, no check, no limit."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
            )
        headers = [(n.decode(), v.decode()) for n, v in scope["headers"] if n not in DROPPED]
        url = self._upstream + scope["raw_path"].decode()
        async with self._session.request(scope["method"], url, headers=headers) as answer:
            body = await answer.read()
            kept = [(n.lower(), v) for n, v in answer.raw_headers if n.lower() not in DROPPED]
            start = {"type": "http.response.start", "status": answer.status, "headers": kept}
            await send(start)
            await send({"type": "http.response.body", "body": body})


async def serve(kind: str, port: int, upstream: str) -> None:
    """Serve one kind of process until told to stop."""
    if kind == "service":
        await run(plain_service(), port)
    elif kind == "proxy":
        proxy = BareProxy(upstream)
        await run(proxy, port)
        await proxy.close()
    else:
        backend: Backend = Remote(upstream) if kind == "remote" else InMemory(plain_service())
        gateway = Gateway({SERVICE: backend}, OPEN_DOOR)
        await gateway.start()
        await run(gateway, port)
        await gateway.stop()


async def run(app: Any, port: int) -> None:
    """Serve an application until told to stop."""
    async with serving(app, "127.0.0.1", port):
        await until_told_to_stop()


if __name__ == "__main__":
    port, kind, *rest = sys.argv[1:]
    uvloop.run(serve(kind, int(port), rest[0] if rest else ""))
