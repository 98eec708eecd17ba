"""Waiting work: done soon, some at a time, and left where it was when it fails."""

import asyncio
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel import runtime
from services.kernel.backlogs import Backlog, BacklogRunner, busy_question
from tests.kernel.probe import probe_service
from tests.kernel.running import Probe, fresh, until

WRITE = "INSERT INTO line (id, what, of) VALUES (gen_random_uuid(), :what, :of)"


async def run(probe: Probe, backlog: Backlog, holds: object) -> None:
    """Run a backlog until something holds."""
    stopping = asyncio.Event()
    runner = BacklogRunner(probe.runtime, backlog)
    task = asyncio.create_task(runner.run(stopping))
    try:
        await until(holds)  # pyright: ignore[reportArgumentType]
    finally:
        stopping.set()
        runner.poke()
        await task


async def test_work_is_done_until_nothing_is_left(probe: Probe) -> None:
    name, left = fresh("backlog"), 3

    async def work(session: AsyncSession, _: datetime) -> bool:
        nonlocal left
        if not left:
            return False
        left -= 1
        await session.execute(text(WRITE), {"what": "done", "of": name})
        return True

    async def is_done() -> bool:
        return await probe.effects("done", name) == 3

    await run(probe, Backlog(name, work, "SELECT 1 WHERE false"), is_done)


async def test_what_fails_leaves_nothing_behind_and_is_tried_again(probe: Probe) -> None:
    name, tries = fresh("backlog"), 0

    async def work(session: AsyncSession, _: datetime) -> bool:
        nonlocal tries
        tries += 1
        if tries > 2:
            return False
        await session.execute(text(WRITE), {"what": "tried", "of": name})
        if tries == 1:
            raise RuntimeError
        return True

    async def is_done() -> bool:
        return tries > 2

    await run(probe, Backlog(name, work, "SELECT 1 WHERE false"), is_done)
    assert await probe.effects("tried", name) == 1


async def test_a_service_is_busy_as_long_as_work_waits(probe: Probe) -> None:
    async def work(_: AsyncSession, __: datetime) -> bool:
        return False

    migrations = probe.runtime.service.migrations
    without = await probe.value(busy_question(probe.runtime.service))
    for waiting, is_busy in (("SELECT 1", True), ("SELECT 1 WHERE false", without)):
        service = probe_service(migrations, backlogs=(Backlog("waits", work, waiting),))
        assert await probe.value(busy_question(service)) is is_busy


async def test_events_go_first_but_not_for_ever(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "HEARING_WAIT_S_MAX", 0.5)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(probe.runtime, "_heard_at", loop.time() + 60)
    began = loop.time()
    await probe.runtime.let_hearing_go_first()
    assert loop.time() - began >= 0.5
    monkeypatch.setattr(probe.runtime, "_heard_at", began - 1)
    began = loop.time()
    await probe.runtime.let_hearing_go_first()
    assert loop.time() - began < 0.1
