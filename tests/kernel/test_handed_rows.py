"""What a process commits goes to its relay by hand, as far as it is known to be next."""

import asyncio
import random
from typing import Any

import pytest

from services.kernel.events import SHARDS
from services.kernel.ids import new_id
from services.kernel.outbox import Written
from services.kernel.relay import Relay
from tests.kernel.probe import NoteCounted
from tests.kernel.running import Probe, fresh


def handed(aggregate: str, *seqs: int, shard: int = 1) -> Written:
    rows = [{"id": new_id(), "aggregate": aggregate, "seq": seq, "shard": shard} for seq in seqs]
    return Written(len(rows), rows)


class Notified:
    """Counts how often the other relays were told."""

    def __init__(self) -> None:
        self.times = 0

    async def execute(self, _: str) -> None:
        self.times += 1


@pytest.fixture
def resting(probe: Probe) -> Relay:
    """Give a relay that owns half of the shards and does nothing by itself."""
    relay = Relay("probe", probe.runtime.database_url, probe.runtime.bus)
    relay._shards, relay._is_to_look = list(range(SHARDS // 2)), False
    return relay


async def taken(relay: Relay, *written: Written) -> list[tuple[str, int]]:
    for each in written:
        relay.hand(each)
    rows = await relay._take_handed(Notified())
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
    await resting._take_handed(Notified())
    # The broker refused it, so nothing is learned.
    assert await taken(resting, handed("a", 2)) == []
    assert resting._is_to_look


async def test_other_relays_are_told_of_rows_on_their_shards(resting: Relay) -> None:
    told = Notified()
    resting.hand(handed("a", 1, shard=SHARDS - 1))
    assert await resting._take_handed(told) == []
    assert (told.times, resting._is_to_look) == (1, False)


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
