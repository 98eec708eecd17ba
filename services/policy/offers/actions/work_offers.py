"""Working a batch off: firms are compared, silent ones reminded, and what nobody confirmed lapses.

Each step is a transaction of its own, which commits cases, offers and progress together: a crash
goes on where it stopped, and prepares nobody twice.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.enterprise.contract.events import Ground
from services.kernel.actors import SYSTEM, Actor
from services.kernel.calendar import Deadline
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.operations import Step, begin_operation
from services.kernel.outbox import announce
from services.kernel.tables import Operation
from services.kernel.timers import set_timer
from services.policy.base import calendar_of
from services.policy.calls.queries import call_for
from services.policy.cases.actions.open_case import draft
from services.policy.cases.actions.record import record
from services.policy.cases.queries import case_of_award, open_case_id
from services.policy.cases.rules import FIRM, CaseState, SystemEvent, open_key
from services.policy.contract.events import Party
from services.policy.contract.offers import OfferMade, OfferReminded
from services.policy.firms.queries import firms_on, grounds_of
from services.policy.firms.rules import (
    StoredFirm,
    asked_of,
    declared_of,
    known_values,
    mark_provisional,
    situation_of,
    stale_of,
)
from services.policy.matches.queries import count_firms, firms_after
from services.policy.notices.rules import ONE_DAY, midnight
from services.policy.offers import queries, rules
from services.policy.offers.actions.answer_offer import lapse_offer
from services.policy.offers.actions.begin_batch import OPERATION, programme_of, tell
from services.policy.offers.models import Offer, OfferBatch
from services.policy.offers.rules import BatchState, Judged, LeftOut, OfferState
from services.policy.office import renewal_days
from services.policy.parameters.queries import decisions
from services.policy.parameters.rules import Number, numbers_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme
from services.policy.prefill.rules import grounds_of as case_grounds
from services.policy.situations.actions import show_answer
from services.policy.situations.queries import Answer, received_by_firms

FIRMS_AT_ONCE = 100


class _Taken(Exception):
    """A firm has applied while its case was being prepared."""


@dataclass(frozen=True)
class Ask:
    """What every firm of a batch is asked, on one day."""

    batch: OfferBatch
    programme: PlanProgramme
    numbers: Mapping[str, Number]
    on: date
    now: datetime
    deadline: Deadline | None
    renewals: Mapping[str, int]

    @property
    def year(self) -> int:
        return int(self.batch.matter_period)


@dataclass(frozen=True)
class Asked:
    """A firm's answer, and what it is worth unasked."""

    answer: Answer
    judged: Judged

    @property
    def uscc(self) -> str:
        return self.answer.firm.uscc


async def step_offers(session: AsyncSession, operation: Operation, _: Actor, now: datetime) -> Step:
    """Do the next part of a batch's work."""
    batch = await queries.locked(session, UUID(operation.input["batch"]))
    return await WORK[operation.input["work"]](session, operation, batch, now)


async def remind_on_the_day(session: AsyncSession, reference: str, now: datetime) -> None:
    """Begin to remind the firms of a batch that have not answered."""
    await _begin(session, reference, "remind", now)


async def end_on_the_day(session: AsyncSession, reference: str, now: datetime) -> None:
    """End a batch whose last day is over: what nobody confirmed lapses."""
    batch = await queries.locked(session, UUID(reference))
    if batch.state != BatchState.OPEN or batch.last_day is None or city_day(now) <= batch.last_day:
        return
    batch.state, batch.ended_at = BatchState.ENDED, now
    batch.version += 1
    await tell(session, SYSTEM, batch, "end", now)
    await _begin(session, reference, "end", now)


async def _begin(session: AsyncSession, reference: str, work: str, now: datetime) -> None:
    input_ = {"batch": reference, "work": work, "after": ""}
    begin_operation(session, SYSTEM, OPERATION, input_=input_, total=None, now=now)


async def _prepare(
    session: AsyncSession, operation: Operation, batch: OfferBatch, now: datetime
) -> Step:
    """Compare the next firms; once there are none, firms are waited for."""
    work, on = operation.input, city_day(now)
    usccs = await firms_after(session, work["after"], FIRMS_AT_ONCE)
    total = max(operation.total or await count_firms(session), operation.done + len(usccs))
    if not usccs:
        await _open(session, batch, now)
        counted = await queries.counts(session, batch)
        return Step(operation.done, operation.done, [], counted.model_dump(mode="json"))
    programme = programme_of(batch, on)
    numbers = numbers_of(programme, library(), await decisions(session), on, samples=False)
    deadline = rules.last_day_of(on, batch.confirm_days, calendar_of(session))
    ask = Ask(batch, programme, numbers, on, now, deadline, renewal_days(session))
    firms = await firms_on(session, usccs, on)
    history = await received_by_firms(session, usccs)
    grounds = await grounds_of(session, usccs)
    # Rules are plain computation: beside the loop they hold nobody up.
    asked = await asyncio.to_thread(_ask, ask, firms, history, grounds)
    listed = [each for each in asked if each.judged.state is not None]
    for each in await _barred(session, ask, listed):
        await _enter(session, ask, each)
    batch.asked += len(usccs)
    batch.not_entitled += len(asked) - len(listed)
    operation.input = {**work, "after": usccs[-1]}
    return Step(operation.done + len(usccs), total, [])


def _ask(
    ask: Ask,
    firms: Iterable[StoredFirm],
    history: Mapping[str, frozenset[str]],
    grounds: Mapping[str, tuple[Ground, ...]],
) -> list[Asked]:
    """Ask the rule about each firm, as it would be asked about a case of the firm."""
    compiled, facts = ask.programme.compiled, library().facts
    values = {name: number.value for name, number in ask.numbers.items()}
    lead = library().departments[ask.programme.lead_code].name
    manual = {each.id: lead for each in compiled.programme.conditions if each.manual}
    used, found = set(asked_of(compiled, ask.year)), list[Asked]()
    for stored in firms:
        firm = replace(stored.known(), grounds=grounds.get(stored.uscc, ()))
        situation = situation_of(
            firm, compiled.vocabulary, on=ask.on, year=ask.year,
            history=history.get(firm.uscc, ()), only=compiled.facts,
        )  # fmt: skip
        declared = declared_of(compiled, situation, firm.state.declared)
        stale = stale_of(situation.facts.keys() & used, firm.grounds, ask.renewals, ask.on)
        assessment = mark_provisional(compiled.assess(situation, values), declared, stale)
        held = sorted(used & set(known_values(situation)))
        judged = rules.judge(
            assessment, declared, rules.unlawful_of(held, firm.grounds), stale,
            facts=facts, manual=manual, has_amount=compiled.amount is not None,
        )  # fmt: skip
        rests_on = case_grounds(compiled, firm, ask.year, ask.on)
        answer = Answer(
            firm, situation, dict(ask.numbers), assessment, declared, rests_on, stale=stale
        )
        found.append(Asked(answer, judged))
    return found


async def _barred(session: AsyncSession, ask: Ask, asked: list[Asked]) -> list[Asked]:
    """Leave out whoever has a case for the matter, or has declined it before."""
    batch = ask.batch
    entitled = [each.uscc for each in asked if each.judged.state is OfferState.PREPARED]
    key = open_key(queries.matter_of(batch), ask.programme)
    standing = await queries.standing_cases(session, batch.programme, key, entitled)
    declined = await queries.declined_before(
        session, batch.programme, batch.matter_period, entitled
    )
    out = dict.fromkeys(declined, LeftOut.DECLINED_BEFORE)
    out |= dict.fromkeys(standing, LeftOut.CASE_EXISTS)
    return [_out(each, out[each.uscc]) if each.uscc in out else each for each in asked]


async def _enter(session: AsyncSession, ask: Ask, asked: Asked) -> None:
    """List a firm, and prepare its case where it is entitled."""
    case: UUID | None = None
    if asked.judged.state is OfferState.PREPARED:
        asked, case = await _prepare_case(session, ask, asked)
    judged, is_prepared = asked.judged, asked.judged.state is OfferState.PREPARED
    if judged.reason is LeftOut.CASE_EXISTS:
        key = open_key(queries.matter_of(ask.batch), ask.programme)
        standing = await queries.standing_cases(session, ask.batch.programme, key, [asked.uscc])
        case = standing.get(asked.uscc)
    deadline = ask.deadline if is_prepared else None
    offer = Offer(
        batch_id=ask.batch.id, uscc=asked.uscc, name=asked.answer.firm.state.name,
        state=judged.state, reason=judged.reason, lacks=[each.to_json() for each in judged.lacks],
        case_id=case, amount_fen=asked.answer.assessment.amount_fen if is_prepared else None,
        last_day=deadline and deadline.day, provisional=bool(deadline and deadline.provisional),
        at=ask.now,
    )  # fmt: skip
    session.add(offer)
    await session.flush()
    if is_prepared and case is not None:
        _announce(session, ask, offer, case)


async def _prepare_case(session: AsyncSession, ask: Ask, asked: Asked) -> tuple[Asked, UUID | None]:
    """Draft the case of an entitled firm; whoever applies at the same moment is left out."""
    batch, matter = ask.batch, queries.matter_of(ask.batch)
    if batch.call_id is not None:
        try:
            await call_for(session, batch.call_id, ask.programme, asked.uscc, ask.on)
        except Conflict as refusal:
            if refusal.code != "applications-limit":
                raise
            return _out(asked, LeftOut.APPLICATIONS_LIMIT), None
    applicant = Party(kind=FIRM, id=asked.uscc)
    case = draft(SYSTEM, ask.programme, applicant, matter, ask.now)
    case.applicant_name, case.reference_year = asked.answer.firm.state.name, ask.year
    case.call_id, case.offer_batch_id = batch.call_id, batch.id
    show_answer(case, ask.programme, asked.answer)
    try:
        async with session.begin_nested():
            session.add(case)
            await session.flush()
            # Only now: this case bars whatever would be begun beside it.
            if await open_case_id(session, case) is not None:
                raise _Taken
    except (IntegrityError, _Taken):
        return _out(asked, LeftOut.CASE_EXISTS), None
    data = {"programme": ask.programme.id, "matter": matter.key(), "batch": str(batch.id)}
    await record(session, case, SystemEvent.CREATED, was=None, now=ask.now, data=data)
    return asked, case.id


def _announce(session: AsyncSession, ask: Ask, offer: Offer, case: UUID) -> None:
    event = OfferMade(
        batch_id=ask.batch.id, case_id=case, uscc=offer.uscc, programme=ask.programme.id,
        matter=queries.matter_of(ask.batch), amount_fen=offer.amount_fen,
        last_day=offer.last_day, provisional=offer.provisional,
    )  # fmt: skip
    announce(session, event, now=ask.now)


async def _open(session: AsyncSession, batch: OfferBatch, now: datetime) -> None:
    """Wait for the firms, until the last day of the one that was offered last."""
    on, calendar = city_day(now), calendar_of(session)
    deadline = rules.last_day_of(on, batch.confirm_days, calendar)
    batch.state, batch.version = BatchState.OPEN, batch.version + 1
    if deadline is not None and batch.confirm_days is not None:
        batch.last_day, batch.provisional = deadline.day, deadline.provisional
        reference = str(batch.id)
        await set_timer(session, rules.END_TIMER, reference, midnight(deadline.day + ONE_DAY))
        remind = rules.remind_day_of(on, batch.confirm_days, batch.remind_days, calendar)
        if remind is not None:
            await set_timer(session, rules.REMIND_TIMER, reference, midnight(remind))
    await tell(session, SYSTEM, batch, "open", now)


async def _remind(
    session: AsyncSession, operation: Operation, batch: OfferBatch, now: datetime
) -> Step:
    """Announce to the next silent firms that their last day comes near, once each."""
    found = await queries.waiting_after(session, batch.id, operation.input["after"], FIRMS_AT_ONCE)
    is_open = batch.state == BatchState.OPEN
    for offer in found if is_open else []:
        if offer.reminded_at is None and offer.case_id is not None and offer.last_day is not None:
            offer.reminded_at = now
            event = OfferReminded(
                batch_id=batch.id, case_id=offer.case_id, uscc=offer.uscc,
                programme=batch.programme, last_day=offer.last_day,
            )  # fmt: skip
            announce(session, event, now=now)
    return await _next(session, operation, batch, found)


async def _end(
    session: AsyncSession, operation: Operation, batch: OfferBatch, now: datetime
) -> Step:
    """Let the next unanswered offers lapse; the case is locked before its offer, as elsewhere."""
    found = await queries.waiting_after(session, batch.id, operation.input["after"], FIRMS_AT_ONCE)
    for each in found:
        case = await case_of_award(session, each.case_id) if each.case_id else None
        if case is None or case.state != CaseState.DRAFT:
            continue
        offer = await queries.offer_of_case(session, case)
        if offer.state == OfferState.PREPARED:
            await lapse_offer(session, offer, case, now=now)
    step = await _next(session, operation, batch, found)
    if step.result is not None:
        batch.version += 1
        await tell(session, SYSTEM, batch, "lapse", now)
    return step


async def _next(
    session: AsyncSession, operation: Operation, batch: OfferBatch, found: list[Offer]
) -> Step:
    done = operation.done + len(found)
    if len(found) < FIRMS_AT_ONCE:
        await session.flush()
        counted = await queries.counts(session, batch)
        return Step(done, done, [], counted.model_dump(mode="json"))
    operation.input = {**operation.input, "after": found[-1].uscc}
    waiting = await queries.count_waiting(session, batch.id)
    return Step(done, max(operation.total or done + waiting, done), [])


def _out(asked: Asked, reason: LeftOut) -> Asked:
    return Asked(asked.answer, Judged(OfferState.LEFT_OUT, reason))


WORK: dict[str, Any] = {"prepare": _prepare, "remind": _remind, "end": _end}
