"""Reading the public notices that run today."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.pages import PageRequest
from services.policy.cases.models import Case, Notice
from services.policy.cases.queries import applicant_of, last_id
from services.policy.cases.rules import CaseState
from services.policy.notices.schemas import NoticeView
from services.policy.plan.actions.load_library import library

NoticeRow = tuple[Notice, Case]


async def running(session: AsyncSession, page: PageRequest, now: datetime) -> list[NoticeRow]:
    """List the notices whose last day is not over, the newest first."""
    statement = (
        select(Notice, Case)
        .join(Case, Case.id == Notice.case_id)
        .where(
            Case.state == CaseState.IN_NOTICE,
            Case.attempt == Notice.attempt,
            Notice.ends_at > now,
        )
    )
    if page.after is not None:
        statement = statement.where(Notice.id < last_id(page))
    rows = await session.execute(statement.order_by(Notice.id.desc()).limit(page.limit + 1))
    return [(notice, case) for notice, case in rows]


def view(row: NoticeRow, on: date) -> NoticeView:
    notice, case = row
    programme = library().programmes.get(case.programme)
    plan = library().plans.get(case.plan)
    return NoticeView.model_validate(
        {
            "id": notice.id,
            "case": case.id,
            "programme": case.programme,
            "title": programme.compiled.programme.title if programme else case.programme,
            "measure": case.measure,
            "applicant": applicant_of(case),
            "applicant_name": case.applicant_name,
            "amount_fen": notice.amount_fen,
            "published_on": notice.published_on,
            "from": notice.first_day,
            "to": notice.last_day,
            "days": notice.days,
            "provisional": notice.provisional,
            "plan_flags": plan.flags(on) if plan else [],
        }
    )
