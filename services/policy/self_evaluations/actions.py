"""Asking those who were awarded to evaluate themselves, and judging what they say."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.etags import check_version
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.problems import refusal_from_validation
from services.policy.aftermath.actions import By, record, require_other_person, require_part
from services.policy.aftermath.rules import require_note
from services.policy.calls.rules import require_own_department
from services.policy.cases.models import Case
from services.policy.contract.aftermath import SelfEvaluationAsked
from services.policy.evidence.queries import require_own_files
from services.policy.obligations.rules import require_not_past
from services.policy.plan.actions.load_library import library
from services.policy.plan.queries import programme_unknown
from services.policy.self_evaluations import queries, rules
from services.policy.self_evaluations.models import EvaluationRound, SelfEvaluation
from services.policy.self_evaluations.rules import (
    DRAFT_EVENT,
    EVENT_NAMES,
    NEEDS_NOTE,
    ROUND,
    SHEET,
    WHO,
    Indicator,
    IndicatorType,
    RoundEvent,
    RoundState,
    SheetEvent,
    SheetState,
)
from services.policy.self_evaluations.schemas import (
    AssessData,
    NewRound,
    NoData,
    RoundDeed,
    SheetDeed,
    SubmitData,
)

DataT = TypeVar("DataT", bound=BaseModel)


async def draft_round(
    session: AsyncSession, actor: Actor, call_id: UUID, new: NewRound, *, now: datetime
) -> EvaluationRound:
    """Write down what a call asks, as a reviewer of its department."""
    call = await queries.call_of(session, actor, call_id)
    programme = library().programmes.get(call.programme)
    if programme is None:
        raise programme_unknown("/call", call.programme, library().programmes)
    require_own_department(actor.department, programme)
    require_not_past(new.due_on, city_day(now))
    rules.require_indicators([each.id for each in new.indicators])
    row = EvaluationRound(
        id=new_id(), call_id=call.id, due_on=new.due_on, source=new.source,
        indicators=[each.model_dump(mode="json") for each in new.indicators],
        state=RoundState.DRAFTED, drafted_by=actor.subject, version=1, created_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add(row)
    by = By(actor, Role.REVIEWER)
    await record(session, ROUND, row, DRAFT_EVENT, was=None, now=now, by=by)
    return row


async def move_round(
    session: AsyncSession, actor: Actor, round_id: UUID, deed: RoundDeed, *, now: datetime
) -> EvaluationRound:
    """Send a round out as a second person: every case that stands awarded gets its sheet."""
    row = await queries.round_(session, actor, round_id, for_update=True)
    was = RoundState(row.state)
    rules.require_drafted(was)
    require_other_person(actor, row.drafted_by)
    check_version(deed.version, row.version)
    awarded = await queries.awarded_cases(session, row.call_id)
    rules.require_awarded(len(awarded))
    row.state, row.asked_by, row.changed_at = RoundState.ASKED, actor.subject, now
    row.version += 1
    by = By(actor, Role.APPROVER, deed.note)
    data = {"sheets": len(awarded)}
    await record(session, ROUND, row, deed.event, was=was, now=now, by=by, data=data)
    for case in awarded:
        await _ask(session, row, case, by, now)
    return row


async def _ask(
    session: AsyncSession, asked: EvaluationRound, case: Case, by: By, now: datetime
) -> None:
    sheet = SelfEvaluation(
        id=new_id(), round_id=asked.id, case_id=case.id, due_on=asked.due_on,
        state=SheetState.ASKED, answers={}, evidence=[], version=1, created_at=now,
        changed_at=now,
    )  # fmt: skip
    session.add(sheet)
    await record(session, SHEET, sheet, RoundEvent.ASK, was=None, now=now, by=by)
    event = SelfEvaluationAsked(self_evaluation_id=sheet.id, case_id=case.id, due_on=asked.due_on)
    announce(session, event, now=now)


async def move_sheet(
    session: AsyncSession, actor: Actor, sheet_id: UUID, body: SheetDeed, *, now: datetime
) -> tuple[SelfEvaluation, Case]:
    """Answer a sheet as its applicant, or judge it as its desk."""
    row, case = await queries.sheet(session, actor, sheet_id, for_update=True)
    role = await require_part(session, actor, case, WHO[body.event])
    was = SheetState(row.state)
    target = rules.move(was, body.event)
    check_version(body.version, row.version)
    if body.event in NEEDS_NOTE:
        require_note(body.note, EVENT_NAMES[body.event])
    match body.event:
        case SheetEvent.SUBMIT:
            given = _data(body, SubmitData)
            asked = await session.get_one(EvaluationRound, row.round_id)
            known = [Indicator(e["id"], IndicatorType(e["type"])) for e in asked.indicators]
            rules.require_answers(known, given.answers)
            await require_own_files(session, case, given.evidence)
            row.answers = dict(given.answers)
            row.evidence = [str(each) for each in given.evidence]
        case SheetEvent.ASSESS:
            row.grade = _data(body, AssessData).grade
        case SheetEvent.RETURN:
            _data(body, NoData)
    row.state, row.changed_at = target, now
    row.version += 1
    by = By(actor, role, body.note)
    await record(session, SHEET, row, body.event, was=was, now=now, by=by, data=body.data)
    return row, case


def _data(body: SheetDeed, shape: type[DataT]) -> DataT:
    try:
        return shape.model_validate(body.data)
    except ValidationError as error:
        found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
        raise refusal_from_validation(found) from None
