"""Running the platform: all in one process, one service of it, or the story on a fresh database."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import orjson
import structlog
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from gateway.app import Gateway
from gateway.remote import Remote
from gateway.settings import GatewaySettings
from services.kernel.app import asgi_app
from services.kernel.bus import Bus
from services.kernel.logs import configure_logs
from services.kernel.runtime import Runtime
from services.kernel.settings import Profile, Settings
from services.launch.caller import Caller
from services.launch.configuration import (
    configured,
    data_folder,
    drain_seconds,
    embedded_settings,
    gateway_backends,
    is_embedded,
    outside_settings,
)
from services.launch.credentials import FILE_NAME, Credentials, ensure_clients
from services.launch.embedded import embedded_servers, stop_embedded
from services.launch.loading import Progress, load_city
from services.launch.panel import print_panel
from services.launch.platform import running_platform
from services.launch.registry import SERVICES
from services.launch.server import free_port, is_free, serving, until_told_to_stop
from services.launch.story.play import play

log = structlog.get_logger()
CALL_S_MAX = 60


async def run_all(host: str, port: int) -> None:
    """Run every service and the gateway in this process until told to stop."""
    console = Console()
    if not is_free(host, port):
        raise SystemExit(f"port {port} is taken: choose another with PORT=8001 make run")
    configure_logs("WARNING")
    base_url = f"http://{host}:{port}"
    async with (
        configured() as settings,
        running_platform(settings, _gateway_settings(settings)) as platform,
        serving(platform.gateway, host, port),
    ):
        if settings.profile is Profile.DEMONSTRATION:
            credentials = await ensure_clients(platform, base_url)
            await _load_once(console, settings, base_url, credentials)
            print_panel(console, base_url, settings)
        await until_told_to_stop()
        platform.gateway.drain()
        await asyncio.sleep(drain_seconds())


async def _load_once(
    console: Console, settings: Settings, base_url: str, credentials: Credentials
) -> None:
    marker = settings.data / "city.loaded"
    if marker.exists():
        return
    async with _caller(base_url, credentials) as caller:
        with _bars(console) as bars:
            await load_city(caller, _shown_on(bars))
    marker.touch()


def demonstration_token(client: str) -> str:
    """Ask the running demonstration for a token, as the credentials file says."""
    path = data_folder() / FILE_NAME
    if not path.exists():
        raise SystemExit(f"{path} is not there: start the demonstration with `make run` first")
    document = orjson.loads(path.read_bytes())
    if client not in document["clients"]:
        raise SystemExit(f"there is no client {client}: choose {', '.join(document['clients'])}")
    entry = document["clients"][client]
    form = {
        "grant_type": "client_credentials",
        "client_id": entry["client_id"],
        "client_secret": entry["client_secret"],
    }
    answer = httpx.post(f"{document['base_url']}/oauth2/token", data=form, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["access_token"])


async def run_one(name: str, host: str, port: int) -> None:
    """Run one service, or the gateway, on outside servers until told to stop."""
    if is_embedded() and name != "gateway":
        raise SystemExit(
            "a single service runs on outside servers:"
            " set DATABASE_URL (or its own URL) and NATS_URL"
        )
    configure_logs()
    if name == "gateway":
        gateway = Gateway({service: Remote(url) for service, url in gateway_backends().items()})
        await gateway.start()
        async with serving(gateway, host, port):
            await until_told_to_stop()
            gateway.drain()
            await asyncio.sleep(drain_seconds())
        await gateway.stop()
        return
    if name not in SERVICES:
        raise SystemExit(f"there is no service {name}: choose {', '.join(SERVICES)} or gateway")
    settings = outside_settings()
    bus = Bus(settings.nats_url, f"liangxin {name}")
    runtime = Runtime(SERVICES[name], settings, bus)
    await bus.connect()
    await runtime.start()
    async with serving(asgi_app(SERVICES[name], runtime), host, port):
        log.info("service runs", service=name)
        await until_told_to_stop()
        runtime.drain()
        await asyncio.sleep(drain_seconds())
    await runtime.stop()
    await bus.close()


async def play_story(console: Console) -> int:
    """Play the whole story on fresh servers; 0 only if each step came out as it must."""
    configure_logs("ERROR")
    folder = data_folder() / "demo"
    if folder.exists():
        await asyncio.to_thread(stop_embedded, folder)
        await asyncio.to_thread(shutil.rmtree, folder)
    port = free_port()
    base_url = f"http://127.0.0.1:{port}"
    async with embedded_servers(folder) as servers:
        settings = embedded_settings(servers.database_url, servers.nats_url, folder)
        async with (
            running_platform(settings, _gateway_settings(settings)) as platform,
            serving(platform.gateway, "127.0.0.1", port),
        ):
            credentials = await ensure_clients(platform, base_url)
            async with _caller(base_url, credentials) as caller:
                with _bars(console) as bars:
                    city = await load_city(caller, _shown_on(bars))
                return await play(console, caller, city, settings)


def _gateway_settings(settings: Settings) -> GatewaySettings:
    return GatewaySettings(profile=settings.profile, access_log=False)


@asynccontextmanager
async def _caller(base_url: str, credentials: Credentials) -> AsyncGenerator[Caller]:
    async with httpx.AsyncClient(base_url=base_url, timeout=CALL_S_MAX) as http:
        yield Caller(http, dict(credentials.clients))


def _bars(console: Console) -> Bars:
    return Bars(
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _shown_on(bars: Bars) -> Progress:
    tasks: dict[str, object] = {}

    def show(name: str, done: int, total: int | None) -> None:
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=total)
        bars.update(tasks[name], completed=done, total=total)  # pyright: ignore[reportArgumentType]

    return show
