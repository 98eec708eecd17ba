"""`liangxin run` from nothing and again: until it is ready, and what it costs while idle."""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from services.launch.server import free_port
from tests.benchmarks.frame import Figure, Sizes, at_most
from tests.benchmarks.ground import Ground

WARM_S_GOAL = 6.0
MEMORY_MB_GOAL = 400
READY_S_MAX = 120
CITY_S_MAX = 600
IDLE_S = 10
LOOK_S = 0.02
REQUESTS = 300
# What the panel begins with.
TOLD = "已就绪".encode()
MB = 1_000_000


async def measure(_: Ground, sizes: Sizes) -> list[Figure]:
    """Start once on an empty folder and load the city, then start again and again."""
    with tempfile.TemporaryDirectory(prefix="liangxin-bench-") as name:
        folder = Path(name)
        async with _running(folder) as start:
            await start.until_told()
            cold_s, city_s = start.answered_s, start.told_s
        warm: list[float] = []
        for _round in range(sizes.rounds):
            async with _running(folder) as start:
                await start.until_told()
                warm.append(start.told_s)
        async with _running(folder) as start:
            await start.until_told()
            await _use(start.port)
            own_mb, all_mb, cpu = await _idle(start.process, folder, sizes.of(IDLE_S, 3))
    warm_s = statistics.median(warm)
    return [
        Figure("cold start until it answers, on an empty folder", "s", cold_s,
               note="initdb and migrations of every service included"),
        Figure("cold start until it says where to look", "s", city_s,
               note="clients and the city of 2,000 firms included"),
        Figure("warm start until it says where to look", "s", warm_s,
               goal=at_most(WARM_S_GOAL, "s", warm_s), rounds={"ours": warm}),
        Figure("idle memory of the platform's process (PSS)", "MB", own_mb,
               goal=at_most(MEMORY_MB_GOAL, "MB", own_mb)),
        Figure("the same with PostgreSQL and NATS (PSS)", "MB", all_mb),
        Figure("idle CPU of the platform's process", "% of a core", cpu),
    ]  # fmt: skip


@dataclass
class Start:
    """A platform that was started, and how long it took to answer and to say so."""

    process: psutil.Process
    port: int
    log: Path
    began: float
    answered_s: float = 0.0
    told_s: float = 0.0

    async def until_answered(self) -> None:
        """Wait for the first 200 of /readyz."""
        async with asyncio.timeout(READY_S_MAX), httpx.AsyncClient() as client:
            while not await _answers(client, self.port):
                assert self.process.is_running(), "the platform ended before it was ready"
                await asyncio.sleep(LOOK_S)
        self.answered_s = time.perf_counter() - self.began

    async def until_told(self) -> None:
        """Wait for the panel that says where to look: clients and city are there, too."""
        async with asyncio.timeout(CITY_S_MAX):
            has_told = False
            while not has_told:
                await asyncio.sleep(LOOK_S)
                has_told = TOLD in await asyncio.to_thread(self.log.read_bytes)
        self.told_s = time.perf_counter() - self.began


@asynccontextmanager
async def _running(folder: Path) -> AsyncGenerator[Start]:
    """Run the platform until it answers."""
    port = free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "NATS_URL", "PYTHONDONTWRITEBYTECODE")
    }
    environment |= {"LIANGXIN_DATA": str(folder), "PORT": str(port)}
    command = [str(Path(sys.executable).parent / "liangxin"), "run"]
    began = time.perf_counter()
    path = folder / "run.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            start = Start(psutil.Process(process.pid), port, path, began)
            await start.until_answered()
            yield start
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait)


async def _answers(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _use(port: int) -> None:
    """Ask it something some hundred times: a platform that has served nobody is smaller."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(REQUESTS):
            (await client.get("/v1/policy/programmes")).raise_for_status()


async def _idle(process: psutil.Process, folder: Path, seconds: int) -> tuple[float, float, float]:
    """Give memory without and with the servers, and the CPU, of a platform left alone."""
    await asyncio.sleep(3)
    before = _cpu_s(process)
    await asyncio.sleep(seconds)
    cpu = (_cpu_s(process) - before) / seconds * 100
    own = [process, *process.children(recursive=True)]
    servers = [p for p in psutil.process_iter() if p not in own and _serves(p, folder)]
    return _pss_mb(own), _pss_mb([*own, *servers]), cpu


def _serves(process: psutil.Process, folder: Path) -> bool:
    """Tell whether a process is a server of this folder: it works in it, or was started for it."""
    try:
        if str(folder) in " ".join(process.cmdline()):
            return True
        return process.cwd().startswith(str(folder))
    except psutil.Error:
        return False


def _pss_mb(processes: Iterable[psutil.Process]) -> float:
    return sum(p.memory_full_info().pss for p in processes) / MB


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
