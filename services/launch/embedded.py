"""PostgreSQL and NATS under one data directory, for a machine that has nothing but Python.

Both servers run on their own: after a crash of the program the next start finds them alive and
adopts them, and a program that ends as it should stops them.
"""

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from services.launch import nats_server, postgres_server


@dataclass(frozen=True)
class Embedded:
    """Where the servers answer. Both URLs admit to everything: keep them from logs."""

    database_url: str
    nats_url: str


async def start_embedded(data_dir: Path) -> Embedded:
    """Start both servers, or adopt those that live, and return when both answer."""
    return await asyncio.to_thread(_start, data_dir)


def stop_embedded(data_dir: Path) -> None:
    """End both servers, whoever started them; what they stored stays."""
    # A server may have outlived its deleted directory; then there is nothing to lock either.
    with _alone(data_dir) if data_dir.exists() else contextlib.nullcontext():
        nats_server.stop(data_dir / "nats")
        postgres_server.stop(data_dir / "postgres")


@contextlib.asynccontextmanager
async def embedded_servers(data_dir: Path) -> AsyncGenerator[Embedded, None]:
    """Run both servers for the length of a block; the last such block to end stops them."""
    users = await asyncio.to_thread(_join_users, data_dir)
    with users:
        try:
            yield await start_embedded(data_dir)
        finally:
            if _is_last(users):
                await asyncio.to_thread(stop_embedded, data_dir)


def _start(data_dir: Path) -> Embedded:
    data_dir.mkdir(parents=True, exist_ok=True)
    with _alone(data_dir):
        nats_url = nats_server.start(data_dir / "nats")
        return Embedded(postgres_server.start(data_dir / "postgres"), nats_url)


@contextlib.contextmanager
def _alone(data_dir: Path) -> Generator[None, None, None]:
    """Let one process at a time start or stop; the lock dies with a process that is killed."""
    with (data_dir / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _join_users(data_dir: Path) -> IO[str]:
    data_dir.mkdir(parents=True, exist_ok=True)
    users = (data_dir / "servers.users").open("w")
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
