"""Publishing a call's proposed cases in one list, in the order of their ranking."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor, Role
from services.kernel.errors import Conflict, Forbidden
from services.policy.calls.models import Call
from services.policy.calls.queries import latest_run
from services.policy.cases.queries import applicant_of
from services.policy.cases.rules import RESERVATION_RETRY_S, ReservationState, require_no_stake
from services.policy.notices import queries
from services.policy.notices.actions.publish_notice import publish_notice
from services.policy.notices.models import Notice
from services.policy.notices.rules import ITEMS_MAX, in_order
from services.policy.plan.rules import PlanProgramme


async def publish_list(
    session: AsyncSession, actor: Actor, call: Call, programme: PlanProgramme, *, now: datetime
) -> Notice:
    """Publish what is proposed for approval and holds its money; an approver's deed.

    What waits for finance is waited for, so that the list is whole. What exceeds one list, and
    what is proposed later, is published by the same event again.
    """
    if not actor.has(Role.APPROVER):
        raise Forbidden(
            "名单由审批人公示。", "The list is published by an approver.", code="role-required"
        )
    waiting = await queries.waiting_of_call(session, call.id)
    if any(each.reservation_state == ReservationState.PENDING for each in waiting):
        raise Conflict(
            "有办件的资金预留尚未答复，请稍候再公示名单。",
            "Finance has not answered for some of the cases; publish the list shortly.",
            code="reservation-pending", retry_after_s=RESERVATION_RETRY_S,
        )  # fmt: skip
    places = {row.case_id: row.position for row in await latest_run(session, call.id)}
    held = {
        each.id: each
        for each in waiting
        if each.without_money or each.reservation_state == ReservationState.RESERVED
    }
    listed = [held[each] for each in in_order(held, places)[:ITEMS_MAX]]
    for each in listed:
        require_no_stake(actor, applicant_of(each))
    notice = await publish_notice(session, listed, now=now) if listed else None
    if notice is None:
        raise _nothing(programme)
    return notice


def _nothing(programme: PlanProgramme) -> Conflict:
    if programme.notice_days == 0:
        return Conflict("该项目不公示。", "The programme has no public notice.", code="no-notice")
    return Conflict(
        "本批次没有已提请批准、资金已预留、待公示的办件。",
        "No case of the call is proposed for approval, holds its money and waits for notice.",
        code="nothing-to-list",
    )
