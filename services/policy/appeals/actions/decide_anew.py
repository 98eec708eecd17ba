"""Having an undone decision taken anew: in a case of its own that follows the one it ended.

What ended stays ended, its archive stays sealed, and finance, which reserves nothing for a case
that is over, is asked for the new one.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.clock import city_day
from services.kernel.errors import Conflict
from services.kernel.ids import new_id
from services.policy.cases import queries as cases
from services.policy.cases.actions.record import Hand, record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, ReservationState, SystemEvent
from services.policy.parameters.queries import decisions
from services.policy.plan.actions.load_library import library
from services.policy.situations.actions import show_answer
from services.policy.situations.queries import answer_for
from services.policy.steps.actions.open_steps import open_steps


async def decide_anew(
    session: AsyncSession, actor: Actor, old: Case, appeal_id: UUID, note: str, *, now: datetime
) -> UUID:
    """Open the case that follows an undone one, in review, under the wording of the first day."""
    programme = library().programme_on(old.programme, city_day(old.created_at))
    if programme is None:
        raise Conflict(
            "该项目已不在现行政策之列，不能重新办理。",
            "The programme is no longer part of the plans; it cannot be decided anew.",
            code="programme-gone",
        )
    answer = await answer_for(
        session, programme, cases.applicant_of(old), await decisions(session),
        on=city_day(now), year=old.reference_year,
    )  # fmt: skip
    case = Case(
        id=new_id(), plan=old.plan, programme=old.programme, measure=old.measure,
        call_id=old.call_id, applicant_kind=old.applicant_kind, applicant_id=old.applicant_id,
        applicant_name=old.applicant_name, matter_kind=old.matter_kind, matter_id=old.matter_id,
        matter_period=old.matter_period, open_key=old.open_key,
        reference_year=old.reference_year, state=CaseState.IN_REVIEW, version=1,
        person_version=1, without_money=old.without_money, attempt=0, award_version=0,
        reservation_state=ReservationState.NONE,
        # The day of the application: by the wording of that day it is decided.
        created_by=old.created_by, created_at=old.created_at, changed_at=now,
    )  # fmt: skip
    show_answer(case, programme, answer)
    try:
        async with session.begin_nested():
            session.add(case)
            await session.flush()
    except IntegrityError:
        existing = await cases.open_case_id(session, case)
        raise Conflict(
            f"同一项目、同一事项已有在办件{existing}，请继续办理该件。",
            f"Case {existing} is open for this programme and matter; go on with that one.",
            code="case-exists",
        ) from None
    await open_steps(session, case, now=now)
    data = {"appeal": str(appeal_id), "follows": str(old.id)}
    by = Hand(actor, Role.APPROVER, note)
    await record(session, case, SystemEvent.REOPENED, was=None, now=now, by=by, data=data)
    return case.id
