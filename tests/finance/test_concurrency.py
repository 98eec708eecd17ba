"""Many at once: what a line holds is never given twice, and no reversal happens twice."""

import asyncio
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from services.finance.awards.models import Award
from services.finance.ledger.actions import post
from services.finance.ledger.queries import posted
from services.finance.ledger.rules import Posting, TransferKind
from services.kernel.database_faults import is_database_outage
from services.kernel.errors import Conflict
from services.kernel.unit import commit
from tests.conftest import TestPlatform
from tests.finance.steps import (
    NOW,
    WAN,
    award_of,
    budget,
    fresh,
    hear,
    held,
    ledger,
    proposal,
    reserve,
)

WORKERS = 64
EACH = 2
AWARD_FEN = 999
LINE_FEN = 1_000_000
# One award takes the first 900 shares at once, so that all the rest fight for the last 101.
SPENT_FEN = 900 * AWARD_FEN
TRIES = 20


async def hear_as_the_worker_does(platform: TestPlatform, *events: Any) -> None:
    """React, and come back later where a lock was not to be had, as the consumer does."""
    for attempt in range(TRIES):
        try:
            await hear(platform, *events)
            return
        except Exception as error:
            if not is_database_outage(error):
                raise
            await asyncio.sleep(0.05 * attempt)
    raise AssertionError("the reaction never came through")


async def test_64_workers_never_spend_more_than_the_line_holds(platform: TestPlatform) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, LINE_FEN)
    await hear(platform, proposal(programme, SPENT_FEN))

    async def work() -> None:
        for _ in range(EACH):
            await hear_as_the_worker_does(platform, proposal(programme, AWARD_FEN))

    await asyncio.gather(*(work() for _ in range(WORKERS)))
    reserved = (LINE_FEN - SPENT_FEN) // AWARD_FEN
    states = await _states(platform, programme)
    assert states == {"reserved": 1 + reserved, "refused": WORKERS * EACH - reserved}
    assert await held(platform, line["id"]) == (1, 999_999, 0)
    found = await ledger(platform)
    assert (found["sum_fen"], found["breaches"]) == (0, [])


async def test_rivals_for_one_matter_get_the_highest_between_them(platform: TestPlatform) -> None:
    programme = fresh("programme")
    await budget(platform, programme, 1_000 * WAN)
    first = proposal(programme, 10 * WAN)
    rivals = [
        proposal(programme, tens * 10 * WAN, beneficiary=first.beneficiary, matter=first.matter)
        for tens in range(1, 9)
    ]
    await asyncio.gather(*(hear_as_the_worker_does(platform, each) for each in rivals))
    async with platform.service("finance").sessions() as session:
        total = await session.scalar(
            select(func.sum(Award.amount_fen)).where(Award.programme == programme)
        )
    assert total == 80 * WAN


async def test_attempts_of_one_case_at_once_leave_one_reservation(platform: TestPlatform) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 10_000)
    first = proposal(programme, 100)
    attempts = [
        first.model_copy(update={"attempt": number, "amount_fen": 100 * number})
        for number in range(1, 7)
    ]
    await asyncio.gather(*(hear_as_the_worker_does(platform, each) for each in attempts))
    award = await award_of(platform, first.case_id)
    assert award is not None
    assert (award.attempt, award.amount_fen) == (6, 600)
    assert await held(platform, line["id"]) == (9_400, 600, 0)


async def test_opposite_transfers_on_the_same_accounts_lose_nothing(platform: TestPlatform) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 10_000)
    award = await reserve(platform, proposal(programme, 100))
    tranches = range(2, 32)

    async def there_and_back(tranche: int) -> None:
        reserved = await _post(platform, award, TransferKind.RESERVE, tranche)
        await _post(platform, award, TransferKind.RELEASE, tranche, reverses=reserved)

    await asyncio.gather(*(there_and_back(tranche) for tranche in tranches))
    assert await held(platform, line["id"]) == (9_900, 100, 0)
    assert (await ledger(platform))["breaches"] == []


async def test_one_posting_is_reversed_once_however_many_try(platform: TestPlatform) -> None:
    programme = fresh("programme")
    line = await budget(platform, programme, 10_000)
    award = await reserve(platform, proposal(programme, 100))
    async with platform.service("finance").sessions() as session:
        reserved = await posted(session, award.id, TransferKind.RESERVE, 1)

    async def reverse(tranche: int) -> str:
        try:
            await _post(platform, award, TransferKind.RELEASE, tranche, reverses=reserved)
        except Conflict as refused:
            return refused.code
        return "reversed"

    answers = await asyncio.gather(*(reverse(tranche) for tranche in range(1, 13)))
    assert sorted(answers) == ["already-posted"] * 11 + ["reversed"]
    assert await held(platform, line["id"]) == (10_000, 0, 0)


async def _post(
    platform: TestPlatform,
    award: Award,
    kind: TransferKind,
    tranche: int,
    reverses: UUID | None = None,
) -> UUID:
    posting = Posting(kind, award.line_id, 100, "测试", award.id, tranche, reverses=reverses)
    async with platform.service("finance").sessions() as session:
        transfer = await post(session, posting, now=NOW)
        await commit(session)
    return transfer


async def _states(platform: TestPlatform, programme: str) -> dict[str, int]:
    async with platform.service("finance").sessions() as session:
        rows = await session.execute(
            select(Award.state, func.count())
            .where(Award.programme == programme)
            .group_by(Award.state)
        )
        return dict(rows.tuples().all())
