"""A process told to end under load: who was let in is answered, who was not is told first."""

import asyncio
import json
import random
import signal
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx

from services.kernel.ids import new_id
from services.launch.caller import Caller
from services.launch.split import GATEWAY, Child
from tests.faults.ground import Ground
from tests.faults.writers import PATH, Intent

# Well beyond what a crowded machine needs to notice; 5 s is what a deployment waits.
DRAIN_S = 1.5
# Balancers look at /readyz; so long after the word nobody begins anything here any more.
LOOKS_AWAY_S = 0.25
EXIT_S_MAX = 25.0
VISITORS = 3
VISIT_EACH_S = 0.01
VISIT_S_MAX = 20.0
LOOK_EACH_S = 0.02
# Who visits a process, where they look, and what they send by halves: it is read to its end.
VISITS = {
    "identity": ("treasurer", "/v1/demo/clock", "/oauth2/token"),
    "enterprise": ("registrar", "/v1/enterprise/firms?limit=1", "/v1/enterprise/firms"),
    "policy": ("firm", "/v1/policy/cases?limit=1", "/v1/policy/cases"),
    "finance": ("treasurer", f"{PATH}?limit=1", PATH),
    GATEWAY: ("treasurer", f"{PATH}?limit=1", PATH),
}


@dataclass
class End:
    """What came of telling one process to end."""

    name: str
    is_drained: bool
    seconds: float = 0.0
    code: int | None = None
    was_not_ready: bool = False
    visits: int = 0
    broken: list[str] = field(default_factory=list[str])
    halves: str = ""
    unacknowledged: int = 0

    @property
    def faults(self) -> list[str]:
        """Say what should not have been."""
        found = [f"broken: {each}" for each in self.broken] if self.is_drained else []
        if self.is_drained and not self.was_not_ready:
            found.append("never said not-ready")
        if self.code != 0:
            found.append(f"exit code {self.code}")
        if self.seconds > EXIT_S_MAX:
            found.append(f"took {self.seconds:.1f} s")
        if self.halves:
            found.append(f"a request of two halves: {self.halves}")
        return [f"{self.name}: {each}" for each in found]


async def end(
    ground: Ground, child: Child, caller: Caller, *, is_drained: bool, wait_s: float
) -> End:
    """Tell a process to end while it is visited, with one request sent by halves around it."""
    ended = End(child.name, is_drained)
    token = await token_of(caller, VISITS[child.name][0])
    away = asyncio.Event()
    visitors = [asyncio.create_task(_visit(child, token, ended, away)) for _ in range(VISITORS)]
    slow = await Halves.begin(child, token)
    await asyncio.sleep(wait_s)
    began = time.monotonic()
    child.send(signal.SIGTERM)
    looking = asyncio.create_task(_look(child, ended))
    await asyncio.sleep(LOOKS_AWAY_S)
    away.set()
    await asyncio.sleep(wait_s)
    ended.halves = await slow.finish()
    ended.code = await child.until_over()
    ended.seconds = time.monotonic() - began
    await asyncio.gather(*visitors, looking)
    ended.unacknowledged = await _unacknowledged(ground, child.name)
    return ended


class Halves:
    """A request whose head is accepted long before its body is whole."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rest: bytes,
        *,
        is_gateway: bool,
    ) -> None:
        self._is_gateway = is_gateway
        self._reader = reader
        self._writer = writer
        self._rest = rest

    @classmethod
    async def begin(cls, child: Child, token: str) -> "Halves":
        intent = Intent()
        path = VISITS[child.name][2]
        body = json.dumps(intent.body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: lx\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nIdempotency-Key: {new_id()}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        parts = urlsplit(child.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        half = len(body) // 2
        writer.write(head.encode() + body[:half])
        await writer.drain()
        return cls(reader, writer, body[half:], is_gateway=child.name == GATEWAY)

    async def finish(self) -> str:
        """Send the rest; say what is wrong with the answer, or nothing."""
        try:
            self._writer.write(self._rest)
            await self._writer.drain()
            head = await self._reader.readuntil(b"\r\n\r\n")
            await self._reader.readexactly(_length(head))
        except (OSError, asyncio.IncompleteReadError) as error:
            return type(error).__name__
        finally:
            self._writer.transport.abort()
        status = int(head.split()[1])
        # A gateway whose neighbour is away says so; a service finishes what it has let in.
        return "" if status < 500 or (status == 503 and self._is_gateway) else str(status)


async def _visit(child: Child, token: str, ended: End, away: asyncio.Event) -> None:
    """Ask on a connection of its own each time; whoever was let in must get a whole answer."""
    headers = {"Authorization": f"Bearer {token}"}
    while not away.is_set():
        async with httpx.AsyncClient(base_url=child.url, timeout=VISIT_S_MAX) as http:
            try:
                told = await http.get(VISITS[child.name][1], headers=headers)
            except httpx.TransportError as error:
                ended.broken.append(type(error).__name__)
            else:
                if told.status_code not in (200, 503):
                    ended.broken.append(str(told.status_code))
        ended.visits += 1
        await asyncio.sleep(VISIT_EACH_S)


async def _look(child: Child, ended: End) -> None:
    """Look at /readyz as a balancer would, until nobody listens any more."""
    async with httpx.AsyncClient(
        base_url=child.url, timeout=2, limits=httpx.Limits(max_keepalive_connections=0)
    ) as http:
        while child.is_running:
            try:
                told = await http.get("/readyz")
            except httpx.TransportError:
                return
            if told.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                ended.was_not_ready = True
            await asyncio.sleep(LOOK_EACH_S)


async def _unacknowledged(ground: Ground, name: str) -> int:
    """Count the events that a process which has ended still holds."""
    if name == GATEWAY:
        return 0
    held = 0
    async with ground.bus() as bus:
        for stream in ground.split.services:
            for consumer in await bus.jetstream.consumers_info(f"LX_{stream.upper()}"):
                if consumer.name.startswith(f"{name}_hears_"):
                    held += consumer.num_ack_pending or 0
    return held


def plan(ground: Ground, times: int, chance: random.Random) -> list[Child]:
    """Choose who is told to end: everybody in turn, in an order of chance; few each twice."""
    children = list(ground.split.children)
    if times < len(children):
        twice = [ground.split.gateway] * 2 + [ground.split.services["finance"]] * 2
        return twice[:times]
    turns: list[Child] = []
    while len(turns) < times:
        chance.shuffle(children)
        turns += children
    return turns[:times]


async def token_of(caller: Caller, role: str) -> str:
    """Give the token that a role's requests carry."""
    told = await caller.ask(role, "GET", "/v1/demo/clock")
    return told.request.headers["authorization"].removeprefix("Bearer ")


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
