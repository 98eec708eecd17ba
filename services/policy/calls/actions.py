"""Writing, publishing, ranking and cancelling calls; settling ties, limiting applications."""

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Refusal, invalid_field
from services.kernel.etags import check_version, require_match
from services.kernel.ids import new_id
from services.kernel.problems import refusal_from_validation
from services.kernel.strict_json import digest
from services.policy.calls import queries, rules
from services.policy.calls.models import Call, CallRank
from services.policy.calls.rules import CallEvent, CallState, Place, RankBy, Ties
from services.policy.calls.schemas import (
    CallDeed,
    LimitData,
    Material,
    NewCall,
    NoData,
    RankData,
    SettleData,
)
from services.policy.matches.actions.mark_due import EVERYBODY, mark_due
from services.policy.notices.actions.publish_list import publish_list
from services.policy.places.queries import lock_whole
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import PlanProgramme
from services.rulebook import Programme, canonical_json

DataT = TypeVar("DataT", bound=BaseModel)
WITH_DATA = (CallEvent.RANK, CallEvent.SETTLE, CallEvent.LIMIT)
# With these another day is the last on which firms may have the programme.
MOVE_THE_LAST_DAY = (CallEvent.PUBLISH, CallEvent.RANK, CallEvent.CANCEL)


async def draft_call(session: AsyncSession, actor: Actor, new: NewCall, *, now: datetime) -> Call:
    """Write a call down; it takes applications once another person has published it."""
    call = written(actor, new, now=now)
    session.add(call)
    await session.flush()
    _audit(session, actor, "call.draft", call, now)
    return call


async def redraft_call(
    session: AsyncSession,
    actor: Actor,
    call_id: UUID,
    new: NewCall,
    request: Request,
    *,
    now: datetime,
) -> Call:
    """Put another draft in place of this one; what was published stands."""
    call = await queries.call(session, actor, call_id, for_update=True)
    rules.require_own_department(actor.department, _programme(call.programme, now))
    require_match(request, call.version)
    rules.require_draft(CallState(call.state))
    columns = _columns(new, _programme(new.programme, now), actor)
    if new.programme == call.programme and rules.only_approvers_limit(
        _programme(new.programme, now).compiled.programme
    ):
        # What an approver has limited is not the writer's to lift.
        del columns["per_applicant"], columns["per_applicant_reason"]
    for name, value in columns.items():
        setattr(call, name, value)
    call.changed_by, call.version = actor.subject, call.version + 1
    await session.flush()
    _audit(session, actor, "call.redraft", call, now)
    return call


def written(actor: Actor, new: NewCall, *, now: datetime) -> Call:
    """Write a draft with all its checks, and store nothing."""
    columns = _columns(new, _programme(new.programme, now), actor)
    return Call(
        id=new_id(), **columns, state=CallState.DRAFT, version=1, created_by=actor.subject,
        created_at=now,
    )  # fmt: skip


async def move_call(
    session: AsyncSession, actor: Actor, call_id: UUID, deed: CallDeed, *, now: datetime
) -> Call:
    """Publish, rank or cancel a call."""
    call = await queries.call(session, actor, call_id, for_update=True)
    programme = _programme(call.programme, now)
    rules.require_approver(is_approver=actor.has(Role.APPROVER), event=deed.event)
    if not actor.has(Role.APPROVER):
        rules.require_own_department(actor.department, programme)
    state = rules.move(CallState(call.state), deed.event)
    check_version(deed.version, call.version)
    if deed.event not in WITH_DATA:
        _data(deed, NoData)
    await _do(session, actor, call, programme, deed, now)
    call.state, call.version = state, call.version + 1
    await session.flush()
    if deed.event in MOVE_THE_LAST_DAY:
        await mark_due(session, EVERYBODY)
    _audit(session, actor, f"call.{deed.event}", call, now, note=deed.note)
    return call


async def _do(
    session: AsyncSession,
    actor: Actor,
    call: Call,
    programme: PlanProgramme,
    deed: CallDeed,
    now: datetime,
) -> None:
    match deed.event:
        case CallEvent.PUBLISH:
            await _publish(session, actor, call, programme, now)
        case CallEvent.PUBLISH_LIST:
            await publish_list(session, actor, call, programme, now=now)
        case CallEvent.RANK:
            await _rank(session, actor, call, deed, now)
        case CallEvent.SETTLE:
            await _settle(session, actor, call, deed, now)
        case CallEvent.LIMIT:
            _limit_applications(actor, call, programme.compiled.programme, deed)
        case CallEvent.CANCEL:
            _require_reason(deed)


async def _publish(
    session: AsyncSession, actor: Actor, call: Call, programme: PlanProgramme, now: datetime
) -> None:
    rules.require_other_person(actor.subject, call.created_by, call.changed_by)
    places = programme.compiled.programme.places
    if places is not None and places.count is not None and places.per == "year":
        left = places.count - await queries.taken_places(session, call)
        if call.quota is None or call.quota > left:
            raise invalid_field(
                "/quota", "places-exceeded",
                f"该项目每年限{places.count}个名额，本年度尚余{max(0, left)}个。",
                f"The programme has {places.count} places a year, {max(0, left)} are left.",
            )  # fmt: skip
    call.published_by, call.published_at = actor.subject, now


async def _rank(
    session: AsyncSession, actor: Actor, call: Call, deed: CallDeed, now: datetime
) -> None:
    """Order the cases as they stand; earlier rankings stay on record.

    Nobody is proposed meanwhile, so that whoever holds a place is known.
    """
    without_returned = _data(deed, RankData).without_returned
    if without_returned:
        _require_reason(deed)
    await lock_whole(session, call.id)
    found = await queries.latest_run(session, call.id)
    run = found[0].run + 1 if found else 1
    entries = await queries.entries(session, call, without_returned=without_returned)
    places = rules.rank(entries, call.quota, Ties(call.ties))
    _keep(session, actor, call, run, places, now)


def _keep(
    session: AsyncSession, actor: Actor, call: Call, run: int, places: list[Place], now: datetime
) -> None:
    session.add_all(
        CallRank(
            id=new_id(), call_id=call.id, run=run, case_id=each.case, position=each.position,
            rank_by=each.rank_by, within=each.within, held=each.held, ranked_by=actor.subject,
            ranked_at=now,
        )
        for each in places
    )  # fmt: skip


async def _settle(
    session: AsyncSession, actor: Actor, call: Call, deed: CallDeed, now: datetime
) -> None:
    """Give the places that a tie left open to whom an approver chose, with his reason, as a run."""
    chosen = _data(deed, SettleData).cases
    _require_reason(deed)
    await lock_whole(session, call.id)
    rows = await queries.latest_run(session, call.id)
    places = [rules.Place(r.case_id, r.position, r.rank_by, r.within, r.held) for r in rows]
    settled = rules.settle(places, call.quota or 0, chosen)
    _keep(session, actor, call, rows[0].run + 1, settled, now)


def _limit_applications(actor: Actor, call: Call, rule: Programme, deed: CallDeed) -> None:
    """Limit what one applicant may file, where the text has no limit or a wider one."""
    rules.require_other_person(actor.subject, call.created_by, call.changed_by)
    limit, reason = _data(deed, LimitData).per_applicant, _require_reason(deed)
    stated = rule.applications.count if rule.applications else None
    if stated is not None and (limit is None or limit > stated):
        raise _beyond(stated, "/data/per_applicant")
    call.per_applicant, call.per_applicant_reason = limit, reason


def _require_reason(deed: CallDeed) -> str:
    if not deed.note.strip():
        raise invalid_field(
            "/note", "reason-required", "须在note中说明理由。", "Give the reason in note."
        )
    return deed.note.strip()


def _data(deed: CallDeed, shape: type[DataT]) -> DataT:
    """Read the event's data, or name the field that does not fit."""
    try:
        return shape.model_validate(deed.data)
    except ValidationError as error:
        found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
        raise refusal_from_validation(found) from None


def _programme(programme_id: str, now: datetime) -> PlanProgramme:
    programme = library().programme_on(programme_id, city_day(now))
    if programme is None:
        raise programme_unknown("/programme", programme_id, library().programmes)
    return programme


def _columns(new: NewCall, programme: PlanProgramme, actor: Actor) -> dict[str, Any]:
    """Check a draft against its programme, and give all that it says."""
    rules.require_own_department(actor.department, programme)
    rules.require_notice(new.notice, programme)
    rules.require_window(new.window.opens_on, new.window.closes_on)
    rule = programme.compiled.programme
    materials = [each.model_dump() for each in new.materials or _materials(rule)]
    return {
        "programme": programme.id, "year": new.year,
        "title": new.title or f"{new.year}年度{rule.title}申报通知",
        "department": actor.department, "document": new.document,
        "opens_on": new.window.opens_on, "closes_on": new.window.closes_on,
        "budget_fen": new.budget_fen, "quota": _quota(new, rule), "ties": new.ties,
        "per_applicant": _limit(new, rule), "per_applicant_reason": new.per_applicant_reason,
        "materials": materials, "templates": [each.model_dump() for each in new.templates],
        "rank_by": _rank_by(new, rule),
        "materials_sha256": digest(canonical_json({"materials": materials})),
        "contact": new.contact, "materials_required": new.materials_required,
        "notice": new.notice,
    }  # fmt: skip


def _rank_by(new: NewCall, rule: Programme) -> RankBy:
    """Rank by a panel's score where the programme has a panel, unless the call says otherwise."""
    return new.rank_by or (RankBy.PANEL_SCORE if rule.panel is not None else RankBy.RULE)


def _materials(rule: Programme) -> list[Material]:
    """Ask for what the programme's evidence list names and the state does not hold."""
    return [
        Material(id=each.id, title=each.title, required=not each.held) for each in rule.evidence
    ]


def _quota(new: NewCall, rule: Programme) -> int | None:
    places = rule.places.count if rule.places else None
    if new.quota is not None and places is not None and new.quota > places:
        raise invalid_field(
            "/quota", "places-exceeded", f"该项目至多{places}个名额。",
            f"The programme has at most {places} places.",
        )  # fmt: skip
    return new.quota if new.quota is not None else places


def _limit(new: NewCall, rule: Programme) -> int | None:
    """Take the text's limit; a tighter one, or one where the text has none, needs a reason."""
    stated = rule.applications.count if rule.applications else None
    if new.per_applicant is None:
        return stated
    if rules.only_approvers_limit(rule):
        raise invalid_field(
            "/per_applicant", "limit-by-approver",
            "条款写明申报数量不受限制；确需限制的，由审批人说明理由后限定。",
            "The text sets no limit; an approver may set one, with a reason.",
        )  # fmt: skip
    if (stated is None or new.per_applicant < stated) and not new.per_applicant_reason:
        raise invalid_field(
            "/per_applicant_reason", "reason-required",
            "条款未限制申报数量，另设限制须说明理由。",
            "The text has no such limit; a limit of the call needs a reason.",
        )  # fmt: skip
    if stated is not None and new.per_applicant > stated:
        raise _beyond(stated, "/per_applicant")
    return new.per_applicant


def _beyond(stated: int, pointer: str) -> Refusal:
    return invalid_field(
        pointer, "limit-exceeded", f"条款限报{stated}项。", f"The text allows {stated}."
    )


def _audit(
    session: AsyncSession, actor: Actor, action: str, call: Call, now: datetime, note: str = ""
) -> None:
    detail = {"programme": call.programme, "year": call.year, "state": call.state, "note": note}
    audit(session, actor, action, "call", call.id, now=now, detail=detail)
