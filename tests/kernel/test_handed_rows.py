"""What a process commits goes to its relay by hand, as far as it is known to be next."""

import asyncio
import random
from typing import Any

import pytest

from services.kernel import relay as relays
from services.kernel.events import SHARDS
from services.kernel.ids import new_id
from services.kernel.outbox import Written, announce
from services.kernel.relay import Relay
from services.kernel.unit import commit
from tests.kernel.probe import NoteCounted
from tests.kernel.running import NOW, Probe, fresh


def handed(aggregate: str, *seqs: int, shard: int = 1) -> Written:
    rows = [{"id": new_id(), "aggregate": aggregate, "seq": seq, "shard": shard} for seq in seqs]
    return Written(len(rows), rows)


@pytest.fixture
def resting(probe: Probe) -> Relay:
    """Give a relay that owns half of the shards and does nothing by itself."""
    relay = Relay("probe", probe.runtime.database_url, probe.runtime.bus)
    relay._shards, relay._is_to_look = list(range(SHARDS // 2)), False
    return relay


async def taken(relay: Relay, *written: Written) -> list[tuple[str, int]]:
    for each in written:
        relay.hand(each)
    rows = relay._take_handed()
    relay._learn(rows)
    return [(row["aggregate"], row["seq"]) for row in rows]


async def test_rows_that_are_next_in_their_aggregate_need_no_look(resting: Relay) -> None:
    assert await taken(resting, handed("a", 1, 2), handed("b", 1)) == [("a", 1), ("a", 2), ("b", 1)]
    assert await taken(resting, handed("a", 3)) == [("a", 3)]
    assert await taken(resting, handed("a", 2)) == []
    assert not resting._is_to_look


async def test_a_row_of_which_an_earlier_one_is_not_known_is_looked_up(resting: Relay) -> None:
    assert await taken(resting, handed("a", 2)) == []
    assert resting._is_to_look
    resting._is_to_look = False
    assert await taken(resting, handed("b", 1), handed("b", 3)) == [("b", 1)]
    assert resting._is_to_look


async def test_a_row_of_which_an_earlier_one_was_not_stored_is_looked_up(resting: Relay) -> None:
    resting.hand(handed("a", 1))
    resting._take_handed()
    # The broker refused it, so nothing is learned.
    assert await taken(resting, handed("a", 2)) == []
    assert resting._is_to_look


async def test_rows_on_the_shards_of_others_are_theirs_to_publish(resting: Relay) -> None:
    assert await taken(resting, handed("a", 1)) == [("a", 1)]
    assert not resting._is_to_tell
    assert await taken(resting, handed("b", 1, shard=SHARDS - 1)) == []
    assert resting._is_to_tell


async def test_who_owns_nothing_tells_the_owner_who_publishes_without_waiting_for_a_poll(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    await probe.settle()
    monkeypatch.setattr(relays, "POLL_S", 600.0)
    other, stopping = Relay("probe", probe.runtime.database_url, probe.runtime.bus), asyncio.Event()
    running = asyncio.create_task(other.run(stopping))
    note = fresh("told")
    try:
        # By then the owner sleeps for the long time, and the other has found nothing to own.
        await asyncio.sleep(1.5)
        async with probe.runtime.sessions() as session:
            announce(session, NoteCounted(note=note), now=NOW)
            other.hand(await commit(session))
        await probe.settle()
    finally:
        stopping.set()
        other.poke()
        await running
    assert await probe.effects("counted", note) == 1


async def test_many_rows_at_once_are_looked_up(resting: Relay) -> None:
    resting.hand(Written(1_000))
    assert (resting._is_to_look, resting._handed) == (True, [])


async def test_what_this_process_commits_is_published_from_memory_in_order(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, looks, chance = Relay._read, list[int](), random.Random(11)  # noqa: S311  no secret

    async def look(self: Relay, connection: Any) -> Any:
        rows = await read(self, connection)
        if self._service == "probe":
            looks.append(len(rows))
        return rows

    monkeypatch.setattr(Relay, "_read", look)
    notes = [fresh(f"memory-{n}") for n in range(5)]
    for _ in range(16):
        some = chance.sample(notes, 3)
        await asyncio.gather(*(probe.announce(*[NoteCounted(note=n)] * 2) for n in some))
    await probe.settle()
    messages = await probe.messages(*notes)
    for note in notes:
        seqs = [m["lxseq"] for m in messages if m["lxaggregate"] == note]
        assert seqs == list(range(1, len(seqs) + 1))
    assert len(messages) == 96
    assert sum(looks) < len(messages) / 2
