"""Running the platform: all of it in one process."""

import asyncio
from contextlib import AsyncExitStack, suppress

from rich.console import Console

from gateway.settings import GatewaySettings
from services.kernel.logs import configure_logs
from services.kernel.service import CannotStart
from services.kernel.settings import Profile, Settings
from services.launch.configuration import configured, drain_seconds
from services.launch.credentials import Credentials, ensure_clients
from services.launch.mark import marked
from services.launch.modules import keep_loaded
from services.launch.panel import print_panel
from services.launch.platform import running_platform
from services.launch.server import is_free, serving, until_told_to_stop
from services.policy.plan.actions.load_library import library


async def run_all(host: str, port: int) -> None:
    """Run every service and the gateway in this process until told to stop."""
    console = Console()
    if not is_free(host, port):
        raise SystemExit(f"port {port} is taken: choose another with PORT=8001 make run")
    configure_logs("WARNING")
    try:
        # Before any server starts: whoever writes a plan reads its faults and nothing else.
        library()
        await _run(console, host, port)
    except CannotStart as error:
        raise SystemExit(str(error)) from None


async def _run(console: Console, host: str, port: int) -> None:
    base_url = f"http://{host}:{port}"
    async with (
        AsyncExitStack() as stack,
        configured() as settings,
        running_platform(settings, gateway_settings(settings)) as platform,
        serving(platform.gateway, host, port),
    ):
        stack.enter_context(marked(settings.data))
        if settings.profile is Profile.DEMONSTRATION:
            credentials = await ensure_clients(platform.settings, base_url)
            await _load_once(console, settings, base_url, credentials)
            print_panel(console, base_url, settings)
        keep_loaded()
        await until_told_to_stop()
        platform.gateway.drain()
        await asyncio.sleep(drain_seconds())


async def _load_once(
    console: Console, settings: Settings, base_url: str, credentials: Credentials
) -> None:
    marker = settings.data / "city.loaded"
    if marker.exists():
        return
    # Wanted once in the life of a data folder: the city's generator and what it stands on.
    from services.launch.caller import calling  # noqa: PLC0415
    from services.launch.loading import load_city  # noqa: PLC0415
    from services.launch.progress import shown_progress  # noqa: PLC0415
    from services.launch.story.quiet import until_quiet  # noqa: PLC0415

    async with calling(base_url, credentials.clients) as caller:
        with shown_progress(console) as progress:
            await load_city(caller, progress)
    marker.touch()
    # Whoever pastes the first call waits for what is still being heard of 2,000 firms.
    with suppress(TimeoutError):
        await until_quiet(settings)


def gateway_settings(settings: Settings) -> GatewaySettings:
    """Give the gateway of one process the profile of its services."""
    return GatewaySettings(profile=settings.profile, access_log=False)
