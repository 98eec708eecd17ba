"""The split platform on one machine: each service and the gateway as a process of its own.

The commands and variables are those of docker-compose.yml: `liangxin run SERVICE`, the servers and
the neighbours by URL, to each service only its own database URL.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from services.kernel.settings import Settings
from services.launch.server import free_port

HOST = "127.0.0.1"
GATEWAY = "gateway"
READY_S_MAX = 60.0
STOP_S_MAX = 30.0
POLL_S = 0.02
LOG_TAIL_BYTES = 2_000
# A child sees what its container would see: nothing of ours that the shell happens to hold.
_OURS = ("_URL", "LIANGXIN_")


class ChildFailed(RuntimeError):
    """Says which process ended, or was late, with the end of its log."""


@dataclass
class Child:
    """One process of `liangxin run NAME`, which may be ended and started again on its port."""

    name: str
    environment: Mapping[str, str]
    log: Path
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self, **extra: str) -> None:
        """Start the process; `extra` are variables of this start alone."""
        assert not self.is_running, f"{self.name} runs already"
        command = [sys.executable, "-m", "services.launch", "run", self.name]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command,
                *("--host", HOST, "--port", str(self.port)),
                env={**self.environment, **extra},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def until_ready(self) -> None:
        """Wait until the process serves; one that ends instead raises with the end of its log."""
        deadline = time.monotonic() + READY_S_MAX
        async with httpx.AsyncClient(base_url=self.url, timeout=2) as http:
            while not await _is_ready(http):
                if not self.is_running or time.monotonic() > deadline:
                    raise ChildFailed(f"{self.name} did not become ready:\n{self.tail()}")
                await asyncio.sleep(POLL_S)

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)

    async def until_over(self, seconds: float = STOP_S_MAX) -> int:
        """Wait for the process to end; give its exit code, negative for a signal."""
        assert self.process is not None, f"{self.name} was never started"
        try:
            return await asyncio.wait_for(self.process.wait(), seconds)
        except TimeoutError:
            raise ChildFailed(f"{self.name} did not end:\n{self.tail()}") from None

    async def stop(self) -> None:
        """End the process as a supervisor would; by force if it does not listen."""
        if not self.is_running:
            return
        self.send(signal.SIGTERM)
        try:
            await self.until_over()
        except ChildFailed:
            self.send(signal.SIGKILL)
            await self.until_over()

    def tail(self) -> str:
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace")


class Split:
    """All processes of a split platform; `variables` reach every one of them."""

    def __init__(
        self, settings: Settings, services: tuple[str, ...], variables: Mapping[str, str]
    ) -> None:
        folder = settings.data / "split"
        folder.mkdir(parents=True, exist_ok=True)
        common = {**inherited(), **_common(settings), **variables}
        self.services = {
            name: Child(
                name,
                {**common, f"{name.upper()}_DATABASE_URL": settings.service_url(name)},
                folder / f"{name}.log",
            )
            for name in services
        }
        # The gateway opens no database and holds no secret: it needs to know where the others are.
        urls = {f"{name.upper()}_URL": child.url for name, child in self.services.items()}
        profile = {"LIANGXIN_PROFILE": settings.profile.value}
        environment = {**inherited(), **profile, **variables, **urls}
        self.gateway = Child(GATEWAY, environment, folder / f"{GATEWAY}.log")

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def children(self) -> tuple[Child, ...]:
        return (*self.services.values(), self.gateway)

    async def start(self) -> None:
        """Start every process, and wait until all serve."""
        for child in self.children:
            await child.start()
        for child in self.children:
            await child.until_ready()

    async def stop(self) -> None:
        """End the gateway first, so that nobody is sent to a service that has ended."""
        await self.gateway.stop()
        await asyncio.gather(*(child.stop() for child in self.services.values()))


def inherited() -> dict[str, str]:
    """Give what a process sees of this one's environment: nothing of the platform's own."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.endswith(_OURS[0]) and not name.startswith(_OURS[1])
    }


def _common(settings: Settings) -> dict[str, str]:
    return {
        "NATS_URL": settings.nats_url,
        "LIANGXIN_PROFILE": settings.profile.value,
        "LIANGXIN_ISSUER": settings.issuer,
        "LIANGXIN_AUDIT_KEY": settings.audit_key,
        "LIANGXIN_SECRET_KEY": settings.secret_key,
        "LIANGXIN_DATA": str(settings.data),
    }


async def _is_ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).is_success
    except httpx.TransportError:
        return False
