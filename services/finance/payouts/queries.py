"""Reading payment batches."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.finance.paging import newest_first
from services.finance.payouts.access import allowed_events
from services.finance.payouts.models import Payout, PayoutLine
from services.finance.payouts.rules import OCCUPYING, LineState, PayoutState
from services.finance.payouts.schemas import PayoutLineView, PayoutView
from services.kernel.actors import Actor
from services.kernel.errors import NotFound
from services.kernel.pages import PageRequest


async def payout(session: AsyncSession, payout_id: UUID, *, lock: bool = False) -> Payout:
    """Find a batch, if wanted to change it (its awards are locked first)."""
    statement = select(Payout).where(Payout.id == payout_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    found = await session.scalar(statement)
    if found is None:
        raise NotFound("没有这个支付批次。", "There is no such payment batch.")
    return found


async def payouts(
    session: AsyncSession, page: PageRequest, *, state: PayoutState | None
) -> list[Payout]:
    """List batches, the newest first."""
    statement = select(Payout)
    if state is not None:
        statement = statement.where(Payout.state == state)
    return list(await session.scalars(newest_first(statement, Payout.id, page)))


async def award_ids(session: AsyncSession, payout_id: UUID) -> list[UUID]:
    """Name a batch's awards, which never change."""
    statement = select(PayoutLine.award_id).where(PayoutLine.payout_id == payout_id)
    return list(await session.scalars(statement))


async def lines(session: AsyncSession, payout_ids: Iterable[UUID]) -> list[PayoutLine]:
    """Read the lines of batches as they stand now."""
    statement = (
        select(PayoutLine)
        .where(PayoutLine.payout_id.in_(list(payout_ids)))
        .order_by(PayoutLine.id)
        .execution_options(populate_existing=True)
    )
    return list(await session.scalars(statement))


async def occupying(session: AsyncSession, award_ids: Iterable[UUID]) -> PayoutLine | None:
    """Find a line that keeps one of these awards out of other batches."""
    return await session.scalar(
        select(PayoutLine)
        .where(PayoutLine.award_id.in_(list(award_ids)), PayoutLine.state.in_(OCCUPYING))
        .order_by(PayoutLine.award_id)
        .limit(1)
    )


async def views(session: AsyncSession, actor: Actor, rows: list[Payout]) -> list[PayoutView]:
    """Show batches with their lines."""
    by_payout: dict[UUID, list[PayoutLine]] = {row.id: [] for row in rows}
    for line in await lines(session, by_payout):
        by_payout[line.payout_id].append(line)
    return [_view(actor, row, by_payout[row.id]) for row in rows]


async def view(session: AsyncSession, actor: Actor, row: Payout) -> PayoutView:
    (shown,) = await views(session, actor, [row])
    return shown


def _view(actor: Actor, row: Payout, its_lines: list[PayoutLine]) -> PayoutView:
    return PayoutView(
        id=row.id,
        state=row.state,
        version=row.version,
        document=row.document,
        total_fen=sum(line.amount_fen for line in its_lines if line.state != LineState.CANCELLED),
        lines=[
            PayoutLineView(
                award=line.award_id,
                amount_fen=line.amount_fen,
                state=line.state,
                reason=line.reason,
            )
            for line in its_lines
        ],
        prepared_at=row.prepared_at,
        checked_at=row.checked_at,
        sent_at=row.sent_at,
        closed_at=row.closed_at,
        allowed_events=allowed_events(actor, row, its_lines),
    )
