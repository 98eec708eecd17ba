"""One service as a process of its own, on outside servers."""

import asyncio

import structlog

from services.kernel.app import asgi_app
from services.kernel.bus import Bus
from services.kernel.logs import configure_logs
from services.kernel.runtime import Runtime
from services.kernel.service import CannotStart
from services.kernel.unit import DATABASE_ERRORS
from services.launch.configuration import drain_seconds, service_settings
from services.launch.modules import keep_loaded
from services.launch.registry import SERVICES
from services.launch.server import serving, told_to_stop

log = structlog.get_logger()


async def run_service(name: str, host: str, port: int) -> None:
    """Run one service until told to stop."""
    settings = service_settings(name)
    configure_logs()
    service = SERVICES[name]
    bus = Bus(settings.nats_url, f"liangxin {name}")
    runtime = Runtime(service, settings, bus)
    await bus.connect()
    try:
        await _start(runtime, name)
        keep_loaded()
        # Before anybody can be let in: who is must be answered, however soon the word comes.
        told = told_to_stop()
        async with serving(asgi_app(service, runtime), host, port):
            log.info("service runs", service=name)
            await told.wait()
            runtime.drain()
            await asyncio.sleep(drain_seconds(is_alone=True))
    finally:
        await runtime.stop()
        await bus.close()


async def _start(runtime: Runtime, name: str) -> None:
    """Start, or say in one line why that cannot be: a supervisor's log is read by people."""
    try:
        await runtime.start()
    except CannotStart as error:
        raise SystemExit(str(error)) from None
    except DATABASE_ERRORS as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        raise SystemExit(
            f"{name} cannot use its database ({kind}):"
            " is it there, has `liangxin migrate` been run, is the password the right one?"
        ) from None
