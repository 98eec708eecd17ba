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
MB = 1_000_000


async def measure(_: Ground, sizes: Sizes) -> list[Figure]:
    """Start once on an empty folder and load the city, then start again and again."""
    with tempfile.TemporaryDirectory(prefix="liangxin-bench-") as name:
        folder = Path(name)
        async with _running(folder) as (_process, cold_s):
            await _until_loaded(folder)
        warm: list[float] = []
        for _round in range(sizes.rounds):
            async with _running(folder) as (_process, seconds):
                warm.append(seconds)
        async with _running(folder) as (process, seconds):
            own_mb, all_mb, cpu = await _idle(process, folder, sizes.of(IDLE_S, 3))
    warm_s = statistics.median(warm)
    return [
        Figure("cold start to ready, on an empty folder", "s", cold_s,
               note="initdb, migrations of every service and the clients included"),
        Figure("warm start to ready", "s", warm_s, goal=at_most(WARM_S_GOAL, "s", warm_s),
               rounds={"ours": warm}),
        Figure("idle memory of the platform's process (PSS)", "MB", own_mb,
               goal=at_most(MEMORY_MB_GOAL, "MB", own_mb)),
        Figure("the same with PostgreSQL and NATS (PSS)", "MB", all_mb),
        Figure("idle CPU of the platform's process", "% of a core", cpu),
    ]  # fmt: skip


@asynccontextmanager
async def _running(folder: Path) -> AsyncGenerator[tuple[psutil.Process, float]]:
    """Run the platform until it says that it is ready; give how long that took."""
    port = free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "NATS_URL", "PYTHONDONTWRITEBYTECODE")
    }
    environment |= {"LIANGXIN_DATA": str(folder), "PORT": str(port)}
    command = [str(Path(sys.executable).parent / "liangxin"), "run"]
    began = time.perf_counter()
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, start_new_session=True
        )
        try:
            await _until_ready(port, process)
            yield psutil.Process(process.pid), time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.wait)


async def _until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    async with asyncio.timeout(READY_S_MAX), httpx.AsyncClient() as client:
        while True:
            assert process.poll() is None, "the platform ended before it was ready"
            try:
                if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(LOOK_S)


async def _until_loaded(folder: Path) -> None:
    async with asyncio.timeout(CITY_S_MAX):
        is_loaded = False
        while not is_loaded:
            await asyncio.sleep(0.5)
            is_loaded = await asyncio.to_thread((folder / "city.loaded").exists)


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
