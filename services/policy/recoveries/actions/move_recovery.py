"""Hearing whom a proposal concerns, and deciding on it as a second person."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.etags import check_version
from services.kernel.problems import refusal_from_validation
from services.policy.aftermath.actions import By, require_other_person, require_part
from services.policy.aftermath.rules import require_note
from services.policy.cases import queries as cases
from services.policy.cases.actions.move_case import move_case
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseEvent
from services.policy.cases.rules import require_other_person as require_no_reviewer
from services.policy.cases.schemas import CaseDeed
from services.policy.evidence.queries import require_own_files
from services.policy.recoveries import queries, rules
from services.policy.recoveries.actions.propose_recovery import tell
from services.policy.recoveries.models import Recovery
from services.policy.recoveries.rules import (
    EVENT_NAMES,
    NEEDS_NOTE,
    WHO,
    RecoveryEvent,
    RecoveryState,
)
from services.policy.recoveries.schemas import HearData, NoData, RecoveryDeed, RespondData

DataT = TypeVar("DataT", bound=BaseModel)


async def move_recovery(
    session: AsyncSession, actor: Actor, recovery_id: UUID, body: RecoveryDeed, *, now: datetime
) -> tuple[Recovery, Case]:
    """Do one event to a proposal; approved, it revokes its case in the same transaction."""
    row, case = await queries.recovery(session, actor, recovery_id, for_update=True)
    role = await require_part(session, actor, case, WHO[body.event])
    was = RecoveryState(row.state)
    target = rules.move(was, body.event)
    check_version(body.version, row.version)
    if body.event in NEEDS_NOTE:
        require_note(body.note, EVENT_NAMES[body.event])
    match body.event:
        case RecoveryEvent.HEAR:
            given = _data(body, HearData)
            rules.require_coming(given.respond_by, city_day(now))
            row.respond_by = given.respond_by
        case RecoveryEvent.RESPOND:
            files = _data(body, RespondData).evidence
            await require_own_files(session, case, files)
            row.response, row.responded_at = body.note, now
            row.response_evidence = [str(each) for each in files]
        case RecoveryEvent.APPROVE | RecoveryEvent.DISMISS:
            await _decide(session, actor, row, case, body, now)
    row.state = target
    row.version += 1
    by = By(actor, role, body.note)
    await tell(session, row, body.event, was=was, now=now, by=by, data=body.data)
    if target is RecoveryState.APPROVED:
        revoke = CaseDeed(event=CaseEvent.REVOKE, version=case.version, note=_reason(row, body))
        case = await move_case(session, actor, case.id, revoke, now=now, after=None)
    return row, case


async def _decide(
    session: AsyncSession,
    actor: Actor,
    row: Recovery,
    case: Case,
    body: RecoveryDeed,
    now: datetime,
) -> None:
    _data(body, NoData)
    require_other_person(actor, row.proposed_by)
    require_no_reviewer(actor.subject, await cases.reviewers(session, case.id))
    if body.event is RecoveryEvent.APPROVE:
        heard = row.responded_at is not None
        rules.require_heard(row.respond_by, city_day(now), has_responded=heard)
    row.decided_by = actor.subject


def _reason(row: Recovery, body: RecoveryDeed) -> str:
    grounds = "；".join(each["reason"] for each in row.grounds)
    return f"{body.note}（{grounds}）"[:2000]


def _data(body: RecoveryDeed, shape: type[DataT]) -> DataT:
    try:
        return shape.model_validate(body.data)
    except ValidationError as error:
        found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
        raise refusal_from_validation(found) from None
