"""Writing a report as a file; a further format is one more writer."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.kernel.exports import Format, Sheet, workbook_bytes
from services.policy.documents.actions.typeset import typesetter_of
from services.policy.task_reports.schemas import ReportLine, TallyView, TaskReport
from services.policy.tasks.rules import RISK_NAMES, STATE_NAMES

_COUNTS = (
    ("tasks", "任务数"), ("accepted", "已验收"), ("done", "待验收"),
    ("finished_in_month", "本月完成"), ("overdue", "逾期"), ("at_risk", "有风险"),
    ("blocked", "受阻"), ("progress_bp", "平均进度（万分之一）"), ("evidence", "凭证数"),
)  # fmt: skip
_COUNT_TITLES = tuple(title for _, title in _COUNTS)
_TASK_TITLES = (
    "任务", "措施", "名称", "期次", "牵头部门", "配合部门", "完成时限", "状态", "进度（万分之一）",
    "最近报告", "是否逾期", "风险", "办结凭证", "示范数据",
)  # fmt: skip


def workbook(report: TaskReport) -> bytes:
    """Write the report as XLSX; the same report gives the same bytes."""
    measures = [[each.measure, each.title, *_counts(each)] for each in report.measures]
    offices = [[each.department.name, *_counts(each)] for each in report.departments]
    sheets = (
        Sheet("说明", ("项目", "内容", "依据"), _about(report)),
        Sheet("按措施", ("措施", "名称", *_COUNT_TITLES), measures),
        Sheet("按部门", ("牵头部门", *_COUNT_TITLES), offices),
        Sheet("任务", _TASK_TITLES, [_task(each) for each in report.tasks]),
    )
    return workbook_bytes(sheets, created=datetime.combine(report.on, time.min, tzinfo=UTC))


def _about(report: TaskReport) -> list[Sequence[Any]]:
    whole = "全部部门" if report.department is None else report.department.name
    state = "当日已结束" if report.complete else "当日尚未结束，数据可能变化"
    return [
        ("月份", report.month, None),
        ("截至", report.on, state),
        ("范围", whole, None),
        *(
            (each.title, each.value, each.source + ("（平台理解）" if each.reading else ""))
            for each in report.rules
        ),
        *((title, getattr(report.total, name), "合计") for name, title in _COUNTS),
        ("SHA-256", report.sha256, None),
    ]


def _counts(counted: TallyView) -> list[int | None]:
    return [getattr(counted, name) for name, _ in _COUNTS]


def _task(line: Any) -> Sequence[Any]:
    return (
        line.task, line.measure, line.title, line.period, line.lead.name,
        "、".join(each.name for each in line.support), line.due_on, STATE_NAMES[line.state][0],
        line.progress_bp, line.reported_on, "是" if line.overdue else "否",
        "、".join(RISK_NAMES[each][0] for each in line.risks), "；".join(line.evidence),
        "示范数据（合成）" if line.synthetic else None,
    )  # fmt: skip


def pages(report: TaskReport) -> dict[str, Any]:
    """Write what the template shows of a report: every cell as the text that is read."""
    whole = "全部部门" if report.department is None else report.department.name
    year, _, month = report.month.partition("-")
    state = "" if report.complete else "（当日尚未结束，数据可能变化）"
    return {
        "title": f"“两新”任务{year}年{int(month)}月月报",
        "author": whole,
        "scope": f"范围：{whole}；截至{report.on}{state}",
        "about": [[_text(cell) for cell in row] for row in _about(report)[3:-1]],
        "counts": list(_COUNT_TITLES),
        "measures": [
            [_text(each.measure), each.title, *map(_text, _counts(each))]
            for each in report.measures
        ],
        "departments": [
            [each.department.name, *map(_text, _counts(each))] for each in report.departments
        ],
        "tasks": [_task_cells(each) for each in report.tasks],
        "sha256": report.sha256,
    }


def _task_cells(line: ReportLine) -> list[str]:
    late = ["逾期"] if line.overdue else [RISK_NAMES[each][0] for each in line.risks]
    title = f"{line.title}（示范数据）" if line.synthetic else line.title
    progress = f"{line.progress_bp // 100}.{line.progress_bp % 100:02}%"
    return [
        _text(line.measure), title, _text(line.period), line.lead.name, _text(line.due_on),
        STATE_NAMES[line.state][0], progress, _text(line.reported_on), "、".join(late) or "—",
        "；".join(line.evidence) or "—",
    ]  # fmt: skip


def _text(value: Any) -> str:
    """Write a cell; what is not known is a dash and no number."""
    return "—" if value is None else str(value)


async def write(session: AsyncSession, report: TaskReport, wanted: Format) -> bytes:
    """Write a report as the file that was asked for; the same report gives the same bytes."""
    at = datetime.combine(report.on, time.min, tzinfo=UTC)
    if wanted is Format.PDF:
        return await typesetter_of(session).typeset("task_report.typ", pages(report), at=at)
    return await asyncio.to_thread(workbook, report)


# What `Accept` may ask for instead of JSON.
OFFERED = (Format.XLSX, Format.PDF)
