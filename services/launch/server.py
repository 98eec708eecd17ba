"""Serving the gateway over HTTP beside the workers, in one event loop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncGenerator
from typing import Any

import uvicorn

GRACE_S = 20
KEEP_ALIVE_S = 5
HEADER_BYTES_MAX = 32_768
STOPS = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """A uvicorn that leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def make_server(app: Any, host: str, port: int) -> Server:
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        lifespan="off",
        http="httptools",
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEADER_BYTES_MAX,
    )
    return Server(config)


@contextlib.asynccontextmanager
async def serving(app: Any, host: str, port: int) -> AsyncGenerator[None]:
    """Serve for the length of a block; finish what is under way before it ends."""
    server = make_server(app, host, port)
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            await task
            raise SystemExit(f"could not listen on {host}:{port}")
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def told_to_stop() -> asyncio.Event:
    """Set an event at the first SIGINT or SIGTERM; the second ends the process as ever."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def hear() -> None:
        told.set()
        for number in STOPS:
            loop.remove_signal_handler(number)

    for number in STOPS:
        loop.add_signal_handler(number, hear)
    return told


async def until_told_to_stop() -> None:
    """Wait for SIGINT or SIGTERM."""
    await told_to_stop().wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
