"""Recording what two inspectors found; a failed check proposes recovery and decides nothing."""

from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.etags import check_version
from services.kernel.outbox import announce
from services.kernel.problems import refusal_from_validation
from services.policy.aftermath.actions import By, record
from services.policy.aftermath.rules import require_note
from services.policy.cases.models import Case
from services.policy.cases.queries import applicant_of
from services.policy.cases.rules import RECEIVED, require_no_stake
from services.policy.checks import queries, rules
from services.policy.checks.models import CaseCheck, CheckDraw
from services.policy.checks.rules import CHECK, EVENT_NAMES, CheckEvent, CheckState
from services.policy.checks.schemas import CheckDeed, NoData, ReportData
from services.policy.contract.aftermath import CheckConcluded
from services.policy.recoveries.actions.propose_recovery import propose_recovery
from services.policy.recoveries.rules import Ground, GroundKind

DataT = TypeVar("DataT", bound=BaseModel)


async def move_check(
    session: AsyncSession, actor: Actor, check_id: UUID, body: CheckDeed, *, now: datetime
) -> tuple[CaseCheck, Case]:
    """Report as one inspector; confirm or return as the other."""
    row, case = await queries.check(session, actor, check_id, for_update=True)
    rules.require_inspector(actor.subject, row.inspectors)
    require_no_stake(actor, applicant_of(case))
    was = CheckState(row.state)
    rules.require_event(was, body.event)
    check_version(body.version, row.version)
    by = By(actor, Role.REVIEWER if actor.has(Role.REVIEWER) else Role.APPROVER, body.note)
    match body.event:
        case CheckEvent.REPORT:
            await _report(session, actor, row, body, now)
        case CheckEvent.RETURN:
            _data(body, NoData)
            require_note(body.note, EVENT_NAMES[body.event])
            rules.require_other_inspector(actor.subject, row.reported_by)
            row.state = CheckState.DRAWN
        case CheckEvent.CONFIRM:
            _data(body, NoData)
            rules.require_other_inspector(actor.subject, row.reported_by)
            row.confirmed_by, row.state = actor.subject, CheckState(row.outcome or "")
    row.version += 1
    row.changed_at = now
    await record(session, CHECK, row, body.event, was=was, now=now, by=by, data=body.data)
    if body.event is CheckEvent.CONFIRM:
        await _conclude(session, row, case, by, now)
    return row, case


async def _report(
    session: AsyncSession, actor: Actor, row: CaseCheck, body: CheckDeed, now: datetime
) -> None:
    given = _data(body, ReportData)
    draw = await session.get_one(CheckDraw, row.draw_id)
    rules.require_checked_on(given.checked_on, draw.drawn_on or draw.seed_on, city_day(now))
    row.outcome, row.finding = given.outcome, given.finding
    row.checked_on, row.report_number = given.checked_on, given.report_number
    row.reported_by, row.state = actor.subject, CheckState.REPORTED


async def _conclude(
    session: AsyncSession, row: CaseCheck, case: Case, by: By, now: datetime
) -> None:
    event = CheckConcluded.model_validate(
        {
            "check_id": row.id, "draw_id": row.draw_id, "case_id": row.case_id,
            "outcome": row.outcome, "checked_on": row.checked_on,
        }
    )  # fmt: skip
    announce(session, event, now=now)
    if row.state == CheckState.FAILED and case.state in RECEIVED:
        ground = Ground(GroundKind.CHECK, row.id, f"抽查不合格：{row.finding}")
        await propose_recovery(session, case, ground, now=now, by=by)


def _data(body: CheckDeed, shape: type[DataT]) -> DataT:
    try:
        return shape.model_validate(body.data)
    except ValidationError as error:
        found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
        raise refusal_from_validation(found) from None
