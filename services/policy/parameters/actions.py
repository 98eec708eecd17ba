"""Setting a number by two people: one proposes it with its source, another approves."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.policy.matches.actions.review_bases import review_bases
from services.policy.parameters import queries, rules
from services.policy.parameters.models import ParameterChange
from services.policy.parameters.rules import ParameterEvent, ParameterState
from services.policy.parameters.schemas import NewParameter, ParameterDeed
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import ParameterEntry
from services.policy.wording import unknown_name


async def propose_parameter(
    session: AsyncSession, actor: Actor, new: NewParameter, *, now: datetime
) -> ParameterChange:
    """Propose a number for a day."""
    entry = _entry(new.parameter)
    value = rules.require_value(entry, new.value)
    if new.backdating is not None:
        rules.require_past_day(new.valid_from, city_day(now))
    permitted = new.backdating is not None
    await _require_open_day(session, entry, new.valid_from, now, permitted=permitted)
    rules.require_permission(new.valid_from, city_day(now), permitted=permitted)
    change = ParameterChange(
        id=new_id(), parameter=entry.id, value=value, valid_from=new.valid_from,
        source=new.source, backdating=new.backdating and new.backdating.model_dump(),
        state=ParameterState.PROPOSED, version=1,
        proposed_by=actor.subject, proposed_at=now,
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(change)
            await session.flush()
    except IntegrityError:
        standing = await queries.standing_on(session, entry.id, new.valid_from)
        raise rules.day_taken(standing) from None
    _audit(session, actor, "parameter.propose", change, now)
    return change


async def decide_parameter(
    session: AsyncSession, actor: Actor, change_id: UUID, deed: ParameterDeed, *, now: datetime
) -> tuple[ParameterChange, UUID | None]:
    """Approve or reject another person's proposal; give the operation that matches firms anew."""
    change = await queries.change(session, change_id, for_update=True)
    state = rules.move(ParameterState(change.state), deed.event)
    if deed.version is not None:
        check_version(deed.version, change.version)
    rules.require_other_person(change.proposed_by, actor.subject)
    if deed.event is ParameterEvent.APPROVE:
        entry, permitted = _entry(change.parameter), change.backdating is not None
        await _require_open_day(session, entry, change.valid_from, now, permitted=permitted)
        queries.forget_after_commit(session)
    change.state, change.version = state, change.version + 1
    change.decided_by, change.decided_at = actor.subject, now
    change.note = deed.note or None
    await session.flush()
    _audit(session, actor, f"parameter.{deed.event}", change, now)
    if state is not ParameterState.APPROVED:
        return change, None
    return change, await review_bases(session, actor, now=now)


async def _require_open_day(
    session: AsyncSession, entry: ParameterEntry, day: date, now: datetime, *, permitted: bool
) -> None:
    """Look at what a day in the past would touch, and ask for the permission that this needs."""
    today = city_day(now)
    decisions = await queries.decisions(session)
    until = rules.next_day(entry, decisions, day)
    cases = await queries.frozen_between(session, entry.programme, day, until)
    touched = rules.stakes(entry, decisions, day, today, cases)
    rules.require_open_day(touched, day, today, permitted=permitted)


def _entry(parameter: str) -> ParameterEntry:
    entry = library().parameters.get(parameter)
    if entry is None:
        raise unknown_name("/parameter", "parameter-unknown", parameter, library().parameters)
    return entry


def _audit(
    session: AsyncSession, actor: Actor, action: str, change: ParameterChange, now: datetime
) -> None:
    detail = {
        "parameter": change.parameter,
        "value": change.value,
        "valid_from": change.valid_from.isoformat(),
        "state": change.state,
    }
    if change.backdating is not None:
        detail["backdating"] = change.backdating
    audit(session, actor, action, "parameter", change.id, now=now, detail=detail)
