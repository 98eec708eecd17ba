"""Any sequence of reserving, deciding, paying, taking back, recovering and ending keeps the books.

A small model of plain numbers runs beside the database; after every step the accounts of the line
are what the model says, none is below zero, and the whole ledger sums to zero.
"""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance import reactions
from services.finance.awards.actions.recover_award import move_award
from services.finance.awards.models import Award
from services.finance.awards.schemas import AwardEventBody
from services.finance.budgets.actions import approve_budget, draft_budget
from services.finance.budgets.schemas import BudgetBody
from services.finance.ledger.queries import balances, check
from services.finance.payouts.actions import move_payout, prepare_payout
from services.finance.payouts.models import Payout, PayoutLine
from services.finance.payouts.schemas import PayoutBody, PayoutEventBody
from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, Invalid
from tests.conftest import TestPlatform
from tests.finance.steps import NOW, decision, end, fresh, proposal

LINE_FEN = 1_000
ONE, OTHER = (Actor(name, name, frozenset({Role.TREASURER})) for name in ("one", "other"))

STEPS = st.one_of(
    st.tuples(st.just("reserve"), st.integers(1, 600)),
    st.tuples(st.just("decide"), st.integers(0, 5)),
    st.tuples(st.just("prepare"), st.integers(0, 5)),
    st.tuples(st.just("send"), st.integers(0, 5)),
    st.tuples(st.just("settle"), st.integers(0, 5)),
    st.tuples(st.just("give_back"), st.integers(0, 5)),
    st.tuples(st.just("recover"), st.integers(0, 5)),
    st.tuples(st.just("recover_part"), st.integers(0, 5)),
    st.tuples(st.just("end"), st.integers(0, 5)),
)


@dataclass
class Modelled:
    """One award as plain numbers."""

    case_id: UUID
    amount: int
    state: str = "reserved"
    batch: str | None = None
    recovered: int = 0
    ended: bool = False

    @property
    def reserved(self) -> int:
        return self.amount if self.state in ("reserved", "awarded", "paying") else 0

    @property
    def paid(self) -> int:
        return self.amount - self.recovered if self.state == "paid" else 0


@dataclass
class Machine:
    """The model, and the hands that do the same in the database."""

    session: AsyncSession
    programme: str
    budget_id: UUID
    awards: list[Modelled] = field(default_factory=list)

    async def step(self, name: str, number: int) -> None:
        if name == "reserve":
            await self.reserve(number)
        elif self.awards:
            await getattr(self, name)(self.awards[number % len(self.awards)])

    async def reserve(self, amount: int) -> None:
        proposed = proposal(self.programme, amount)
        await reactions.reserve_award(self.session, proposed, NOW)
        left = LINE_FEN - sum(each.reserved + each.paid for each in self.awards)
        state = "reserved" if amount <= left else "refused"
        self.awards.append(Modelled(proposed.case_id, amount, state))

    async def decide(self, award: Modelled) -> None:
        await reactions.decide_award(self.session, decision(award.case_id), NOW)
        if award.state == "reserved":
            award.state = "awarded"

    async def prepare(self, award: Modelled) -> None:
        free = award.state == "awarded" and award.batch is None
        body = PayoutBody(awards=[(await self.row(award)).id], document="文号")
        if await self.does(lambda: prepare_payout(self.session, ONE, body, now=NOW), allowed=free):
            award.batch = "prepared"

    async def send(self, award: Modelled) -> None:
        if award.batch != "prepared":
            return
        await self.payout(award, OTHER, "check")
        await self.payout(award, ONE, "send")
        award.batch, award.state = "sent", "paying"

    async def settle(self, award: Modelled) -> None:
        if award.batch is None:
            return
        row = await self.row(award)
        data = {"lines": {str(row.id): {"state": "settled"}}}
        allowed = award.batch == "sent"
        if await self.does(lambda: self.payout(award, ONE, "settle", data), allowed=allowed):
            award.batch, award.state = "settled", "paid"

    async def give_back(self, award: Modelled) -> None:
        if award.batch is None:
            return
        data = {"awards": [str((await self.row(award)).id)], "reason": "账号有误"}
        allowed = award.batch in ("sent", "settled") and not award.recovered
        if await self.does(lambda: self.payout(award, OTHER, "return", data), allowed=allowed):
            award.batch, award.state = None, "voided" if award.ended else "awarded"

    async def recover(self, award: Modelled) -> None:
        await self.recover_some(award, award.amount - award.recovered)

    async def recover_part(self, award: Modelled) -> None:
        await self.recover_some(award, 1)

    async def recover_some(self, award: Modelled, amount: int) -> None:
        async def both() -> None:
            await self.award_event(
                award, ONE, "recover", {"amount_fen": amount, "document": "文号"}
            )
            await self.award_event(award, OTHER, "confirm-recovery", {})

        if amount > 0 and await self.does(both, allowed=award.state == "paid"):
            award.recovered += amount
            if award.recovered == award.amount:
                award.state = "recovered"

    async def end(self, award: Modelled) -> None:
        await reactions.end_award(self.session, end(award.case_id, "revoked"), NOW)
        if award.state in ("reserved", "awarded"):
            award.state, award.batch = "voided", None
        award.ended = True

    async def does(self, deed: Any, *, allowed: bool) -> bool:
        """Do it where the model allows it; elsewhere it must be refused and change nothing."""
        try:
            async with self.session.begin_nested():
                await deed()
        except (Conflict, Invalid):
            assert not allowed
            return False
        assert allowed
        return True

    async def row(self, award: Modelled) -> Award:
        row = await self.session.scalar(select(Award).where(Award.case_id == award.case_id))
        assert row is not None
        return row

    async def payout(
        self, award: Modelled, actor: Actor, event: str, data: dict[str, Any] | None = None
    ) -> None:
        """Send an event to the newest batch of an award."""
        row = await self.row(award)
        newest = select(PayoutLine.payout_id).where(PayoutLine.award_id == row.id)
        payout_id = await self.session.scalar(newest.order_by(PayoutLine.id.desc()).limit(1))
        assert payout_id is not None
        version = await self.session.scalar(select(Payout.version).where(Payout.id == payout_id))
        body = PayoutEventBody.model_validate(
            {"event": event, "version": version, "data": data or {}}
        )
        await move_payout(self.session, actor, payout_id, body, now=NOW)

    async def award_event(
        self, award: Modelled, actor: Actor, event: str, data: dict[str, Any]
    ) -> None:
        row = await self.row(award)
        body = AwardEventBody.model_validate({"event": event, "version": row.version, "data": data})
        await move_award(self.session, actor, row.id, body, now=NOW)

    async def check_books(self) -> None:
        line = (await balances(self.session, [self.budget_id]))[self.budget_id]
        reserved = sum(each.reserved for each in self.awards)
        paid = sum(each.paid for each in self.awards)
        assert (line.available_fen, line.reserved_fen, line.paid_fen) == (
            LINE_FEN - reserved - paid,
            reserved,
            paid,
        )
        assert min(line.available_fen, line.reserved_fen, line.paid_fen) >= 0
        found = await check(self.session)
        assert (found.sum_fen, found.breaches) == (0, ())
        for each in self.awards:
            assert (await self.row(each)).state == each.state


async def new_machine(session: AsyncSession) -> Machine:
    programme = fresh("machine")
    body = BudgetBody(
        year=2026, programme=programme, name="指标", department="经信局", amount_fen=LINE_FEN
    )
    drafted = await draft_budget(session, ONE, body, now=NOW)
    await approve_budget(session, OTHER, drafted.id, 1, now=NOW)
    return Machine(session, programme, drafted.id)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(steps=st.lists(STEPS, min_size=1, max_size=25))
async def test_every_course_of_events_keeps_the_books(
    platform: TestPlatform, steps: list[tuple[str, int]]
) -> None:
    async with platform.service("finance").sessions() as session:
        machine = await new_machine(session)
        for name, number in steps:
            await machine.step(name, number)
            await session.flush()
            await machine.check_books()
        await session.rollback()


async def test_a_long_life_of_one_award_keeps_the_books(platform: TestPlatform) -> None:
    """Walk what random steps seldom find: paid, returned, paid again, partly recovered, ended."""
    life = ["decide", "prepare", "send", "settle", "give_back", "prepare", "send", "settle"]
    async with platform.service("finance").sessions() as session:
        machine = await new_machine(session)
        await machine.step("reserve", 400)
        for name in [*life, "recover_part", "give_back", "end", "recover", "recover", "prepare"]:
            await machine.step(name, 0)
            await session.flush()
            await machine.check_books()
        assert machine.awards[0].state == "recovered"
        await session.rollback()
