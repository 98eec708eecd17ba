"""The gateway in front of a service: requests a second, and what one request costs in CPU."""

import asyncio
import statistics
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import psutil

from services.launch.server import free_port
from tests.benchmarks.frame import Contender, Figure, Sizes, compare, interleaved
from tests.benchmarks.ground import Ground
from tests.benchmarks.load import CONNECTIONS, load
from tests.benchmarks.served import PATH, SERVICE

RATIO_GOAL = 0.75
CPU_GOAL = 2.0
SECONDS = 3
WARM_UP_S = 3
DRAIN_S = 1
OPEN_S = 90


@dataclass
class Process:
    """A server of this benchmark, and the CPU it has used."""

    port: int
    process: psutil.Process

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


class Asked:
    """Servers that are asked for the same in turns, with the CPU that each spent on a request."""

    def __init__(self, path: str, bearer: str, seconds: int) -> None:
        self._path = path
        self._bearer = bearer
        self._seconds = seconds
        self.cpu_us: dict[str, list[float]] = {}

    async def rates(self, rounds: int, servers: dict[str, Process]) -> dict[str, list[float]]:
        for server in servers.values():
            await load(server.port, self._path, WARM_UP_S, self._bearer)
        return await interleaved(rounds, {n: self._timed(n, s) for n, s in servers.items()})

    def _timed(self, name: str, server: Process) -> Contender:
        async def timed() -> float:
            # What the load before left behind is still being served.
            await asyncio.sleep(DRAIN_S)
            before = server.cpu_s()
            came = await load(server.port, self._path, self._seconds, self._bearer)
            spent = (server.cpu_s() - before) / came.requests
            self.cpu_us.setdefault(name, []).append(spent * 1e6)
            return came.per_second

        return timed


async def measure(ground: Ground, sizes: Sizes) -> list[Figure]:
    """Ask a real service, then the cheapest one there can be, directly and through the gateway."""
    seconds = sizes.of(SECONDS, 2)
    return [*await _real(ground, sizes, seconds), *await _cheapest(sizes, seconds)]


async def _real(ground: Ground, sizes: Sizes, seconds: int) -> list[Figure]:
    settings = ground.settings
    arguments = (settings.database_url, settings.nats_url, str(settings.data))
    async with (
        _serving("alone", *arguments) as service,
        _serving("served", "remote", at=f"http://127.0.0.1:{service.port}") as remote,
    ):
        path = f"/v1/{SERVICE}/firms/{ground.firms[0][0]}"
        asked = Asked(path, ground.bearer("registrar")["authorization"], seconds)
        direct = "the service itself"
        rates = await asked.rates(sizes.rounds, {direct: service, "gateway": remote})
    what = f"a firm's profile through the gateway at {CONNECTIONS} connections"
    return [
        compare(what, "requests/s", rates, ours="gateway", peer=direct, ratio_at_least=RATIO_GOAL)
    ]


async def _cheapest(sizes: Sizes, seconds: int) -> list[Figure]:
    async with _serving("served", "service") as service:
        upstream = f"http://127.0.0.1:{service.port}"
        async with (
            _serving("served", "proxy", at=upstream) as proxy,
            _serving("served", "remote", at=upstream) as remote,
            _serving("served", "memory") as memory,
        ):
            asked = Asked(PATH, "", seconds)
            direct = "a bare FastAPI route"
            rates = await asked.rates(
                sizes.rounds,
                {direct: service, "bare proxy": proxy, "remote": remote, "memory": memory},
            )
    return _figures(rates, asked.cpu_us, direct)


def _figures(
    rates: dict[str, list[float]], cpu: dict[str, list[float]], direct: str
) -> list[Figure]:
    at = f"at {CONNECTIONS} connections"
    added = statistics.median(cpu["memory"]) - statistics.median(cpu[direct])
    return [
        compare(f"a bare route through the gateway {at}", "requests/s", rates, ours="remote",
                peer=direct, ratio_at_least=RATIO_GOAL),
        compare(f"a bare route in the gateway's process {at}", "requests/s", rates, ours="memory",
                peer=direct, ratio_at_least=RATIO_GOAL),
        compare(f"a bare route through the gateway {at}", "requests/s", rates, ours="remote",
                peer="bare proxy"),
        compare("CPU of a request in the gateway's process", "µs", cpu, ours="remote",
                peer="bare proxy", ratio_at_most=CPU_GOAL),
        Figure("CPU that the gateway adds in one process", "µs", added, "bare proxy",
               statistics.median(cpu["bare proxy"])),
    ]  # fmt: skip


@asynccontextmanager
async def _serving(module: str, *arguments: str, at: str = "") -> AsyncGenerator[Process]:
    port = free_port()
    command = [sys.executable, "-m", f"tests.benchmarks.{module}", str(port), *arguments]
    command += [at] if at else []
    process = subprocess.Popen(command)
    try:
        await _until_open(port)
        yield Process(port, psutil.Process(process.pid))
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


async def _until_open(port: int) -> None:
    async with asyncio.timeout(OPEN_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
