"""Recording that an appeal was lodged: whether it is taken up is the reviewing body's word."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.errors import Conflict, invalid_field
from services.kernel.ids import new_id
from services.policy.aftermath.actions import By, require_part
from services.policy.aftermath.rules import Part
from services.policy.appeals import queries, rules
from services.policy.appeals.actions.record import record
from services.policy.appeals.models import Appeal
from services.policy.appeals.rules import AppealKind, AppealState, SystemEvent
from services.policy.appeals.schemas import NewAppeal
from services.policy.base import calendar_of
from services.policy.cases import queries as cases
from services.policy.cases.access import acts_for
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState
from services.policy.office import office_of


async def lodge_appeal(
    session: AsyncSession, actor: Actor, case_id: UUID, new: NewAppeal, *, now: datetime
) -> tuple[Appeal, Case]:
    """Record an appeal against the decision that a case stands by; late ones as late."""
    case = await cases.case(session, actor, case_id, for_update=True)
    role = await _role(session, actor, case)
    against = rules.against_of(CaseState(case.state))
    if role not in ("firm", "institution") and new.number is None:
        raise invalid_field(
            "/number", "number-required", "由机关登记的，须写明复议机关或法院的文号。",
            "Recorded by an office, it needs the reviewing body's number.",
        )  # fmt: skip
    decided_on = await queries.decided_on(session, case)
    rules.require_days(decided_on, new.notified_on, new.lodged_on, city_day(now))
    await _require_followed(session, case, new)
    deadline = rules.deadline_of(
        new.kind, new.notified_on, office_of(session).remedies, calendar_of(session),
        after_reconsideration=new.follows is not None,
    )  # fmt: skip
    row = Appeal(
        id=new_id(), case_id=case.id, attempt=case.attempt, kind=new.kind, against=against,
        follows_id=new.follows, body=new.body, number=new.number, grounds=new.grounds,
        decided_on=decided_on, notified_on=new.notified_on, lodged_on=new.lodged_on,
        deadline_on=deadline and deadline.day, provisional=bool(deadline and deadline.provisional),
        is_late=rules.is_late(new.lodged_on, deadline), state=AppealState.LODGED, version=1,
        recorded_by=actor.subject, created_at=now, changed_at=now,
    )  # fmt: skip
    try:
        async with session.begin_nested():
            session.add(row)
            await session.flush()
    except IntegrityError:
        raise Conflict(
            "本件已有同类未结的复议或诉讼。", "One of this kind is open already for the case.",
            code="appeal-open",
        ) from None  # fmt: skip
    data = {"body": new.body, "number": new.number, "late": row.is_late}
    await record(session, row, SystemEvent.LODGED, was=None, now=now, by=By(actor, role), data=data)
    return row, case


async def _role(session: AsyncSession, actor: Actor, case: Case) -> str:
    """Take it from the applicant itself, from the case's desk, or from an approver."""
    if acts_for(actor, cases.applicant_of(case)):
        return await require_part(session, actor, case, Part.APPLICANT)
    reviews = await cases.may_review(session, actor, case.id)
    return await require_part(session, actor, case, Part.REVIEWER if reviews else Part.APPROVER)


async def _require_followed(session: AsyncSession, case: Case, new: NewAppeal) -> None:
    if new.follows is None:
        return
    known = {row.id: row for row in await queries.of_case(session, case.id)}
    row = known.get(new.follows)
    is_litigation = new.kind is AppealKind.LITIGATION
    if not is_litigation or row is None or not rules.may_be_followed(row.kind, row.state):
        raise invalid_field(
            "/follows", "appeal-unknown", "须是本件已有结果的行政复议，且本次为行政诉讼。",
            "It must be a reconsideration of this case that has ended, and this a litigation.",
        )  # fmt: skip
