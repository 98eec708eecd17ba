from datetime import date

from pydantic import BaseModel, Field

from services.policy.plan.schemas import DepartmentView
from services.policy.tasks.rules import Risk, TaskState


class TallyView(BaseModel):
    """Counts of a measure or department; `progress_bp` is null where there is no task."""

    tasks: int = Field(description="Without series, which are their instances, and cancelled ones")
    accepted: int
    done: int = Field(description="Finished and not accepted yet")
    finished_in_month: int
    overdue: int
    at_risk: int
    blocked: int
    progress_bp: int | None
    evidence: int


class MeasureTally(TallyView):
    measure: int | None = Field(description="Null: tasks of no measure")
    title: str


class DepartmentTally(TallyView):
    department: DepartmentView


class ReportLine(BaseModel):
    task: str
    measure: int | None
    title: str
    period: str | None
    lead: DepartmentView
    support: list[DepartmentView]
    due_on: date | None
    state: TaskState
    progress_bp: int
    reported_on: date | None
    overdue: bool
    risks: list[Risk]
    evidence: list[str]
    synthetic: bool


class RuleLine(BaseModel):
    """A number that the report judges by, with where it is from."""

    parameter: str
    title: str
    value: int
    source: str
    reading: bool


class TaskReport(BaseModel):
    """The board as it stood at the end of a day; the same day gives the same report."""

    month: str
    on: date
    complete: bool = Field(description="False while the day still runs")
    department: DepartmentView | None = Field(description="Null: of every department")
    rules: list[RuleLine]
    total: TallyView
    measures: list[MeasureTally]
    departments: list[DepartmentTally]
    tasks: list[ReportLine]
    sha256: str = Field(description="Of everything else in this report, written canonically")
