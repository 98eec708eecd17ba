"""From commit to reaction: how soon one event is heard, and how many a worker hears a second."""

import asyncio
import dataclasses
import time
from datetime import datetime
from typing import Any, Self

from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from services.kernel.bus import Bus, Stream
from services.kernel.ids import new_id
from services.kernel.outbox import Written, announce
from services.kernel.pulling import BATCH_MESSAGES
from services.kernel.reactions import Reaction, consumers_for
from services.kernel.runtime import Runtime
from services.kernel.unit import after_commit, in_unit
from services.launch.registry import SERVICES
from services.policy.contract.events import CaseEnded
from tests.benchmarks.frame import (
    Figure,
    Goal,
    Sizes,
    at_most,
    compare,
    interleaved,
    per_second,
    percentile,
)
from tests.benchmarks.ground import Ground
from tests.benchmarks.reservations import message_of, reactor_of

P99_MS_GOAL = 5.0
PER_SECOND_GOAL = 3_000
GAP_S = 0.004
MESSAGES = 10_000
WAIT_S = 10


class Ear:
    """A service that hears one kind of event and does nothing but note when."""

    def __init__(self, ground: Ground, bus: Bus) -> None:
        self.entered: dict[Any, float] = {}
        self.heard = asyncio.Event()
        service = dataclasses.replace(
            SERVICES["finance"], reactions=(Reaction(CaseEnded, self.note),), timers=()
        )
        self.runtime = Runtime(service, ground.settings, bus)
        self.runtime._after_reaction = self.committed

    async def note(self, _: Any, event: CaseEnded, __: datetime) -> None:
        self.entered[event.case_id] = time.perf_counter()

    async def committed(self, reactions: set[str], written: Written) -> None:
        del reactions, written
        self.at = time.perf_counter()
        self.heard.set()


def ended() -> CaseEnded:
    return CaseEnded(case_id=new_id(), outcome="withdrawn", reason="测速", on="2026-11-23")  # pyright: ignore[reportArgumentType]


async def measure(ground: Ground, sizes: Sizes) -> list[Figure]:
    bus = Bus(ground.settings.nats_url, "bench hearing")
    await bus.connect()
    try:
        return await _latency(ground, sizes, bus) + await _throughput(ground, sizes, bus)
    finally:
        await bus.close()


async def _latency(ground: Ground, sizes: Sizes, bus: Bus) -> list[Figure]:
    """Announce one event at a time in policy, and see when finance has reacted."""
    ear = Ear(ground, bus)
    policy = Runtime(SERVICES["policy"], ground.settings, bus)
    await policy.start()
    await ear.runtime.start()
    entered: list[float] = []
    committed: list[float] = []

    async def one() -> None:
        event, at = ended(), 0.0

        def note() -> None:
            nonlocal at
            at = time.perf_counter()

        async def work(session: Any, now: datetime) -> None:
            announce(session, event, now=now)
            after_commit(session, note)

        ear.heard.clear()
        await in_unit(policy, work)
        while event.case_id not in ear.entered:
            await asyncio.wait_for(ear.heard.wait(), WAIT_S)
            ear.heard.clear()
        entered.append((ear.entered[event.case_id] - at) * 1000)
        committed.append((ear.at - at) * 1000)

    async def ours() -> float:
        first = len(committed)
        for _ in range(sizes.of(200, 40)):
            await one()
            await asyncio.sleep(GAP_S)
        return percentile(committed[first:], 0.5)

    try:
        for _ in range(20):
            await one()
        entered.clear()
        committed.clear()
        async with _Bare(bus) as bare:
            measured = await interleaved(
                sizes.rounds, {"ours": ours, "bare": lambda: bare.p50(sizes.of(200, 40))}
            )
            bare_p99 = percentile(bare.times, 0.99)
    finally:
        await policy.stop()
        await ear.runtime.stop()
    peer = "bare publish, pull"
    named = {"ours": measured["ours"], peer: measured["bare"]}
    p99 = percentile(committed, 0.99)
    return [
        compare("commit to reaction committed, p50", "ms", named, ours="ours", peer=peer),
        Figure(
            "commit to reaction committed, p99", "ms", p99, peer, bare_p99,
            at_most(P99_MS_GOAL, "ms", p99),
        ),
        Figure("commit to reaction entered, p99", "ms", percentile(entered, 0.99), peer, bare_p99),
    ]  # fmt: skip


class _Bare:
    """The least a broker needs: publish with its word, deliver to a waiting pull."""

    def __init__(self, bus: Bus) -> None:
        self._jetstream = bus.jetstream
        self.times: list[float] = []

    async def __aenter__(self) -> Self:
        await self._jetstream.add_stream(StreamConfig(name="BARE", subjects=["bare.>"]))
        config = ConsumerConfig(durable_name="bare", ack_policy=AckPolicy.EXPLICIT)
        await self._jetstream.add_consumer("BARE", config)
        self._ear = await self._jetstream.pull_subscribe_bind("bare", "BARE")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._jetstream.delete_stream("BARE")

    async def p50(self, events: int) -> float:
        first = len(self.times)
        for _ in range(events):
            fetching = asyncio.create_task(self._ear.fetch(BATCH_MESSAGES, timeout=WAIT_S))
            await asyncio.sleep(GAP_S)
            began = time.perf_counter()
            publishing = asyncio.create_task(self._jetstream.publish("bare.all", b"x" * 300))
            (message,) = await fetching
            self.times.append((time.perf_counter() - began) * 1000)
            await publishing
            await message.ack()
        return percentile(self.times[first:], 0.5)


async def _throughput(ground: Ground, sizes: Sizes, bus: Bus) -> list[Figure]:
    """Let one worker hear a full stream, beside a pull that only acknowledges."""
    messages = sizes.of(MESSAGES, 1_000)

    async with ground.still("finance") as runtime:
        runtime.bus = bus

        async def ours() -> float:
            async def note(*_: object) -> None:
                nonlocal left
                left -= 1
                if not left:
                    stopping.set()

            left, stopping = messages, asyncio.Event()
            reaction = Reaction(CaseEnded, note)
            (consumer,) = consumers_for("bench", (reaction,))
            await _fill(bus, messages)
            await bus.declare_consumer(consumer)
            reactor = reactor_of(runtime, reaction)
            reactor._consumer = consumer
            return await per_second(messages, lambda: reactor.run(stopping))

        async def bare() -> float:
            (consumer,) = consumers_for("bench", (Reaction(CaseEnded, _nothing),))
            await _fill(bus, messages)
            await bus.declare_consumer(consumer)
            ear = await bus.jetstream.pull_subscribe_bind(consumer.name, consumer.stream.name)

            async def pull() -> None:
                left = messages
                while left:
                    fetched = await ear.fetch(BATCH_MESSAGES, timeout=WAIT_S)
                    for message in fetched:
                        await message.ack()
                    left -= len(fetched)

            return await per_second(messages, pull)

        measured = await interleaved(sizes.rounds, {"ours": ours, "bare": bare})
    peer = "raw pull and ack"
    named = {"ours": measured["ours"], peer: measured["bare"]}
    figure = compare("reactions with inbox, one worker", "/s", named, ours="ours", peer=peer)
    goal = Goal(f"≥ {PER_SECOND_GOAL:,}/s", figure.ours >= PER_SECOND_GOAL)
    return [dataclasses.replace(figure, goal=goal)]


async def _nothing(*_: object) -> None:
    return None


async def _fill(bus: Bus, messages: int) -> None:
    """Empty policy's stream, with its consumers, and fill it with events of unknown cases."""
    stream = Stream("policy")
    await bus.jetstream.delete_stream(stream.name)
    await bus.declare(stream)
    for _ in range(messages):
        event = ended()
        await bus.jetstream.publish_async(event.subject(), message_of(event), wait_stall=60)
    await bus.jetstream.publish_async_completed()
