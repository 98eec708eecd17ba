from typing import Annotated, Any

from fastapi import Path, Query, Request, Response
from pydantic import BeforeValidator

from services.kernel.clock import city_day
from services.kernel.days import Day
from services.kernel.exports import SUFFIXES, wanted_format
from services.kernel.unit import Now, Session, noun_router
from services.policy.task_reports import queries, rules
from services.policy.task_reports.actions import OFFERED, write
from services.policy.task_reports.schemas import TaskReport
from services.policy.tasks.access import BoardReader
from services.policy.tasks.rules import Period

router = noun_router("policy", "task-reports")
Month = Annotated[
    str, BeforeValidator(rules.require_month), Path(description="YYYY-MM", max_length=7)
]
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The report, as JSON or as the file that `Accept` asks for",
        "content": {str(media): {"schema": {"type": "string"}} for media in OFFERED},
    }
}


@router.get("/{month}", response_model=TaskReport, responses=FILES)
async def get_task_report(
    month: Month,
    actor: BoardReader,
    session: Session,
    now: Now,
    request: Request,
    on: Annotated[
        Day | None, Query(description="A day of the month; its last, or today, by default")
    ] = None,
) -> Any:
    """Report the board of a month as of a day; to a department its own part of it."""
    today = city_day(now)
    period: Period = rules.month_of(month)
    day = rules.day_of(period, on, today)
    report = await queries.report(session, actor, period, on=day, today=today)
    wanted = wanted_format(request.headers.get("accept"), OFFERED)
    if wanted is None:
        return report
    name = f"task-report-{report.month}-{report.on}.{SUFFIXES[wanted]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    content = await write(session, report, wanted)
    return Response(content, 200, headers, wanted)
