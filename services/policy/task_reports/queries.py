"""Reading the board as it stood, and writing it as a report."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.actors import Actor
from services.kernel.clock import CITY
from services.kernel.strict_json import canonical, digest
from services.policy.contract.events import TaskChanged
from services.policy.parameters.queries import known_decisions
from services.policy.parameters.rules import in_force
from services.policy.plan.actions.load_library import library
from services.policy.task_reports import rules
from services.policy.task_reports.access import scope_of
from services.policy.task_reports.rules import Line
from services.policy.task_reports.schemas import (
    DepartmentTally,
    MeasureTally,
    ReportLine,
    RuleLine,
    TallyView,
    TaskReport,
)
from services.policy.tasks.models import TaskEvidence, TaskHistory
from services.policy.tasks.queries import PARAMETERS, board_rule, department
from services.policy.tasks.rules import Period


async def report(
    session: AsyncSession, actor: Actor, month: Period, *, on: date, today: date
) -> TaskReport:
    """Write the report of a month as of a day, of what the caller may see."""
    own = scope_of(actor)
    end = datetime.combine(rules.end_of(on), time.min, tzinfo=CITY)
    rule = await board_rule(session, on)
    lines = [
        rules.line_of(task, rule, on)
        for task in await _as_of(session, end)
        if own is None or own in (task.lead, *task.support)
    ]
    proofs = await _evidence(session, end)
    written = TaskReport(
        month=month.key, on=on, complete=on < today, department=department(own) if own else None,
        rules=await _rules(session, on), total=_tally(lines, month),
        measures=_by_measure(lines, month), departments=_by_department(lines, month),
        tasks=[_line(line, proofs[line.task.task_id]) for line in lines if rules.counts(line)],
        sha256="",
    )  # fmt: skip
    said = written.model_dump(mode="json", exclude={"sha256"})
    return written.model_copy(update={"sha256": digest(canonical(said))})


async def _as_of(session: AsyncSession, end: datetime) -> list[TaskChanged]:
    """Read how every task stood before an instant, from its history."""
    latest = (
        select(TaskHistory.stood)
        .where(TaskHistory.at < end)
        .distinct(TaskHistory.task_id)
        .order_by(TaskHistory.task_id, TaskHistory.number.desc())
    )
    tasks = [TaskChanged.model_validate(stood) for stood in await session.scalars(latest)]
    return sorted(tasks, key=lambda task: (task.measure or 100, task.series or task.task_id,
                                           task.period or "", task.task_id))  # fmt: skip


async def _evidence(session: AsyncSession, end: datetime) -> dict[str, list[str]]:
    statement = select(TaskEvidence).where(TaskEvidence.added_at < end).order_by(TaskEvidence.id)
    found: dict[str, list[str]] = defaultdict(list)
    for row in await session.scalars(statement):
        reference = row.document or f"{row.url}（SHA-256 {row.sha256}）"
        found[row.task_id].append(f"{row.title}：{reference}")
    return found


async def _rules(session: AsyncSession, on: date) -> list[RuleLine]:
    decisions = await known_decisions(session)
    found: list[RuleLine] = []
    for name in PARAMETERS.values():
        entry = library().parameters[name]
        dated = in_force(entry, decisions, on)
        if dated is not None and isinstance(dated.value, int):
            found.append(
                RuleLine(
                    parameter=name, title=entry.zh, value=dated.value, source=dated.source,
                    reading=dated.reading,
                )
            )  # fmt: skip
    return found


def _tally(lines: Sequence[Line], month: Period) -> TallyView:
    return TallyView.model_validate(asdict(rules.tally(lines, month)))


def _by_measure(lines: Sequence[Line], month: Period) -> list[MeasureTally]:
    titles = {each.number: each.heading for each in library().measures if each.number is not None}
    numbers = sorted(titles)
    keys: list[int | None] = [*numbers, None]
    return [
        MeasureTally(
            measure=key, title="其他任务" if key is None else titles[key],
            **asdict(rules.tally(of_key, month)),
        )
        for key, of_key in rules.grouped(lines, keys, lambda task: task.measure)
        if key is not None or of_key
    ]  # fmt: skip


def _by_department(lines: Sequence[Line], month: Period) -> list[DepartmentTally]:
    codes = sorted({line.task.lead for line in lines})
    return [
        DepartmentTally(department=department(code), **asdict(rules.tally(of_code, month)))
        for code, of_code in rules.grouped(lines, codes, lambda task: task.lead)
    ]


def _line(line: Line, proofs: list[str]) -> ReportLine:
    task = line.task
    return ReportLine(
        task=task.task_id, measure=task.measure, title=task.title, period=task.period,
        lead=department(task.lead), support=[department(code) for code in task.support],
        due_on=task.due_on, state=line.at.state, progress_bp=line.at.effective_bp,
        reported_on=task.reported_on, overdue=line.overdue, risks=list(line.risks),
        evidence=proofs, synthetic=task.synthetic,
    )  # fmt: skip
