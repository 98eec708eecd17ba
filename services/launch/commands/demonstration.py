"""The story on a fresh database: in one process, or with every service a process of its own."""

import asyncio
import re
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from services.kernel.logs import configure_logs
from services.kernel.settings import Settings
from services.launch.caller import calling
from services.launch.commands.running import gateway_settings
from services.launch.configuration import SERVICE_NAMES, data_folder, embedded_settings
from services.launch.credentials import ensure_clients
from services.launch.embedded import embedded_servers, stop_embedded
from services.launch.loading import load_city
from services.launch.platform import prepare_database, running_platform
from services.launch.progress import shown_progress
from services.launch.server import free_port, serving
from services.launch.split import HOST, Split
from services.launch.story.outage import Outage
from services.launch.story.play import play

AWAY_S_MAX = 600.0
# Nobody balances the demonstration's load, so nobody has to be told before a process ends.
NO_DRAIN = {"LIANGXIN_DRAIN_S": "0"}
_WITHOUT = re.compile(r"([a-z]+)=([0-9]+(?:\.[0-9]+)?)")


async def play_story(console: Console, *, split: bool, without: str) -> int:
    """Play the whole story on fresh servers; 0 only if each step came out as it must."""
    away = _read_without(without, split=split)
    configure_logs("ERROR")
    folder = data_folder() / "demo"
    await asyncio.to_thread(_make_fresh, folder)
    async with embedded_servers(folder) as servers:
        settings = embedded_settings(servers.database_url, servers.nats_url, folder)
        if not split:
            async with _in_one_process(settings) as url:
                return await _tell(console, settings, url)
        async with _as_processes(settings) as platform:
            outage = Outage(platform.services[away[0]], away[1]) if away else None
            return await _tell(console, settings, platform.url, outage)


async def _tell(
    console: Console, settings: Settings, base_url: str, outage: Outage | None = None
) -> int:
    """Load the city and play, as clients of whatever answers at the address."""
    credentials = await ensure_clients(settings, base_url)
    async with calling(base_url, credentials.clients) as caller:
        with shown_progress(console) as progress:
            city = await load_city(caller, progress)
        return await play(console, caller, city, settings, outage)


@asynccontextmanager
async def _in_one_process(settings: Settings) -> AsyncGenerator[str]:
    port = free_port()
    async with (
        running_platform(settings, gateway_settings(settings)) as platform,
        serving(platform.gateway, HOST, port),
    ):
        yield f"http://{HOST}:{port}"


@asynccontextmanager
async def _as_processes(settings: Settings) -> AsyncGenerator[Split]:
    """Run each service and the gateway as `liangxin run NAME` does; only addresses join them."""
    await prepare_database(settings)
    platform = Split(settings, SERVICE_NAMES, NO_DRAIN)
    _unwind_on_sigterm()
    try:
        await platform.start()
        yield platform
    finally:
        await platform.stop()


def _unwind_on_sigterm() -> None:
    """Leave no process behind when this one is told to end."""
    if task := asyncio.current_task():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _make_fresh(folder: Path) -> None:
    if folder.exists():
        stop_embedded(folder)
        shutil.rmtree(folder)


def _read_without(words: str, *, split: bool) -> tuple[str, float] | None:
    """Read `SERVICE=SECONDS`."""
    if not words:
        return None
    if not split:
        raise SystemExit("--without ends a process of its own: it goes with --split")
    found = _WITHOUT.fullmatch(words)
    if found is None or found[1] not in SERVICE_NAMES or not 0 < float(found[2]) <= AWAY_S_MAX:
        raise SystemExit(
            f"--without takes SERVICE=SECONDS: one of {', '.join(SERVICE_NAMES)},"
            f" and at most {AWAY_S_MAX:g} seconds, such as finance=60"
        )
    return found[1], float(found[2])
