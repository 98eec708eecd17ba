"""Publishing what is proposed: one list of one case or many, frozen as it is shown."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.clock import city_day
from services.kernel.ids import new_id
from services.kernel.outbox import announce
from services.kernel.timers import set_timer
from services.policy.base import calendar_of
from services.policy.cases.actions.record import record
from services.policy.cases.models import Case
from services.policy.cases.rules import CaseState, SystemEvent
from services.policy.contract.events import NoticePublished
from services.policy.notices.actions.write_edition import write_edition
from services.policy.notices.models import Notice, NoticeItem
from services.policy.notices.rules import (
    END_TIMER,
    ITEMS_MAX,
    WITHOUT_ID,
    EditionReason,
    ItemState,
    NoticePeriod,
    notice_period,
    shown_name,
)
from services.policy.plan.actions.load_library import library
from services.policy.plan.rules import PlanProgramme


async def publish_notice(
    session: AsyncSession, cases: Sequence[Case], *, now: datetime
) -> Notice | None:
    """Publish one list of reserved cases of one programme, in the order given.

    The caller has locked the cases, in the order of their ids. Where the programme has no notice,
    or is confidential, nothing is published and the cases stay as they are.
    """
    if not 0 < len(cases) <= ITEMS_MAX or len({case.programme for case in cases}) != 1:
        raise ValueError(f"a notice lists 1 to {ITEMS_MAX} cases of one programme")
    programme = library().programme_on(cases[0].programme, city_day(cases[0].created_at))
    if programme is None or programme.notice_days == 0:
        return None
    period = notice_period(city_day(now), programme.notice_days, calendar_of(session))
    notice = Notice(
        id=new_id(), programme=programme.id, plan=programme.plan.id,
        measure=programme.measure.number, published_on=period.published_on,
        first_day=period.first_day, last_day=period.last_day, days=programme.notice_days,
        provisional=period.provisional, published_at=now,
    )  # fmt: skip
    session.add(notice)
    await session.flush()
    for number, case in enumerate(cases, 1):
        await _list(session, notice, number, case, period, now)
    document = _document(notice, programme, cases)
    edition = await write_edition(session, notice.id, document, EditionReason.PUBLISHED, now=now)
    announce(session, _event(notice, programme, cases, edition.sha256), now=now)
    return notice


async def _list(
    session: AsyncSession,
    notice: Notice,
    number: int,
    case: Case,
    period: NoticePeriod,
    now: datetime,
) -> None:
    item = NoticeItem(
        id=new_id(), notice_id=notice.id, number=number, case_id=case.id, attempt=case.attempt,
        amount_fen=case.reservation_amount_fen, state=ItemState.LISTED,
        first_day=period.first_day, last_day=period.last_day, ends_at=period.ends_at,
        provisional=period.provisional,
    )  # fmt: skip
    session.add(item)
    was, case.state = CaseState(case.state), CaseState.IN_NOTICE
    case.version += 1
    await set_timer(session, END_TIMER, str(item.id), period.ends_at)
    data = {
        "notice": str(notice.id),
        "from": period.first_day.isoformat(),
        "to": period.last_day.isoformat(),
    }
    await record(session, case, SystemEvent.NOTICE_BEGUN, was=was, now=now, data=data)


def _document(notice: Notice, programme: PlanProgramme, cases: Sequence[Case]) -> dict[str, Any]:
    """Write down what the public is shown: no account, no contact, no id of a person."""
    department = library().departments.get(programme.lead_code)
    days = {"from": notice.first_day.isoformat(), "to": notice.last_day.isoformat()}
    return {
        "notice": str(notice.id),
        "programme": programme.id,
        "title": programme.compiled.programme.title,
        "clause": programme.clause,
        "department": department.name if department else None,
        "published_on": notice.published_on.isoformat(),
        "days": notice.days,
        "provisional": notice.provisional,
        **days,
        "items": [
            {
                "number": number,
                "case": str(case.id),
                "applicant": {
                    "kind": case.applicant_kind,
                    "id": None if case.applicant_kind in WITHOUT_ID else case.applicant_id,
                },
                "applicant_name": shown_name(case.applicant_kind, case.applicant_name),
                "amount_fen": case.reservation_amount_fen,
                **days,
            }
            for number, case in enumerate(cases, 1)
        ],
    }


def _event(
    notice: Notice, programme: PlanProgramme, cases: Sequence[Case], sha256: str
) -> NoticePublished:
    return NoticePublished.model_validate(
        {
            "notice_id": notice.id,
            "programme": notice.programme,
            "department": programme.lead_code,
            "cases": [case.id for case in cases],
            "first_day": notice.first_day,
            "last_day": notice.last_day,
            "provisional": notice.provisional,
            "sha256": sha256,
        }
    )
