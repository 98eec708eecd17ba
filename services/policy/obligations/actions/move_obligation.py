"""Moving an obligation: proof by the applicant, judgement by its desk, time by an approver."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
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
from services.policy.cases.models import Case
from services.policy.evidence.queries import require_own_files
from services.policy.obligations import queries, rules
from services.policy.obligations.actions.record import record
from services.policy.obligations.models import Obligation
from services.policy.obligations.rules import (
    EVENT_NAMES,
    NEEDS_NOTE,
    WHO,
    ObligationAlert,
    ObligationEvent,
    ObligationKind,
    ObligationState,
    OnFailure,
)
from services.policy.obligations.schemas import (
    ExtendData,
    NoData,
    ObligationDeed,
    ScheduleData,
    SubmitData,
)
from services.policy.recoveries.actions.propose_recovery import propose_recovery
from services.policy.recoveries.rules import Ground, GroundKind

DataT = TypeVar("DataT", bound=BaseModel)


@dataclass(frozen=True)
class Deed:
    """One event of one obligation, by whom and when."""

    session: AsyncSession
    actor: Actor
    row: Obligation
    case: Case
    body: ObligationDeed
    now: datetime

    @property
    def today(self) -> date:
        return city_day(self.now)

    def data(self, shape: type[DataT]) -> DataT:
        """Read the event's data, or name the field that does not fit."""
        try:
            return shape.model_validate(self.body.data)
        except ValidationError as error:
            found = [{**e, "loc": ("body", "data", *e["loc"])} for e in error.errors()]
            raise refusal_from_validation(found) from None


async def move_obligation(
    session: AsyncSession, actor: Actor, obligation_id: UUID, body: ObligationDeed, *, now: datetime
) -> tuple[Obligation, Case]:
    """Do one event to an obligation, if this person may do it in this state."""
    row, case = await queries.obligation(session, actor, obligation_id, for_update=True)
    role = await require_part(session, actor, case, WHO[body.event])
    was = ObligationState(row.state)
    target = rules.move(was, body.event)
    check_version(body.version, row.version)
    if body.event in NEEDS_NOTE:
        require_note(body.note, EVENT_NAMES[body.event])
    deed = Deed(session, actor, row, case, body, now)
    await EFFECTS.get(body.event, _plainly)(deed)
    row.state = target
    row.version += 1
    by = By(actor, role, body.note)
    await record(session, row, body.event, was=was, now=now, by=by, data=body.data)
    if target is ObligationState.FAILED and row.on_failure == OnFailure.RECOVER:
        ground = Ground(GroundKind.OBLIGATION, row.id, f"未履行义务：{row.says}（{body.note}）")
        await propose_recovery(session, case, ground, now=now, by=by)
    return row, case


async def _plainly(deed: Deed) -> None:
    deed.data(NoData)


async def _confirm(deed: Deed) -> None:
    deed.data(NoData)
    require_other_person(deed.actor, deed.row.created_by)


async def _schedule(deed: Deed) -> None:
    given = deed.data(ScheduleData)
    rules.require_no_day(deed.row.due_on)
    rules.require_not_past(given.due_on, deed.today)
    deed.row.due_on, deed.row.day_source = given.due_on, given.document
    deed.row.provisional = False


async def _submit(deed: Deed) -> None:
    given = deed.data(SubmitData)
    await require_own_files(deed.session, deed.case, given.evidence)
    deed.row.evidence = [str(each) for each in given.evidence]
    deed.row.alert = ObligationAlert.NONE


async def _extend(deed: Deed) -> None:
    """Give more time, by a day that is told of anew."""
    given = deed.data(ExtendData)
    rules.require_later(given.due_on, deed.row.due_on, deed.today)
    deed.row.due_on, deed.row.provisional = given.due_on, False
    deed.row.alert = ObligationAlert.NONE


async def _fail(deed: Deed) -> None:
    deed.data(NoData)
    row = deed.row
    rules.require_failed(
        ObligationKind(row.kind), ObligationState(row.state), row.due_on, deed.today
    )
    row.alert = ObligationAlert.NONE


Effect = Callable[[Deed], Awaitable[None]]
EFFECTS: dict[ObligationEvent, Effect] = {
    ObligationEvent.CONFIRM: _confirm,
    ObligationEvent.SCHEDULE: _schedule,
    ObligationEvent.SUBMIT: _submit,
    ObligationEvent.EXTEND: _extend,
    ObligationEvent.FAIL: _fail,
}
