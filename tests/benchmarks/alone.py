"""A process of one real service without its worker: `python -m tests.benchmarks.alone`."""

import sys
from pathlib import Path

import uvloop

from services.kernel.app import asgi_app
from services.kernel.bus import Bus
from services.kernel.logs import configure_logs
from services.kernel.runtime import Runtime
from services.launch.configuration import embedded_settings
from services.launch.registry import SERVICES
from tests.benchmarks.served import SERVICE, run


async def serve(port: int, database_url: str, nats_url: str, data: Path) -> None:
    """Serve the register of firms until told to stop."""
    settings = embedded_settings(database_url, nats_url, data)
    runtime = Runtime(SERVICES[SERVICE], settings, Bus(nats_url, "bench"))
    await runtime.verifier.reload()
    await run(asgi_app(runtime.service, runtime), port)
    await runtime.engine.dispose()


if __name__ == "__main__":
    configure_logs("ERROR")
    given_port, *urls, folder = sys.argv[1:]
    work = serve(int(given_port), urls[0], urls[1], Path(folder))
    uvloop.run(work)
