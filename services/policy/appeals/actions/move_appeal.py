"""Recording the reviewing body's word, by someone who had no hand in the decision."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import city_day
from services.kernel.etags import check_version
from services.kernel.problems import refusal_from_validation
from services.policy.aftermath.actions import By, require_part
from services.policy.aftermath.rules import Part, require_note
from services.policy.appeals import queries, rules
from services.policy.appeals.actions.decide_anew import decide_anew
from services.policy.appeals.actions.record import record
from services.policy.appeals.models import Appeal
from services.policy.appeals.rules import (
    EVENT_NAMES,
    AppealEvent,
    AppealResult,
    AppealState,
)
from services.policy.appeals.schemas import AppealDeed, BodyData, NoData, ResultData
from services.policy.cases import queries as cases
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState

DataT = TypeVar("DataT", bound=BaseModel)


async def move_appeal(
    session: AsyncSession, actor: Actor, appeal_id: UUID, body: AppealDeed, *, now: datetime
) -> tuple[Appeal, Case]:
    """Do one event to an appeal, if this person may do it in this state."""
    row, case = await queries.appeal(session, actor, appeal_id, for_update=True)
    role = await _role(session, actor, case, body.event)
    was, today = AppealState(row.state), city_day(now)
    target = rules.move(was, body.event)
    rules.require_other_hands(actor.subject, await queries.officers(session, case.id))
    check_version(body.version, row.version)
    data = dict(body.data)
    match body.event:
        case AppealEvent.ACCEPT | AppealEvent.REJECT:
            given = _data(body, BodyData)
            rules.require_between(given.on, row.lodged_on, today)
            row.accepted_number, row.accepted_on = given.number, given.on
        case AppealEvent.DECIDE:
            told = _data(body, ResultData)
            rules.require_accepted(was, told.result)
            rules.require_between(told.on, row.accepted_on or row.lodged_on, today)
            row.result, row.result_number, row.result_on = told.result, told.number, told.on
        case AppealEvent.REOPEN:
            _data(body, NoData)
            require_note(body.note, EVENT_NAMES[body.event])
            await _reopen(session, actor, row, case, body.note, now)
            data["successor"] = str(row.successor_id)
    row.state = target
    row.version += 1
    by = By(actor, role, body.note)
    await record(session, row, body.event, was=was, now=now, by=by, data=data)
    return row, case


async def _reopen(
    session: AsyncSession, actor: Actor, row: Appeal, case: Case, note: str, now: datetime
) -> None:
    if row.successor_id is not None:
        raise rules.already_reopened()
    rules.require_undone(
        AppealResult(row.result) if row.result else None, CaseState(case.state),
        same_attempt=row.attempt == case.attempt,
        was_paid=await queries.was_paid(session, case.id),
    )  # fmt: skip
    row.successor_id = await decide_anew(session, actor, case, row.id, note, now=now)


async def _role(session: AsyncSession, actor: Actor, case: Case, event: AppealEvent) -> str:
    """Let the desk or an approver record what the body said; an approver alone reopens."""
    reviews = await cases.may_review(session, actor, case.id)
    part = Part.REVIEWER if reviews and event is not AppealEvent.REOPEN else Part.APPROVER
    return await require_part(session, actor, case, part)


def _data(body: AppealDeed, shape: type[DataT]) -> DataT:
    try:
        return shape.model_validate(body.data)
    except ValidationError as error:
        found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
        raise refusal_from_validation(found) from None
