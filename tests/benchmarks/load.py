"""A load that costs little: wrk where there is one, else a raw client in a process of its own."""

import asyncio
import re
import shutil
import sys
import time
from dataclasses import dataclass

CONNECTIONS = 32


@dataclass(frozen=True)
class Load:
    """What came through in the time."""

    per_second: float
    requests: int


async def load(port: int, path: str, seconds: int, bearer: str = "") -> Load:
    """Ask a server on 32 connections for so long; anything but 200 is a fault."""
    if shutil.which("wrk"):
        return await _by_wrk(port, path, seconds, bearer)
    said = await _output(
        sys.executable, "-m", "tests.benchmarks.load", str(port), path, str(seconds), bearer
    )
    requests = int(said)
    return Load(requests / seconds, requests)


async def _by_wrk(port: int, path: str, seconds: int, bearer: str) -> Load:
    header = ["-H", f"Authorization: {bearer}"] if bearer else []
    said = await _output(
        "wrk",
        *header,
        "--timeout",
        "30s",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        f"http://127.0.0.1:{port}{path}",
    )
    rate, count = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"(\d+) requests", said)
    if "Non-2xx" in said or "Socket errors" in said or not rate or not count:
        raise RuntimeError(f"the load met errors:\n{said}")
    if count[1] == "0":
        raise RuntimeError(f"nothing was answered:\n{said}")
    return Load(float(rate[1]), int(count[1]))


async def _output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return said.decode()


class _Asker(asyncio.Protocol):
    """Sends the same request again as soon as its answer is complete."""

    def __init__(self, path: str, deadline: float, bearer: str) -> None:
        header = f"Authorization: {bearer}\r\n" if bearer else ""
        self._request = f"GET {path} HTTP/1.1\r\nHost: bench\r\n{header}\r\n".encode()
        self._deadline = deadline
        self._buffer = b""
        self.answered = 0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if not found or length is None or len(body) < int(length[1]):
            return
        assert head.startswith(b"HTTP/1.1 200"), head
        self._buffer = b""
        self.answered += 1
        if time.monotonic() < self._deadline:
            self._transport.write(self._request)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if not self.done.done():
            self.done.set_result(None)


async def _ask(port: int, path: str, seconds: float, bearer: str) -> int:
    loop, deadline = asyncio.get_running_loop(), time.monotonic() + seconds
    made = [
        await loop.create_connection(lambda: _Asker(path, deadline, bearer), "127.0.0.1", port)
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(asker.done for _, asker in made))
    return sum(asker.answered for _, asker in made)


if __name__ == "__main__":
    answered = asyncio.run(_ask(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]))
    sys.stdout.write(str(answered))
