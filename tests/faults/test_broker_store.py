"""F07, F08: the broker loses its store, or goes back to an older one, while cases are under way."""

import asyncio
import random
import shutil
import time
from pathlib import Path

from tests.faults.commands import liangxin
from tests.faults.ground import Ground
from tests.faults.load import Load
from tests.faults.oracles import judge, settled
from tests.faults.report import held, wholly

WIPES, RESTORES, TEARS = 5, 3, 3
WORKERS = 4
PAID_BETWEEN = 3
WAIT_S_MAX = 120.0
SETTLED_S_MAX = 120.0
TORN_BYTES_MAX = 2_000

pytestmark = wholly


async def test_store_wiped_while_events_wait(ground: Ground) -> None:
    load, finance = Load(ground.caller(), WORKERS), ground.split.services["finance"]
    await load.start()
    waiting = 0
    for _ in range(WIPES):
        await load.until_more_are_paid(PAID_BETWEEN)
        await finance.stop()
        waiting += await _until_some_wait(ground)
        await ground.wipe_broker()
        await ground.start_broker()
        await liangxin(ground, "events", "republish")
        await finance.start()
        await finance.until_ready()
    await _end(
        ground, load, "F07", "broker emptied while events wait, refilled", WIPES,
        f"{waiting} events lost by the broker before anyone heard them",
    )  # fmt: skip


async def test_older_store_comes_back(ground: Ground) -> None:
    """As after a power cut: what the broker had acknowledged since is gone."""
    load = Load(ground.caller(), WORKERS)
    await load.start()
    for _ in range(RESTORES):
        await load.until_more_are_paid(PAID_BETWEEN)
        copy = await _copy_store(ground)
        await load.until_more_are_paid(PAID_BETWEEN)
        await ground.wipe_broker()
        shutil.copytree(copy, _store(ground))
        await ground.start_broker()
        await liangxin(ground, "events", "republish")
    await _end(
        ground, load, "F08", "an older copy of the broker's store comes back, refilled", RESTORES,
        f"{PAID_BETWEEN} cases paid between copy and loss",
    )  # fmt: skip


async def test_store_comes_back_torn(ground: Ground, chance: random.Random) -> None:
    """As after a power cut on a disk that lied: the ends of the streams were never written."""
    load, torn = Load(ground.caller(), WORKERS), 0
    await load.start()
    for _ in range(TEARS):
        await load.until_more_are_paid(PAID_BETWEEN)
        before = await _stored(ground)
        await ground.stop_broker()
        for block in sorted(_store(ground).rglob("*.blk")):
            if block.parent.name == "msgs" and (size := block.stat().st_size):
                with block.open("r+b") as file:
                    file.truncate(max(0, size - chance.randint(1, TORN_BYTES_MAX)))
        for index in _store(ground).rglob("index.db"):
            index.unlink()
        await ground.start_broker()
        torn += before - await _stored(ground)
        await liangxin(ground, "events", "republish")
    await _end(
        ground, load, "F08", "the ends of the broker's streams are torn off, refilled", TEARS,
        f"{torn} stored messages were gone",
    )  # fmt: skip
    assert torn > 0


async def _end(ground: Ground, load: Load, case: str, fault: str, tries: int, note: str) -> None:
    """Let the load end, and judge; old announcements stand after new ones by now."""
    await load.finish()
    took_s = await settled(ground, SETTLED_S_MAX)
    verdict = await judge(ground, load.paid, in_order=False)
    held(
        case,
        fault,
        tries=tries,
        lost=len(verdict.lost),
        double=len(verdict.double),
        note=f"{len(load.paid)} cases paid; {note}; settled in {took_s:.1f} s",
    )
    assert verdict.holds, verdict
    assert len(load.paid) == len(load.begun) > 0


async def _until_some_wait(ground: Ground) -> int:
    """Wait until the broker holds what finance has not heard; count it."""
    deadline = time.monotonic() + WAIT_S_MAX
    async with ground.bus() as bus:
        while True:
            info = await bus.jetstream.consumer_info("LX_POLICY", "finance_hears_policy")
            if info.num_pending:
                return info.num_pending
            assert time.monotonic() < deadline, "no event waits for finance"
            await asyncio.sleep(0.05)


async def _copy_store(ground: Ground) -> Path:
    """Copy the store of a stopped broker, and let the broker go on."""
    copy = ground.folder / "older"
    shutil.rmtree(copy, ignore_errors=True)
    await ground.stop_broker()
    shutil.copytree(_store(ground), copy)
    await ground.start_broker()
    return copy


async def _stored(ground: Ground) -> int:
    async with ground.bus() as bus:
        return sum(info.state.messages for info in await bus.jetstream.streams_info())


def _store(ground: Ground) -> Path:
    return ground.folder / "nats" / "jetstream"
