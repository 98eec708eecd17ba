"""A batch of offers that is killed between its steps goes on where it was, and doubles nothing."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from services.kernel.actors import SYSTEM
from services.kernel.database import flush_changes
from services.kernel.operations import begin_operation
from services.kernel.tables import Operation
from services.kernel.unit import commit
from services.policy.cases.models import Case
from services.policy.firms.models import Firm
from services.policy.offers.actions import work_offers
from services.policy.offers.models import Offer, OfferBatch
from services.policy.offers.rules import BatchState
from tests.policy.steps import GROWTH, growing_firm
from tests.policy.test_offers import begin, close

# No worker takes it on: the test itself does the steps.
BY_HAND = "offers-by-hand"


async def approved_by_hand(runtime: Any, batch: dict[str, Any]) -> UUID:
    """Approve a batch without the worker hearing of it."""
    async with runtime.sessions() as session:
        row = await session.get_one(OfferBatch, UUID(batch["id"]))
        row.state, row.approved_by = BatchState.PREPARING, "approver"
        row.approved_at = runtime.clock.now()
        input_ = {"batch": batch["id"], "work": "prepare", "after": ""}
        operation = begin_operation(
            session, SYSTEM, BY_HAND, input_=input_, total=None, now=runtime.clock.now()
        )
        row.operation_id = operation.id
        await flush_changes(session)
        await commit(session)
        return operation.id


async def step(runtime: Any, operation_id: UUID, *, is_killed: bool) -> bool:
    """Do one step as the worker does, killed before its commit or not; tell whether it ends."""
    async with runtime.sessions() as session:
        operation = await session.get_one(Operation, operation_id, with_for_update=True)
        done = await work_offers.step_offers(session, operation, SYSTEM, runtime.clock.now())
        await flush_changes(session)
        if is_killed:
            await session.rollback()
            return False
        operation.done, operation.total = done.done, done.total
        if done.result is not None:
            operation.state, operation.result = "finished", done.result
        await flush_changes(session)
        await commit(session)
        return done.result is not None


async def test_a_killed_batch_goes_on_and_prepares_nobody_twice(
    platform: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_offers, "FIRMS_AT_ONCE", 2)
    usccs = {await growing_firm(platform) for _ in range(3)}
    batch = await begin(platform)
    runtime = platform.service("policy")
    operation_id = await approved_by_hand(runtime, batch)
    steps, is_over = 0, False
    while not is_over:
        await step(runtime, operation_id, is_killed=True)
        is_over = await step(runtime, operation_id, is_killed=False)
        steps += 1
        assert steps < 2_000
    async with runtime.sessions() as session:
        cases = await session.execute(
            select(Case.applicant_id, func.count())
            .where(Case.offer_batch_id == UUID(batch["id"]))
            .group_by(Case.applicant_id)
        )
        prepared = dict(cases.tuples().all())
        assert set(prepared.values()) == {1}
        assert usccs <= prepared.keys()
        listed = await session.scalar(
            select(func.count()).where(
                Offer.batch_id == UUID(batch["id"]), Offer.state == "prepared"
            )
        )
        assert listed == len(prepared)
        told = await session.scalar(
            text(
                "SELECT count(*) FROM outbox WHERE type = 'liangxin.policy.offer.made.v1'"
                " AND payload::jsonb->>'batch_id' = :batch"
            ),
            {"batch": batch["id"]},
        )
        assert told == len(prepared)
        row = await session.get_one(OfferBatch, UUID(batch["id"]))
        assert (row.state, row.programme) == (BatchState.OPEN, GROWTH)
        assert row.asked == await session.scalar(select(func.count()).select_from(Firm))
        assert row.last_day is not None
    await close(platform, batch)
