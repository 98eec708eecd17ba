"""Beginning a batch of offers, and what people do to it: another person lets it run."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, invalid_field
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.operations import begin_operation
from services.kernel.outbox import announce
from services.kernel.timers import drop_timer
from services.policy.calls.queries import call_for
from services.policy.cases.rules import MatterKind, require_matter
from services.policy.contract.events import Matter
from services.policy.gates.rules import require_live
from services.policy.offers import queries, rules
from services.policy.offers.models import OfferBatch
from services.policy.offers.rules import BatchEvent, BatchState
from services.policy.offers.schemas import BatchDeed, NewBatch
from services.policy.office import office_of
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import PlanProgramme

OPERATION = "offers"
SAMPLE = "演示数值，非政策规定"
Days = tuple[int | None, int | None, str | None]


async def begin_batch(
    session: AsyncSession, actor: Actor, new: NewBatch, *, demonstration: bool, now: datetime
) -> OfferBatch:
    """Write a batch down; it runs once another person has approved it."""
    on = city_day(now)
    programme = library().programme_on(new.programme, on)
    if programme is None:
        raise programme_unknown("/programme", new.programme, library().programmes)
    rules.require_lead(actor, programme)
    rules.require_offerable(programme, library().facts)
    if not demonstration:
        require_live(programme, library(), on)
    matter = _matter(new)
    require_matter(matter, programme, on)
    call = await call_for(session, new.call, programme, "", on)
    days, remind_days, source = _days(session, new, demonstration=demonstration)
    batch = OfferBatch(
        id=new_id(), programme=programme.id, matter_period=matter.period,
        call_id=call.id if call else None, state=BatchState.DRAFT, version=1, confirm_days=days,
        remind_days=remind_days, days_source=source, created_by=actor.subject, created_at=now,
        asked=0, not_entitled=0, provisional=False, note="",
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(batch)
            await session.flush()
    except IntegrityError:
        raise await _already(session, batch) from None
    await tell(session, actor, batch, "begin", now)
    return batch


async def move_batch(
    session: AsyncSession,
    actor: Actor,
    batch_id: UUID,
    deed: BatchDeed,
    *,
    demonstration: bool,
    now: datetime,
) -> OfferBatch:
    """Approve a batch, cancel it while it is a draft, or close it for those who were silent."""
    batch = await queries.batch(session, actor, batch_id, for_update=True)
    programme = programme_of(batch, city_day(now))
    if deed.event is BatchEvent.CANCEL:
        if not actor.has(Role.APPROVER):
            rules.require_lead(actor, programme)
    else:
        rules.require_approver(actor)
    state = rules.move(BatchState(batch.state), deed.event)
    check_version(deed.version, batch.version)
    if deed.event is BatchEvent.APPROVE:
        rules.require_other_person(batch.created_by, actor.subject)
        await _approve(session, actor, batch, programme, demonstration=demonstration, now=now)
    elif not deed.note.strip():
        raise invalid_field(
            "/note", "reason-required", "取消或者结束须说明理由。", "A reason is required."
        )
    else:
        at_work = await queries.is_at_work(session, batch)
        rules.require_not_at_work(BatchState(batch.state), is_at_work=at_work)
        batch.ended_at = now
    batch.state, batch.version, batch.note = state, batch.version + 1, deed.note
    if deed.event is BatchEvent.CLOSE:
        # From here on nobody confirms; those who were silent lapse one after the other.
        input_ = {"batch": str(batch.id), "work": "end", "after": ""}
        begin_operation(session, actor, OPERATION, input_=input_, total=None, now=now)
        for timer in (rules.END_TIMER, rules.REMIND_TIMER):
            await drop_timer(session, timer, str(batch.id))
    await tell(session, actor, batch, deed.event, now)
    return batch


async def tell(
    session: AsyncSession, actor: Actor, batch: OfferBatch, verb: str, now: datetime
) -> None:
    """Put a change of a batch on record, and announce how it stands."""
    await session.flush()
    event = await queries.changed(session, batch)
    announce(session, event, now=now)
    detail = event.model_dump(mode="json", include={"programme", "state", "waiting", "left_out"})
    detail["matter"] = batch.matter_period
    audit(session, actor, f"offers.{verb}", "offer-batch", batch.id, now=now, detail=detail)


def programme_of(batch: OfferBatch, on: date) -> PlanProgramme:
    """Find the wording of the day of a batch's programme."""
    programme = library().programme_on(batch.programme, on)
    if programme is None:
        raise Conflict(
            "该项目已不在现行政策之列，不能继续办理。",
            "The programme is no longer part of the plans; the batch cannot go on.",
            code="programme-gone",
        )
    return programme


async def _approve(
    session: AsyncSession,
    actor: Actor,
    batch: OfferBatch,
    programme: PlanProgramme,
    *,
    demonstration: bool,
    now: datetime,
) -> None:
    """Let it run over all firms: what was checked when it was begun is checked again."""
    rules.require_offerable(programme, library().facts)
    if not demonstration:
        require_live(programme, library(), city_day(now))
    call = await call_for(session, batch.call_id, programme, "", city_day(now))
    batch.call_id = call.id if call else None
    batch.approved_by, batch.approved_at = actor.subject, now
    input_ = {"batch": str(batch.id), "work": "prepare", "after": ""}
    operation = begin_operation(session, actor, OPERATION, input_=input_, total=None, now=now)
    batch.operation_id = operation.id


def _matter(new: NewBatch) -> Matter:
    if (new.year is None) is (new.matter is None):
        raise invalid_field(
            "/year", "year-or-matter", "year与matter须且只须写明一项。",
            "Give either `year` or `matter`.",
        )  # fmt: skip
    if new.matter is not None:
        return Matter(kind=new.matter.kind, period=new.matter.period)
    return Matter(kind=MatterKind.YEAR, period=str(new.year))


def _days(session: AsyncSession, new: NewBatch, *, demonstration: bool) -> Days:
    """Take the office's days, else those that the batch states with a source, else none."""
    office = office_of(session).offers
    if new.window is not None:
        if office.confirm_days is not None:
            raise invalid_field(
                "/window", "window-set", f"确认期已统一设定为{office.confirm_days}个工作日。",
                f"The office has set {office.confirm_days} working days for all batches.",
            )  # fmt: skip
        return new.window.days, new.window.remind_days, new.window.source
    if office.confirm_days is not None:
        return office.confirm_days, office.remind_days, office.source
    if demonstration and office.demonstration.confirm_days is not None:
        sample = office.demonstration
        return sample.confirm_days, sample.remind_days, SAMPLE
    return None, None, None


async def _already(session: AsyncSession, batch: OfferBatch) -> Conflict:
    existing = await queries.live_batch_id(session, batch.programme, batch.matter_period)
    return Conflict(
        f"同一项目、同一年度已有免申即享批次{existing}，请先办结。",
        f"Batch {existing} is under way for this programme and year; end that one first.",
        code="batch-exists",
        headers={"Location": f"/v1/policy/offer-batches/{existing}"} if existing else {},
    )
