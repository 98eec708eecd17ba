"""Writing, publishing, ranking and cancelling calls."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.audit import audit
from services.kernel.clock import city_day
from services.kernel.errors import Forbidden, invalid_field
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.strict_json import digest
from services.policy.calls import queries, rules
from services.policy.calls.models import Call, CallRank
from services.policy.calls.rules import CallEvent, CallState, Ties
from services.policy.calls.schemas import CallDeed, Material, NewCall
from services.policy.notices.actions.publish_list import publish_list
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.plan.rules import PlanProgramme
from services.rulebook import Programme, canonical_json


async def draft_call(session: AsyncSession, actor: Actor, new: NewCall, *, now: datetime) -> Call:
    """Write a call down; it takes applications once another person has published it."""
    programme = library().programme_on(new.programme, city_day(now))
    if programme is None:
        raise programme_unknown("/programme", new.programme, library().programmes)
    rules.require_own_department(actor.department, programme)
    rules.require_notice(new.notice, programme)
    rules.require_window(new.window.opens_on, new.window.closes_on)
    rule = programme.compiled.programme
    materials = [each.model_dump() for each in new.materials or _materials(rule)]
    call = Call(
        id=new_id(), programme=programme.id, year=new.year,
        title=new.title or f"{new.year}年度{rule.title}申报通知", department=actor.department,
        document=new.document, opens_on=new.window.opens_on, closes_on=new.window.closes_on,
        budget_fen=new.budget_fen, quota=_quota(new, rule), ties=new.ties,
        per_applicant=_limit(new, rule), per_applicant_reason=new.per_applicant_reason,
        materials=materials, templates=[each.model_dump() for each in new.templates],
        materials_sha256=digest(canonical_json({"materials": materials})), contact=new.contact,
        materials_required=new.materials_required, notice=new.notice, state=CallState.DRAFT,
        version=1, created_by=actor.subject, created_at=now,
    )  # fmt: skip
    session.add(call)
    await session.flush()
    _audit(session, actor, "call.draft", call, now)
    return call


async def move_call(
    session: AsyncSession, actor: Actor, call_id: UUID, deed: CallDeed, *, now: datetime
) -> Call:
    """Publish, rank or cancel a call."""
    call = await queries.call(session, actor, call_id, for_update=True)
    programme = library().programme_on(call.programme, city_day(now))
    if programme is None:
        raise programme_unknown("/programme", call.programme, library().programmes)
    if not actor.has(Role.APPROVER):
        rules.require_own_department(actor.department, programme)
    state = rules.move(CallState(call.state), deed.event)
    check_version(deed.version, call.version)
    match deed.event:
        case CallEvent.PUBLISH:
            await _publish(session, actor, call, programme, now)
        case CallEvent.PUBLISH_LIST:
            await publish_list(session, actor, call, programme, now=now)
        case CallEvent.RANK:
            await _rank(session, actor, call, now)
        case CallEvent.CANCEL:
            if not deed.note:
                raise invalid_field(
                    "/note", "reason-required", "取消须说明理由。", "A reason is required."
                )
    call.state, call.version = state, call.version + 1
    await session.flush()
    _audit(session, actor, f"call.{deed.event}", call, now, note=deed.note)
    return call


async def _publish(
    session: AsyncSession, actor: Actor, call: Call, programme: PlanProgramme, now: datetime
) -> None:
    if not actor.has(Role.APPROVER):
        raise Forbidden(
            "申报批次由审批人发布。", "A call is published by an approver.", code="role-required"
        )
    rules.require_other_person(call.created_by, actor.subject)
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


async def _rank(session: AsyncSession, actor: Actor, call: Call, now: datetime) -> None:
    """Order the cases as they stand; earlier rankings stay on record."""
    found = await queries.latest_run(session, call.id)
    run = found[0].run + 1 if found else 1
    places = rules.rank(await queries.entries(session, call), call.quota, Ties(call.ties))
    session.add_all(
        CallRank(
            id=new_id(), call_id=call.id, run=run, case_id=each.case, position=each.position,
            rank_by=each.rank_by, within=each.within, ranked_by=actor.subject, ranked_at=now,
        )
        for each in places
    )  # fmt: skip


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
    if (stated is None or new.per_applicant < stated) and not new.per_applicant_reason:
        raise invalid_field(
            "/per_applicant_reason", "reason-required",
            "条款未限制申报数量，另设限制须说明理由。",
            "The text has no such limit; a limit of the call needs a reason.",
        )  # fmt: skip
    if stated is not None and new.per_applicant > stated:
        raise invalid_field(
            "/per_applicant", "limit-exceeded", f"条款限报{stated}项。",
            f"The text allows {stated}.",
        )  # fmt: skip
    return new.per_applicant


def _audit(
    session: AsyncSession, actor: Actor, action: str, call: Call, now: datetime, note: str = ""
) -> None:
    detail = {"programme": call.programme, "year": call.year, "state": call.state, "note": note}
    audit(session, actor, action, "call", call.id, now=now, detail=detail)
