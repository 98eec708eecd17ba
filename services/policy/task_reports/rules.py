"""The report on plain values: how each task stood on a day, and what that comes to."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from services.kernel.errors import FieldFault, invalid_field
from services.policy.contract.events import TaskChanged
from services.policy.tasks.rules import (
    FINISHED,
    BoardRule,
    Every,
    Period,
    Progress,
    Risk,
    TaskState,
    is_overdue,
    period_of,
    risks,
)

_MONTH = re.compile(r"(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)
KeyT = TypeVar("KeyT")


@dataclass(frozen=True)
class Line:
    """One task as it stood at the end of the day."""

    task: TaskChanged
    at: Progress
    overdue: bool
    risks: tuple[Risk, ...]


@dataclass(frozen=True)
class Tally:
    """What the tasks of a measure or department come to; no progress where there is no task."""

    tasks: int
    accepted: int
    done: int
    finished_in_month: int
    overdue: int
    at_risk: int
    blocked: int
    progress_bp: int | None
    evidence: int


def require_month(text: object) -> str:
    """Take YYYY-MM and nothing else."""
    if not isinstance(text, str) or not _MONTH.fullmatch(text):
        raise FieldFault("month-format", "月份须为YYYY-MM。", "The month must be YYYY-MM.")
    return text


def month_of(text: str) -> Period:
    return period_of(Every.MONTH, date.fromisoformat(f"{text}-01"))


def day_of(month: Period, on: date | None, today: date) -> date:
    """Give the day as of which a month is told: its last, or today while it lasts."""
    if month.first > today:
        raise invalid_field(
            "/month", "month-not-begun", "该月尚未开始，没有可报告的内容。",
            "The month has not begun; there is nothing to report.",
        )  # fmt: skip
    last = min(month.last, today)
    if on is not None and not month.first <= on <= last:
        raise invalid_field(
            "/on", "day-outside-month", f"日期须在{month.first}与{last}之间。",
            f"The day must be between {month.first} and {last}.",
        )  # fmt: skip
    return on or last


def line_of(task: TaskChanged, rule: BoardRule, on: date) -> Line:
    at = Progress(
        TaskState(task.state), task.begins_on, task.due_on, task.reported_on, task.progress_bp
    )
    return Line(task, at, is_overdue(at, on), tuple(risks(at, rule, on)))


def counts(line: Line) -> bool:
    """Tell whether a task is work to be counted: a series is its instances, cancelled is none."""
    return line.at.state not in (TaskState.RECURRING, TaskState.CANCELLED)


def tally(lines: Iterable[Line], month: Period) -> Tally:
    """Count; the mean progress is rounded down to a basis point."""
    counted = [line for line in lines if counts(line)]

    def those(holds: Callable[[Line], bool]) -> int:
        return sum(1 for line in counted if holds(line))

    return Tally(
        tasks=len(counted),
        accepted=those(lambda line: line.at.state is TaskState.ACCEPTED),
        done=those(lambda line: line.at.state is TaskState.DONE),
        finished_in_month=those(lambda line: _finished_in(line, month)),
        overdue=those(lambda line: line.overdue),
        at_risk=those(lambda line: bool(line.risks)),
        blocked=those(lambda line: line.at.state is TaskState.BLOCKED),
        progress_bp=(
            sum(line.at.effective_bp for line in counted) // len(counted) if counted else None
        ),
        evidence=sum(line.task.evidence_count for line in counted),
    )


def grouped(
    lines: Sequence[Line], keys: Iterable[KeyT], key: Callable[[TaskChanged], KeyT]
) -> list[tuple[KeyT, list[Line]]]:
    """Put the lines under their measure or department, in the order given."""
    return [(each, [line for line in lines if key(line.task) == each]) for each in keys]


def end_of(day: date) -> date:
    """Give the day whose beginning is the end of this one."""
    return day + timedelta(days=1)


def _finished_in(line: Line, month: Period) -> bool:
    finished = line.task.finished_on
    return (
        line.at.state in FINISHED and finished is not None and month.first <= finished <= month.last
    )
