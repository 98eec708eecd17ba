"""Changing payment batches: prepared, checked by another, sent, settled or come back.

Awards are locked before their batch, in the order of their ids; then nothing waits crosswise.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.awards import queries as award_queries
from services.finance.awards.actions import pay_award
from services.finance.awards.models import Award
from services.finance.awards.rules import AWARD_STATE_NAMES, AwardState
from services.finance.payouts import queries, rules
from services.finance.payouts.models import Payout, PayoutLine
from services.finance.payouts.rules import LineState, PayoutEvent, PayoutState
from services.finance.payouts.schemas import LineAnswer, PayoutBody, PayoutEventBody
from services.kernel.actors import SYSTEM, Actor
from services.kernel.audit import audit
from services.kernel.errors import Conflict, invalid_field
from services.kernel.etags import check_version
from services.kernel.ids import new_id


@dataclass(frozen=True)
class Batch:
    """A locked batch with its lines and their awards."""

    payout: Payout
    lines: dict[UUID, PayoutLine]
    awards: dict[UUID, Award]

    def states(self) -> list[str]:
        return [line.state for line in self.lines.values()]


async def prepare_payout(
    session: AsyncSession, actor: Actor, body: PayoutBody, *, now: datetime
) -> Payout:
    """Put awards into a batch; each must be awarded and stand in no other."""
    awards = {award.id: award for award in await award_queries.locked(session, body.awards)}
    _require_known(body.awards, awards)
    await _require_free(session, awards)
    payout = Payout(
        id=new_id(),
        state=PayoutState.PREPARED,
        version=1,
        document=body.document,
        prepared_by=actor.subject,
        prepared_at=now,
    )
    session.add(payout)
    await session.flush()
    for award_id in body.awards:
        amount_fen = awards[award_id].amount_fen
        session.add(
            PayoutLine(
                id=new_id(),
                payout_id=payout.id,
                award_id=award_id,
                amount_fen=amount_fen,
                state=LineState.PREPARED,
            )
        )
    await session.flush()
    total_fen = sum(award.amount_fen for award in awards.values())
    detail = {"lines": len(awards), "total_fen": total_fen}
    audit(session, actor, "payout.prepare", "payout", payout.id, now=now, detail=detail)
    return payout


async def move_payout(
    session: AsyncSession, actor: Actor, payout_id: UUID, body: PayoutEventBody, *, now: datetime
) -> Payout:
    """Check, send, settle, take back or cancel a batch."""
    batch = await _locked_batch(session, payout_id)
    check_version(body.version, batch.payout.version)
    rules.require_allowed(batch.payout.state, batch.states(), body.event)
    match body.event:
        case PayoutEvent.CHECK:
            _check(batch, actor, now=now)
        case PayoutEvent.SEND:
            await _send(session, batch, actor, now=now)
        case PayoutEvent.SETTLE:
            await _settle(session, batch, actor, body.data.lines, now=now)
        case PayoutEvent.RETURN:
            answer = LineAnswer(state="returned", reason=body.data.reason)
            answers = dict.fromkeys(body.data.awards or [], answer)
            await _take_back(session, batch, actor, answers, now=now)
        case PayoutEvent.CANCEL:
            _cancel(batch, "批次撤销", now=now)
    batch.payout.version += 1
    await session.flush()
    detail = {"state": str(batch.payout.state), "lines": len(batch.lines)}
    audit(session, actor, f"payout.{body.event}", "payout", payout_id, now=now, detail=detail)
    return batch.payout


async def stop_payment(session: AsyncSession, award: Award, *, now: datetime) -> None:
    """Take the award of a case that is over out of its batch, or hold it at the treasury."""
    line = await queries.occupying(session, [award.id])
    if line is None or line.state == LineState.SETTLED:
        return
    payout = await queries.payout(session, line.payout_id, lock=True)
    its_lines = await queries.lines(session, [payout.id])
    held = line.state in rules.WITH_TREASURY
    line.state = LineState.HELD if held else LineState.CANCELLED
    line.reason = award.reason_zh
    if all(each.state == LineState.CANCELLED for each in its_lines):
        payout.state, payout.closed_at = PayoutState.CANCELLED, now
    payout.version += 1
    await session.flush()
    detail = {"award": str(award.id), "line": str(line.state)}
    audit(session, SYSTEM, "payout.stop-line", "payout", payout.id, now=now, detail=detail)


async def _locked_batch(session: AsyncSession, payout_id: UUID) -> Batch:
    award_ids = await queries.award_ids(session, payout_id)
    awards = {award.id: award for award in await award_queries.locked(session, award_ids)}
    payout = await queries.payout(session, payout_id, lock=True)
    lines = {line.award_id: line for line in await queries.lines(session, [payout_id])}
    return Batch(payout, lines, awards)


def _check(batch: Batch, actor: Actor, *, now: datetime) -> None:
    rules.require_second_treasurer(batch.payout.prepared_by, actor.subject)
    batch.payout.state = PayoutState.CHECKED
    batch.payout.checked_by, batch.payout.checked_at = actor.subject, now


async def _send(session: AsyncSession, batch: Batch, actor: Actor, *, now: datetime) -> None:
    for award_id, line in batch.lines.items():
        if line.state == LineState.PREPARED:
            line.state = LineState.SENT
            await pay_award.start_paying(session, actor, batch.awards[award_id], now=now)
    batch.payout.state = PayoutState.SENT
    batch.payout.sent_by, batch.payout.sent_at = actor.subject, now


async def _settle(
    session: AsyncSession,
    batch: Batch,
    actor: Actor,
    answers: dict[UUID, LineAnswer] | None,
    *,
    now: datetime,
) -> None:
    """Post what the treasury paid; a held line is settled only where the answer names it."""
    if answers is None:
        _require_none_held(batch)
        answers = {
            award_id: LineAnswer(state="settled")
            for award_id, line in batch.lines.items()
            if line.state == LineState.SENT
        }
    _require_lines(batch, answers, rules.WITH_TREASURY, "/data/lines")
    for award_id in sorted(answers):
        if answers[award_id].state == "settled":
            line = batch.lines[award_id]
            await pay_award.settle(
                session, actor, batch.awards[award_id], line.id, batch.payout.document, now=now
            )
            line.state, line.reason = LineState.SETTLED, answers[award_id].reason
    returned = {each: answer for each, answer in answers.items() if answer.state == "returned"}
    await _take_back(session, batch, actor, returned, now=now)


async def _take_back(
    session: AsyncSession,
    batch: Batch,
    actor: Actor,
    answers: dict[UUID, LineAnswer],
    *,
    now: datetime,
) -> None:
    _require_lines(batch, answers, rules.RETURNABLE, "/data/awards")
    for award_id in sorted(answers):
        line = batch.lines[award_id]
        await pay_award.take_back(session, actor, batch.awards[award_id], line.id, now=now)
        line.state, line.reason = LineState.RETURNED, answers[award_id].reason
    batch.payout.state = rules.state_after_answers(batch.states())
    if not set(batch.states()) & rules.WITH_TREASURY:
        batch.payout.closed_at = now


def _cancel(batch: Batch, reason: str, *, now: datetime) -> None:
    for line in batch.lines.values():
        if line.state == LineState.PREPARED:
            line.state, line.reason = LineState.CANCELLED, reason
    batch.payout.state, batch.payout.closed_at = PayoutState.CANCELLED, now


def _require_known(wanted: list[UUID], awards: dict[UUID, Award]) -> None:
    for position, award_id in enumerate(wanted):
        if award_id not in awards:
            raise invalid_field(
                f"/awards/{position}", "award-unknown", "没有这笔资助。", "There is no such award."
            )


async def _require_free(session: AsyncSession, awards: dict[UUID, Award]) -> None:
    taken = await queries.occupying(session, awards)
    if taken is not None:
        address = f"/v1/finance/payouts/{taken.payout_id}"
        raise Conflict(
            f"资助{taken.award_id}已列入支付批次，见{address}。",
            f"The award {taken.award_id} stands in a payment batch already: {address}.",
            code="already-in-payout",
            headers={"Location": address},
        )
    for award in awards.values():
        if award.state != AwardState.AWARDED:
            zh, en = AWARD_STATE_NAMES[AwardState(award.state)]
            raise Conflict(
                f"资助{award.id}当前状态为“{zh}”，只有“已核定”的资助可以支付。",
                f"The award {award.id} is {en}; only what is awarded can be paid.",
                code="award-not-payable",
            )


def _require_none_held(batch: Batch) -> None:
    if LineState.HELD in batch.states():
        raise Conflict(
            "批次中有暂停支付的明细，请在data.lines中逐笔写明支付结果。",
            "Some lines are held; state the outcome of each line in data.lines.",
            code="lines-held",
        )


def _require_lines(
    batch: Batch, answers: dict[UUID, LineAnswer], states: frozenset[LineState], pointer: str
) -> None:
    for award_id in answers:
        line = batch.lines.get(award_id)
        if line is None:
            raise invalid_field(
                pointer, "line-unknown", "该批次没有这笔资助。", "This batch has no such award."
            )
        if line.state not in states:
            zh, en = rules.LINE_STATE_NAMES[LineState(line.state)]
            raise Conflict(
                f"资助{award_id}的明细状态为“{zh}”，不能再办理此项。",
                f"The line of award {award_id} is {en}; this is no longer possible.",
                code="line-not-open",
            )
