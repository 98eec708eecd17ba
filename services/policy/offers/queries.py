"""Reading batches of offers, and what became of each firm in them."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, NotFound
from services.kernel.operations import OPEN_STATES
from services.kernel.pages import PageRequest
from services.kernel.tables import Operation
from services.policy.cases.models import Case
from services.policy.cases.rules import FIRM, CaseState, MatterKind
from services.policy.contract.events import Matter
from services.policy.contract.offers import OfferBatchChanged
from services.policy.offers.access import visible_to
from services.policy.offers.models import Offer, OfferBatch
from services.policy.offers.rules import (
    LIVE,
    NEXT,
    REASON_NAMES,
    BatchEvent,
    BatchState,
    LeftOut,
    OfferState,
)
from services.policy.offers.schemas import (
    BatchCounts,
    BatchView,
    CaseOffer,
    LackView,
    OfferView,
    Progress,
    WindowView,
)
from services.policy.plan.actions.load_library import library

EXPORTED_AT_ONCE = 2_000
# What has ended without a decision in its favour stands in the way of no offer.
ENDED = (CaseState.WITHDRAWN, CaseState.REFUSED, CaseState.REVOKED)
UNFOUND = (LeftOut.FACTS_UNKNOWN,)


async def batch(
    session: AsyncSession, actor: Actor, batch_id: UUID, *, for_update: bool = False
) -> OfferBatch:
    """Find a batch that the caller may know of."""
    statement = select(OfferBatch).where(OfferBatch.id == batch_id, visible_to(actor))
    if for_update:
        statement = statement.with_for_update()
    found = await session.scalar(statement.execution_options(populate_existing=True))
    if found is None:
        raise NotFound("没有这个免申即享批次。", "There is no such batch of offers.")
    return found


async def batches(
    session: AsyncSession,
    actor: Actor,
    page: PageRequest,
    *,
    programme: str | None,
    state: BatchState | None,
) -> list[OfferBatch]:
    """List the batches that the caller may know of, the newest first."""
    statement = select(OfferBatch).where(visible_to(actor))
    for column, value in ((OfferBatch.programme, programme), (OfferBatch.state, state)):
        if value is not None:
            statement = statement.where(column == value)
    if page.after is not None:
        statement = statement.where(OfferBatch.id < UUID(str(page.after[0])))
    rows = await session.scalars(statement.order_by(OfferBatch.id.desc()).limit(page.limit + 1))
    return list(rows)


async def live_batch_id(session: AsyncSession, programme: str, period: str) -> UUID | None:
    """Find the batch that stands in the way of another one."""
    statement = select(OfferBatch.id).where(
        OfferBatch.programme == programme,
        OfferBatch.matter_period == period,
        OfferBatch.state.in_(LIVE),
    )
    return await session.scalar(statement)


async def locked(session: AsyncSession, batch_id: UUID) -> OfferBatch:
    """Lock a batch for the work on it, which nobody has asked for in person."""
    return await session.get_one(OfferBatch, batch_id, with_for_update=True)


async def offers(
    session: AsyncSession,
    batch_id: UUID,
    page: PageRequest,
    *,
    state: OfferState | None,
    reason: LeftOut | None,
) -> list[Offer]:
    """List the firms of a batch in the order of their codes."""
    statement = select(Offer).where(Offer.batch_id == batch_id)
    for column, value in ((Offer.state, state), (Offer.reason, reason)):
        if value is not None:
            statement = statement.where(column == value)
    if page.after is not None:
        statement = statement.where(Offer.uscc > str(page.after[0]))
    return list(await session.scalars(statement.order_by(Offer.uscc).limit(page.limit + 1)))


async def every_offer(
    sessions: async_sessionmaker[AsyncSession], batch_id: UUID
) -> AsyncIterator[Sequence[Offer]]:
    """Give all firms of a batch, some at a time; no transaction waits for a slow reader."""
    after = ""
    while True:
        statement = select(Offer).where(Offer.batch_id == batch_id, Offer.uscc > after)
        async with sessions() as session:
            rows = (
                await session.scalars(statement.order_by(Offer.uscc).limit(EXPORTED_AT_ONCE))
            ).all()
        if not rows:
            return
        yield rows
        after = rows[-1].uscc


async def waiting_after(
    session: AsyncSession, batch_id: UUID, uscc: str, limit: int
) -> list[Offer]:
    """Read the next offers that no firm has answered."""
    statement = select(Offer).where(
        Offer.batch_id == batch_id, Offer.state == OfferState.PREPARED, Offer.uscc > uscc
    )
    return list(await session.scalars(statement.order_by(Offer.uscc).limit(limit)))


async def count_waiting(session: AsyncSession, batch_id: UUID) -> int:
    statement = select(func.count()).where(
        Offer.batch_id == batch_id, Offer.state == OfferState.PREPARED
    )
    return await session.scalar(statement) or 0


async def is_at_work(session: AsyncSession, found: OfferBatch) -> bool:
    """Tell whether firms are being compared right now."""
    operation = await session.get(Operation, found.operation_id) if found.operation_id else None
    return operation is not None and operation.state in OPEN_STATES


async def offer_of_case(session: AsyncSession, case: Case) -> Offer:
    """Find and lock the offer by which a case was prepared."""
    found = await session.get(Offer, (case.offer_batch_id, case.applicant_id),
                              with_for_update=True, populate_existing=True)  # fmt: skip
    if found is None:
        raise Conflict(
            "本件不是免申即享的办件，无需确认。", "This case was not prepared unasked.",
            code="not-offered",
        )  # fmt: skip
    return found


async def case_offer(session: AsyncSession, case: Case) -> CaseOffer | None:
    """Show by which batch a case was prepared, where it was."""
    if case.offer_batch_id is None:
        return None
    found = await session.get(Offer, (case.offer_batch_id, case.applicant_id))
    if found is None:
        return None
    return CaseOffer(
        batch=found.batch_id, state=OfferState(found.state), last_day=found.last_day,
        provisional=found.provisional,
    )  # fmt: skip


async def standing_cases(
    session: AsyncSession, programme: str, open_key: str, usccs: Iterable[str]
) -> dict[str, UUID]:
    """Find firms with a case of the matter that is open, or was awarded."""
    statement = select(Case.applicant_id, Case.id).where(
        Case.applicant_kind == FIRM,
        Case.applicant_id.in_(list(usccs)),
        Case.programme == programme,
        Case.open_key == open_key,
        Case.state.not_in(ENDED),
    )
    rows = await session.execute(statement.order_by(Case.id))
    return dict(rows.tuples().all())


async def declined_before(
    session: AsyncSession, programme: str, period: str, usccs: Iterable[str]
) -> frozenset[str]:
    """Name the firms that have declined the same in an earlier batch."""
    statement = (
        select(Offer.uscc)
        .join(OfferBatch, OfferBatch.id == Offer.batch_id)
        .where(
            Offer.uscc.in_(list(usccs)),
            Offer.state == OfferState.DECLINED,
            OfferBatch.programme == programme,
            OfferBatch.matter_period == period,
        )
    )
    return frozenset(await session.scalars(statement))


async def counts(session: AsyncSession, found: OfferBatch) -> BatchCounts:
    """Count the firms of a batch by what came of them."""
    statement = select(Offer.state, Offer.reason, func.count()).where(Offer.batch_id == found.id)
    states, reasons = Counter[str](), Counter[LeftOut]()
    for state, reason, count in await session.execute(
        statement.group_by(Offer.state, Offer.reason)
    ):
        states[state] += count
        if reason is not None:
            reasons[LeftOut(reason)] += count
    prepared = sum(n for state, n in states.items() if state != OfferState.LEFT_OUT)
    return BatchCounts(
        asked=found.asked, not_entitled=found.not_entitled, prepared=prepared,
        found=prepared + sum(n for reason, n in reasons.items() if reason not in UNFOUND),
        waiting=states[OfferState.PREPARED], confirmed=states[OfferState.CONFIRMED],
        declined=states[OfferState.DECLINED], lapsed=states[OfferState.LAPSED],
        left_out={reason: reasons[reason] for reason in LeftOut if reason in reasons},
    )  # fmt: skip


async def changed(session: AsyncSession, found: OfferBatch) -> OfferBatchChanged:
    """Tell how a batch stands."""
    counted = await counts(session, found)
    programme = library().programmes.get(found.programme)
    return OfferBatchChanged(
        batch_id=found.id, version=found.version, programme=found.programme,
        department=programme.lead_code if programme else "", matter=matter_of(found),
        state=found.state, asked=counted.asked, not_entitled=counted.not_entitled,
        waiting=counted.waiting, confirmed=counted.confirmed, declined=counted.declined,
        lapsed=counted.lapsed, left_out=sum(counted.left_out.values()), last_day=found.last_day,
        provisional=found.provisional,
    )  # fmt: skip


async def restate_batches(session: AsyncSession) -> AsyncIterator[OfferBatchChanged]:
    """Give the current state of every batch, for listeners that begin late."""
    for found in (await session.scalars(select(OfferBatch).order_by(OfferBatch.id))).all():
        yield await changed(session, found)


def matter_of(found: OfferBatch) -> Matter:
    return Matter(kind=MatterKind.YEAR, period=found.matter_period)


async def view(session: AsyncSession, actor: Actor, found: OfferBatch, on: date) -> BatchView:
    """Show a batch with its counts, its progress, and what the caller may do."""
    programme = library().programmes.get(found.programme)
    operation = await session.get(Operation, found.operation_id) if found.operation_id else None
    return BatchView(
        id=found.id, programme=found.programme,
        programme_title=programme.compiled.programme.title if programme else found.programme,
        measure=programme.measure.number if programme else None, matter=matter_of(found),
        call=found.call_id, state=BatchState(found.state), version=found.version,
        window=WindowView(
            days=found.confirm_days, remind_days=found.remind_days, source=found.days_source,
            last_day=found.last_day, provisional=found.provisional,
        ),
        counts=await counts(session, found),
        progress=operation and Progress(
            operation=operation.id, state=operation.state, done=operation.done,
            total=operation.total,
        ),
        plan_flags=programme.flags(on) if programme else [], note=found.note,
        created_by=found.created_by, created_at=found.created_at,
        approved_by=found.approved_by, approved_at=found.approved_at, ended_at=found.ended_at,
        allowed_events=_allowed(found, actor),
    )  # fmt: skip


def offer_view(row: Offer) -> OfferView:
    says = REASON_NAMES[row.reason] if row.reason else (None, None)
    return OfferView(
        uscc=row.uscc, name=row.name, state=OfferState(row.state),
        reason=LeftOut(row.reason) if row.reason else None, reason_says=says[0],
        reason_says_en=says[1], lacks=[LackView.model_validate(each) for each in row.lacks],
        case=row.case_id, amount_fen=row.amount_fen, last_day=row.last_day,
        provisional=row.provisional, reminded_at=row.reminded_at, answered_at=row.answered_at,
    )  # fmt: skip


def _allowed(found: OfferBatch, actor: Actor) -> list[BatchEvent]:
    events = list(NEXT[BatchState(found.state)])
    if actor.has(Role.APPROVER):
        mine = actor.subject == found.created_by
        return [event for event in events if not (mine and event is BatchEvent.APPROVE)]
    programme = library().programmes.get(found.programme)
    leads = programme is not None and actor.department == programme.lead_code
    if not actor.has(Role.REVIEWER) or not leads:
        return []
    return [event for event in events if event is BatchEvent.CANCEL]
