"""Reserving an award: inbox, ledger, award, aid, outbox and audit in one transaction."""

from datetime import date
from typing import Any

from services.finance.reactions import reserve_award
from services.kernel.clock import system_now
from services.kernel.events import Event, envelope, payload_of
from services.kernel.ids import new_id
from services.kernel.reactions import Reaction, Reactor, consumers_for, parse
from services.kernel.runtime import Runtime
from services.policy.contract.events import AwardProposed
from tests.benchmarks.frame import Figure, Sizes
from tests.benchmarks.ground import Ground
from tests.benchmarks.transactions import Bench, compare_transactions

AT_ONCE = (1, 8)


async def measure(ground: Ground, sizes: Sizes) -> list[Figure]:
    """Compare a reservation, heard as a message, with its own statements."""
    figures: list[Figure] = []
    async with ground.still("finance") as runtime:
        reactor = reactor_of(runtime, Reaction(AwardProposed, reserve_award))

        async def ours(message: bytes) -> None:
            await reactor._react([parse(message)])

        what = "reservation, a message each"
        bench = Bench(what, "finance", proposal, ours, ground.programmes)
        for workers in AT_ONCE:
            figures += await compare_transactions(ground, sizes, bench, workers)
    return figures


def reactor_of(runtime: Runtime, *reactions: Reaction) -> Reactor:
    """Make an ear that hears one stream, as the runtime does for a running service."""

    async def nothing(*_: object) -> None:
        return None

    (consumer,) = consumers_for(runtime.service.name, reactions)
    return Reactor(
        runtime.service.name,
        consumer,
        reactions,
        sessions=runtime.sessions,
        jetstream=lambda: runtime.bus.jetstream,
        business_now=runtime.clock.now,
        after_commit=nothing,
    )


def proposal(programme: str) -> bytes:
    """Word a proposal as the broker would deliver it: a case and a matter that nobody knows."""
    party = {"kind": "person", "id": str(new_id())}
    values: dict[str, Any] = {
        "case_id": new_id(),
        "attempt": 1,
        "programme": programme,
        "measure": None,
        "beneficiary": party,
        "payee": party,
        "matter": {"kind": "project", "id": str(new_id())},
        "budget_year": 2026,
        "amount_fen": 1_000,
        "amount_kind": "ceiling",
        "relation": "competes",
        "stacking_group": programme,
        "stacking_mode": "top-up",
        "stacking_source": "行动计划 附则：从高、不重复",
        "clause": "慈政办发〔2025〕20号 第1条",
        "department": "jxj",
        "proposed_by": "reviewer",
        "on": date(2026, 11, 23),
    }
    return message_of(AwardProposed(**values))


def message_of(event: Event) -> bytes:
    """Give an event the envelope in which the relay would have published it."""
    return envelope(
        id_=new_id(),
        type_=event.TYPE,
        aggregate=event.aggregate,
        seq=1,
        occurred_at=system_now(),
        payload=payload_of(event),
        traceparent=None,
    )
