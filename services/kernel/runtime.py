"""A service at run: its database, its ear and its voice, its clock, in one object."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import text

from services.kernel.backlogs import BacklogRunner
from services.kernel.bus import Bus, Stream
from services.kernel.calendar import Calendar
from services.kernel.clock import Clock, system_now
from services.kernel.database import create_engine, session_factory
from services.kernel.idempotency import forget_old_answers
from services.kernel.moved_clock import ClockMoved, hear_clock, load_clock
from services.kernel.operations import OperationRunner
from services.kernel.outbox import Written
from services.kernel.reactions import Reaction, Reactor, consumers_for
from services.kernel.relay import Relay
from services.kernel.sealer import Sealer
from services.kernel.service import CannotStart, Service
from services.kernel.settings import Settings
from services.kernel.tables import PlatformSetting
from services.kernel.timers import TimerKind, TimerWheel
from services.kernel.tokens import (
    KeyChanged,
    PrincipalChanged,
    TokenRevoked,
    Verifier,
    hear_key,
    hear_principal,
    hear_revocation,
)

log = structlog.get_logger()

DECLARE_RETRY_S = 1.0
STREAM_LOOK_S = 5.0
STOP_WAIT_S = 10
# Work that waits lets events go first, until none has come for so long; but not for ever.
HEARING_PAUSE_S = 0.1
HEARING_WAIT_S_MAX = 3.0

KERNEL_REACTIONS = (
    Reaction(KeyChanged, hear_key),
    Reaction(TokenRevoked, hear_revocation),
    Reaction(PrincipalChanged, hear_principal),
    Reaction(ClockMoved, hear_clock),
)


class WrongProfile(CannotStart):
    """Data made under one profile is never opened under another."""


class Runtime:
    """Everything a service's requests and worker stand on in one process."""

    def __init__(
        self, service: Service, settings: Settings, bus: Bus, clock: Clock | None = None
    ) -> None:
        self.settings = settings
        self.bus = bus
        # One clock for a whole process: what one service has heard counts for all of them.
        self.clock = clock or Clock()
        self.calendar = Calendar.load(settings.calendar_dir)
        self.database_url = settings.service_url(service.name)
        self.engine = create_engine(
            self.database_url, pool_size=settings.pool_size, application=f"liangxin {service.name}"
        )
        self.sessions = session_factory(self.engine)
        self.verifier = Verifier(settings.issuer, self.sessions)
        self.service = service
        self._reactions = (*KERNEL_REACTIONS, *service.reactions)
        _require_distinct(self._reactions)
        self._stream = Stream(service.name, settings.nats_replicas)
        forget = TimerKind("forget-old-answers", _forget_old_answers, every=timedelta(minutes=1))
        self._wheel = TimerWheel(self, (*service.timers, forget))
        self._relay = Relay(service.name, self.database_url, bus)
        self._backlogs = [BacklogRunner(self, each) for each in service.backlogs]
        self._stopping = asyncio.Event()
        self._is_draining = False
        self._heard_at = 0.0
        self._tasks: list[asyncio.Task[Any]] = []
        self.resources: dict[str, Any] = {}

    def relay_hint(self) -> None:
        self._relay.poke()

    def hand_to_relay(self, written: Written) -> None:
        """Have published what a committed transaction of this process announced."""
        self._relay.hand(written)

    def backlog_hint(self) -> None:
        for runner in self._backlogs:
            runner.poke()

    async def let_hearing_go_first(self) -> None:
        """Wait as long as events keep coming in: others read what they tell, and work can wait."""
        loop = asyncio.get_running_loop()
        until = loop.time() + HEARING_WAIT_S_MAX
        while loop.time() < min(until, self._heard_at + HEARING_PAUSE_S):
            if await self._pause(HEARING_PAUSE_S):
                return

    async def start(self) -> None:
        """Check the profile, then start relay, reactions, timers, operations and sealer."""
        await self._check_profile()
        await load_clock(self.clock, self.sessions)
        await self.verifier.reload()
        if self.service.on_start is not None:
            await self.service.on_start(self)
        self._spawn("relay", self._relay.run(self._stopping))
        self._spawn("sealer", self._sealer().run(self._stopping))
        self._spawn("timers", self._wheel.run(self._stopping))
        if self.service.operations:
            self._spawn("operations", OperationRunner(self).run(self._stopping))
        for runner in self._backlogs:
            self._spawn("backlog", runner.run(self._stopping))
        self._spawn("hear", self._hear())

    async def stop(self) -> None:
        """Finish what is under way, then let go."""
        self._stopping.set()
        # They wait for a hint; without one they would end with their slow poll.
        self.relay_hint()
        self.backlog_hint()
        self._wheel.poke()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_WAIT_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.engine.dispose()

    def drain(self) -> None:
        """Say not-ready from now on, so that no new requests are sent here; serve on."""
        self._is_draining = True

    def reactions_to(self, type_: str) -> list[Reaction]:
        """Give what this service does about an event type."""
        return [r for r in self._reactions if type_ == r.event.TYPE]

    @property
    def is_alive(self) -> bool:
        """Whether every part of the worker is running."""
        return all(not task.done() for task in self._tasks)

    async def readiness(self) -> dict[str, str]:
        """Say what a caller can count on now."""
        state = {"database": "ready", "broker": "ready" if self.bus.is_connected else "down"}
        try:
            async with asyncio.timeout(2), self.sessions() as session:
                await session.execute(text("SELECT 1"))
                if not self.verifier.knows_a_key:
                    await self.verifier.reload()
        except Exception as error:  # noqa: BLE001  whatever it is, the database does not serve
            log.warning("not ready", kind=type(error).__name__)
            state["database"] = "down"
        if self._is_draining:
            state["serving"] = "draining"
        state["keys"] = "ready" if self.verifier.knows_a_key else "not heard yet"
        return state

    def _spawn(self, name: str, work: Any) -> None:
        task = asyncio.create_task(work, name=f"{self.service.name}:{name}")
        task.add_done_callback(self._tell_of_end)
        self._tasks.append(task)

    def _tell_of_end(self, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled() and task.exception() is not None:
            log.error("a part of the worker ended", part=task.get_name(), exc_info=task.exception())

    def _sealer(self) -> Sealer:
        return Sealer(
            self.service.name,
            self.database_url,
            self.settings.audit_key,
            self.settings.data / "checkpoints",
        )

    async def _check_profile(self) -> None:
        async with self.sessions() as session:
            row = await session.get(PlatformSetting, "profile")
        if row is None or row.value != self.settings.profile.value:
            raise WrongProfile(
                f"the data of {self.service.name} were made"
                f" under the profile {row.value if row else 'none'},"
                f" this process runs under {self.settings.profile.value}"
            )

    async def _hear(self) -> None:
        """Declare this service's stream, then listen; what does not exist yet is waited for."""
        consumers = consumers_for(self.service.name, self._reactions)
        await self._declare_own_stream()
        async with asyncio.TaskGroup() as group:
            for consumer in consumers:
                group.create_task(self._listen(consumer))
            group.create_task(self._keep_declared())

    async def _declare_own_stream(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.bus.declare(self._stream)
                return
            except Exception as error:  # noqa: BLE001  the broker may be away; it is asked again
                log.warning(
                    "stream not declared yet", service=self.service.name, kind=type(error).__name__
                )
                await self._pause(DECLARE_RETRY_S)

    async def _keep_declared(self) -> None:
        """Make the stream again if the broker comes back empty."""
        while not await self._pause(STREAM_LOOK_S):
            if self.bus.is_connected:
                try:
                    if not await self.bus.has(self._stream):
                        await self.bus.declare(self._stream)
                except Exception as error:  # noqa: BLE001
                    log.warning(
                        "stream not declared", service=self.service.name, kind=type(error).__name__
                    )

    async def _listen(self, consumer: Any) -> None:
        reactor = Reactor(
            self.service.name,
            consumer,
            self._reactions,
            sessions=self.sessions,
            jetstream=lambda: self.bus.jetstream,
            business_now=self.clock.now,
            after_commit=self._after_reaction,
        )
        while not self._stopping.is_set():
            try:
                await self.bus.declare_consumer(consumer)
            except Exception as error:  # noqa: BLE001  its stream may not exist yet
                log.debug(
                    "consumer not declared yet", consumer=consumer.name, kind=type(error).__name__
                )
                await self._pause(0.2)
                continue
            await reactor.run(self._stopping)

    async def _after_reaction(self, reactions: set[str], written: Written) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        self.hand_to_relay(written)
        self.backlog_hint()
        if hear_clock.__name__ in reactions:
            await load_clock(self.clock, self.sessions)
            # What the moved clock has made due is not left for the slow poll.
            self._wheel.poke()
        if reactions & {hear_key.__name__, hear_revocation.__name__, hear_principal.__name__}:
            await self.verifier.reload()

    async def _pause(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _require_distinct(reactions: Sequence[Reaction]) -> None:
    """Refuse two reactions to one event under one name: the inbox would take them for one."""
    names = Counter((r.event.TYPE, r.name) for r in reactions)
    if twice := [f"{name} to {type_}" for (type_, name), n in names.items() if n > 1]:
        raise ValueError(f"reactions need names of their own: {', '.join(twice)}")


async def _forget_old_answers(session: Any, _: str, __: Any) -> None:
    await forget_old_answers(session, system_now())
