"""Reading what a call's cases hold, one request at a time."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, ReservationState
from services.policy.places.rules import SPOKEN_FOR, Claim, holds_place

ENDED = (CaseState.WITHDRAWN, CaseState.REFUSED, CaseState.REVOKED)


async def lock_places(session: AsyncSession, call_id: UUID) -> None:
    """Have the places and the budget of a call to oneself until the end of the transaction.

    It is no lock on the call's row: a proposal has locked its case already, and a list for public
    notice locks the call before its cases.
    """
    number = int.from_bytes(hashlib.sha256(f"places|{call_id}".encode()).digest()[:8], signed=True)
    await session.execute(select(func.pg_advisory_xact_lock(number)))


async def lock_whole(session: AsyncSession, call_id: UUID) -> None:
    """Lock the places with all cases of a call, so that nobody who has one in hand waits for us.

    A row of a ranking refers to its case, which a proposal locks before it asks for the places.
    """
    of_call = select(Case.id).where(Case.call_id == call_id).order_by(Case.id)
    await session.execute(of_call.with_for_update(read=True, key_share=True))
    await lock_places(session, call_id)


async def holders(session: AsyncSession, call_id: UUID) -> set[UUID]:
    """Find the cases that hold a place of a call."""
    statement = select(Case.id, Case.state, Case.proposed_outcome).where(Case.call_id == call_id)
    rows = await session.execute(statement)
    return {id_ for id_, state, outcome in rows if holds_place(CaseState(state), outcome)}


async def claims(session: AsyncSession, call_id: UUID, beside: UUID) -> Sequence[Claim]:
    """List what the other cases of a call take of its budget."""
    statement = select(
        Case.reservation_state, Case.asked_amount_fen, Case.reservation_amount_fen
    ).where(
        Case.call_id == call_id, Case.id != beside, Case.state.not_in(ENDED),
        Case.reservation_state.in_(SPOKEN_FOR),
    )  # fmt: skip
    rows = await session.execute(statement)
    return [Claim(ReservationState(state), asked, held) for state, asked, held in rows]
