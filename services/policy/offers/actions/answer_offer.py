"""What becomes of an offer: the firm's one word, or none in time, which grants nothing."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.outbox import announce
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.contract.events import CaseEnded
from services.policy.contract.offers import OfferAnswered
from services.policy.offers import queries, rules
from services.policy.offers.models import Offer, OfferBatch
from services.policy.offers.rules import BatchState, OfferState

LAPSED = "确认期届满未确认，视为未申请"


async def answer_offer(
    session: AsyncSession, case: Case, answer: OfferState, *, now: datetime
) -> None:
    """Take the word of the firm whose case is locked: once, and in time."""
    offer = await queries.offer_of_case(session, case)
    batch = await session.get_one(OfferBatch, offer.batch_id)
    rules.require_waiting(
        OfferState(offer.state), offer.last_day, city_day(now),
        is_over=batch.state == BatchState.ENDED,
    )  # fmt: skip
    _settle(session, offer, case, answer, now)


async def lapse_offer(session: AsyncSession, offer: Offer, case: Case, *, now: datetime) -> None:
    """End a locked case that nobody confirmed; the firm may still apply."""
    _settle(session, offer, case, OfferState.LAPSED, now)
    was, case.state = CaseState(case.state), CaseState.WITHDRAWN
    case.version += 1
    case.person_version = case.version
    data = {"batch": str(offer.batch_id), "last_day": offer.last_day and str(offer.last_day)}
    await record(session, case, SystemEvent.OFFER_LAPSED, was=was, now=now, data=data)
    event = CaseEnded(case_id=case.id, outcome="withdrawn", reason=LAPSED, on=city_day(now))
    announce(session, event, now=now)


def _settle(
    session: AsyncSession, offer: Offer, case: Case, answer: OfferState, now: datetime
) -> None:
    offer.state, offer.answered_at = answer, now
    event = OfferAnswered.model_validate(
        {
            "batch_id": offer.batch_id,
            "case_id": case.id,
            "uscc": offer.uscc,
            "programme": case.programme,
            "outcome": answer.value,
            "on": city_day(now),
        }
    )
    announce(session, event, now=now)
