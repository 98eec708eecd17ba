"""A process told to end under load: who was let in is answered, who was not is told first."""

import asyncio
import json
import random
import signal
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import nats.errors
from nats.js import JetStreamContext

from services.launch.caller import Caller
from services.launch.split import GATEWAY, Child
from tests.faults.ground import Ground
from tests.faults.writers import CREATED, NO_ANSWER, PATH, Answer, Intent

# Well beyond what a crowded machine needs to notice; 5 s is what a deployment waits.
DRAIN_S = 1.5
# Balancers look at /readyz; so long after the word nobody begins anything here any more.
LOOKS_AWAY_S = 0.25
EXIT_S_MAX = 25.0
# Far below the time after which an event that nobody gave back is overdue.
AT_ONCE_S = 1.0
VISITORS = 3
VISIT_EACH_S = 0.01
VISIT_S_MAX = 20.0
LOOK_EACH_S = 0.02
OK, UNPROCESSABLE, AWAY = 200, 422, 503


@dataclass(frozen=True)
class Visit:
    """Who visits a process, where they look, and what they send by halves."""

    role: str
    look: str
    send: str
    # Whoever writes no budget lines is sent one all the same, and must have read it to its end.
    answers: tuple[int, ...] = (UNPROCESSABLE,)
    looks: tuple[int, ...] = (OK,)


VISITS = {
    "identity": Visit("admin", "/v1/demo/clock", "/v1/demo/clock"),
    "enterprise": Visit("registrar", "/v1/enterprise/firms?limit=1", "/v1/enterprise/firms"),
    "policy": Visit("firm", "/v1/policy/cases?limit=1", "/v1/policy/cases"),
    "finance": Visit("treasurer", f"{PATH}?limit=1", PATH, (CREATED,)),
    # A gateway whose neighbour is away says so.
    GATEWAY: Visit("treasurer", f"{PATH}?limit=1", PATH, (CREATED, AWAY), (OK, AWAY)),
}


@dataclass
class End:
    """What came of telling one process to end."""

    name: str
    is_drained: bool
    seconds: float = 0.0
    code: int | None = None
    told_at: float = 0.0
    was_not_ready: bool = False
    # Whether whoever looks was held up until the drain was over: nothing can be said then.
    is_missed: bool = False
    visits: int = 0
    broken: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])
    halves: str = ""
    unacknowledged: int = 0
    given_back: int = 0

    @property
    def faults(self) -> list[str]:
        """Say what should not have been."""
        found = [f"broken: {each}" for each in self.broken] if self.is_drained else []
        found += [f"answered {each}" for each in self.wrong]
        if self.is_drained and not self.was_not_ready and not self.is_missed:
            found.append("never said not-ready")
        if self.code != 0:
            found.append(f"exit code {self.code}")
        if self.seconds > EXIT_S_MAX:
            found.append(f"took {self.seconds:.1f} s")
        if self.halves:
            found.append(f"a request of two halves: {self.halves}")
        return [f"{self.name}: {each}" for each in found]

    @property
    def is_past(self) -> bool:
        """Whether the drain is over: who comes now finds nobody, and that is no fault."""
        return self.told_at > 0 and time.monotonic() - self.told_at >= DRAIN_S


async def end(
    ground: Ground,
    child: Child,
    caller: Caller,
    intent: Intent,
    *,
    is_drained: bool,
    wait_s: float,
) -> End:
    """Tell a process to end while it is visited, with one request sent by halves around it."""
    ended = End(child.name, is_drained)
    token = await token_of(caller, VISITS[child.name].role)
    away = asyncio.Event()
    visitors = [asyncio.create_task(_visit(child, token, ended, away)) for _ in range(VISITORS)]
    slow = await Halves.begin(child, token, intent)
    await asyncio.sleep(wait_s)
    ended.told_at = time.monotonic()
    child.send(signal.SIGTERM)
    looking = asyncio.create_task(_look(child, ended))
    await asyncio.sleep(LOOKS_AWAY_S)
    away.set()
    await asyncio.sleep(wait_s)
    ended.halves = await slow.finish()
    ended.code = await child.until_over()
    ended.seconds = time.monotonic() - ended.told_at
    await asyncio.gather(*visitors, looking)
    await _count_held(ground, ended)
    return ended


class Halves:
    """A request whose head is accepted long before its body is whole."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        rest: bytes,
        fit: tuple[int, ...],
        intent: Intent,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._rest = rest
        self._fit = fit
        self._intent = intent
        self._began = time.monotonic()

    @classmethod
    async def begin(cls, child: Child, token: str, intent: Intent) -> "Halves":
        visit = VISITS[child.name]
        body = json.dumps(intent.body).encode()
        head = (
            f"POST {visit.send} HTTP/1.1\r\nHost: lx\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nIdempotency-Key: {intent.key}\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        parts = urlsplit(child.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        half = len(body) // 2
        writer.write(head.encode() + body[:half])
        await writer.drain()
        return cls(reader, writer, body[half:], visit.answers, intent)

    async def finish(self) -> str:
        """Send the rest and enter the answer; say what is wrong with it, or nothing."""
        try:
            async with asyncio.timeout(EXIT_S_MAX):
                self._writer.write(self._rest)
                await self._writer.drain()
                head = await self._reader.readuntil(b"\r\n\r\n")
                await self._reader.readexactly(_length(head))
        except (OSError, asyncio.IncompleteReadError) as error:
            self._enter(NO_ANSWER)
            return type(error).__name__
        finally:
            self._writer.transport.abort()
        status = int(head.split()[1])
        self._enter(status, says_when=b"\r\nretry-after:" in head.lower())
        is_fit = status in self._fit and (status != AWAY or self._intent.answers[-1].is_fit)
        return "" if is_fit else str(status)

    def _enter(self, status: int, *, says_when: bool = False) -> None:
        seconds = time.monotonic() - self._began
        answer = Answer(self._began, seconds, status, retry_after=says_when)
        self._intent.answers.append(answer)


async def _visit(child: Child, token: str, ended: End, away: asyncio.Event) -> None:
    """Ask on a connection of its own each time; whoever was let in must get a whole answer."""
    headers, visit = {"Authorization": f"Bearer {token}"}, VISITS[child.name]
    while not away.is_set():
        async with httpx.AsyncClient(base_url=child.url, timeout=VISIT_S_MAX) as http:
            try:
                told = await http.get(visit.look, headers=headers)
            except httpx.TransportError as error:
                if not (isinstance(error, httpx.ConnectError) and ended.is_past):
                    ended.broken.append(type(error).__name__)
            else:
                if told.status_code not in visit.looks:
                    ended.wrong.append(str(told.status_code))
        ended.visits += 1
        await asyncio.sleep(VISIT_EACH_S)


async def _look(child: Child, ended: End) -> None:
    """Look at /readyz as a balancer would, until nobody listens any more."""
    has_looked = False
    async with httpx.AsyncClient(
        base_url=child.url, timeout=2, limits=httpx.Limits(max_keepalive_connections=0)
    ) as http:
        while child.is_running:
            try:
                told = await http.get("/readyz")
            except httpx.TransportError:
                ended.is_missed = ended.is_past and not has_looked
                return
            has_looked = True
            if told.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                ended.was_not_ready = True
            await asyncio.sleep(LOOK_EACH_S)


async def _count_held(ground: Ground, ended: End) -> None:
    """Count the events that a process held at its end: those given back, and the others."""
    if ended.name == GATEWAY:
        return
    async with ground.bus() as bus:
        for stream in ground.split.services:
            for consumer in await bus.jetstream.consumers_info(f"LX_{stream.upper()}"):
                held = consumer.num_ack_pending or 0
                if consumer.name.startswith(f"{ended.name}_hears_") and held:
                    again = await _come_again(
                        bus.jetstream, consumer.name, consumer.stream_name, held
                    )
                    ended.given_back += again
                    ended.unacknowledged += held - again


async def _come_again(jetstream: JetStreamContext, consumer: str, stream: str, held: int) -> int:
    """Count what another instance is given at once of what one held; give it back, too."""
    subscription = await jetstream.pull_subscribe_bind(consumer, stream)
    again = 0
    try:
        for message in await subscription.fetch(held, timeout=AT_ONCE_S):
            again += message.metadata.num_delivered > 1
            await message.nak()
    except nats.errors.TimeoutError:
        pass
    finally:
        await subscription.unsubscribe()
    return again


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
