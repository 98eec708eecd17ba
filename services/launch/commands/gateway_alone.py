"""The gateway as a process of its own, in front of services elsewhere."""

import asyncio

from gateway.app import Gateway
from gateway.remote import Remote
from gateway.settings import GatewaySettings
from services.kernel.logs import configure_logs
from services.launch.configuration import drain_seconds, gateway_backends, told_plainly
from services.launch.server import serving, told_to_stop


async def run_gateway(host: str, port: int) -> None:
    """Run the gateway until told to stop."""
    configure_logs()
    backends = {service: Remote(url) for service, url in gateway_backends().items()}
    with told_plainly():
        gateway = Gateway(backends, GatewaySettings())
    await gateway.start()
    # Before anybody can be let in: who is must be answered, however soon the word comes.
    told = told_to_stop()
    async with serving(gateway, host, port):
        await told.wait()
        gateway.drain()
        await asyncio.sleep(drain_seconds(is_alone=True))
    await gateway.stop()
