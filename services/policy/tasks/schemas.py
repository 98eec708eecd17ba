from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from services.kernel.days import Day
from services.policy.plan.schemas import DepartmentView
from services.policy.tasks.rules import (
    FULL_BP,
    Alert,
    Every,
    Origin,
    Risk,
    TaskEvent,
    TaskState,
)

WORKING_DAYS_MAX = 750
SUPPORT_MAX = 20
Title = Annotated[str, Field(min_length=1, max_length=200)]
Prose = Annotated[str, Field(min_length=1, max_length=2000)]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="A department's code")]
Support = Annotated[list[Code], Field(max_length=SUPPORT_MAX)]
Version = Annotated[int, Field(strict=True, ge=1)]
WorkingDays = Annotated[int, Field(strict=True, ge=1, le=WORKING_DAYS_MAX)]
TASK_EXAMPLE: dict[str, JsonValue] = {
    "measure": 25,
    "title": "提出政府性基金整合方案",
    "lead": "czj",
    "support": ["jrb"],
    "working_days": 20,
    "done_when": "整合方案已报联席会议审议，附会议纪要",
    "source": "措施（二十五）“基金整合”",
}


class DueBody(BaseModel):
    """By when: a day, or working days counted from today; what is left out is left open."""

    model_config = ConfigDict(extra="forbid")

    due_on: Day | None = None
    working_days: WorkingDays | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "DueBody":
        if self.due_on is not None and self.working_days is not None:
            raise PydanticCustomError("bad-value", "either `due_on` or `working_days`")
        return self


class NewTask(DueBody):
    """A task of a department; the office may give one to any department."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [TASK_EXAMPLE]})

    measure: Annotated[int, Field(strict=True, ge=1, le=99)] | None = None
    title: Title
    title_en: Title | None = None
    lead: Code
    support: Support = []
    every: Every | None = None
    done_when: Prose
    source: Prose
    synthetic: bool = False


class TaskPatch(BaseModel):
    """Words of a task that is not the plan's."""

    model_config = ConfigDict(extra="forbid")

    title: Title | None = None
    title_en: Title | None = None
    done_when: Prose | None = None
    source: Prose | None = None


class NoData(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReportData(BaseModel):
    """How far the work is; a supporting department may leave that to the lead."""

    model_config = ConfigDict(extra="forbid")

    progress_bp: Annotated[int, Field(strict=True, ge=0, le=FULL_BP)] | None = None


class EvidenceData(BaseModel):
    """A proof: a document by its number, or an address with the SHA-256 of what lies there."""

    model_config = ConfigDict(extra="forbid")

    title: Title
    document: Title | None = None
    url: (
        Annotated[str, Field(max_length=1000, pattern=r"^https?://[^\s\x00-\x1f<>\"]{3,}$")] | None
    ) = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> "EvidenceData":
        if self.document is None and self.url is None:
            raise PydanticCustomError("bad-value", "`document` or `url`")
        if self.url is not None and self.sha256 is None:
            raise PydanticCustomError("bad-value", "`sha256` of what lies at `url`")
        return self


class ScheduleData(DueBody):
    """A day, or an interval that makes the task a series; `every: null` ends the series."""

    every: Every | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ScheduleData":
        if not self.model_fields_set:
            raise PydanticCustomError("bad-value", "`due_on`, `working_days` or `every`")
        return self


class AssignData(BaseModel):
    """Who leads and who supports from now on."""

    model_config = ConfigDict(extra="forbid")

    lead: Code
    support: Support = []


class TaskDeed(BaseModel):
    """An event of a task. `version` is the version that the caller has seen."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "event": "report", "version": 2, "note": "方案初稿已征求意见",
                    "data": {"progress_bp": 4000},
                }
            ]
        },
    )  # fmt: skip

    event: TaskEvent
    version: Version
    note: Annotated[str, Field(max_length=2000)] = ""
    data: dict[str, Any] = Field(
        default_factory=dict[str, Any],
        description="report: `progress_bp`; attach: `title`, `document` or `url` with `sha256`;"
        " schedule: `due_on`, `working_days` or `every`; assign: `lead`, `support`",
    )


class PlanTaskView(BaseModel):
    """Work that a measure asks of departments; what the clause does not say is null."""

    id: str
    measure: int | None
    title: str
    title_en: str | None
    lead: DepartmentView
    support: list[DepartmentView]
    provisional: bool = Field(description="The departments are not assigned by the city yet")
    due_on: date | None
    every: Every | None
    done_when: str
    source: str


class EvidenceView(BaseModel):
    id: UUID
    title: str
    document: str | None
    url: str | None
    sha256: str | None
    department: str
    added_at: datetime


class TaskView(PlanTaskView):
    """A task as it stands on the board, to those who work on it, direct it or audit it."""

    origin: Origin
    in_plan: bool = Field(description="False once a release no longer has it in the plan")
    series: str | None = Field(description="The recurring task that this is an instance of")
    period: str | None = Field(examples=["2026", "2026-Q4", "2026-H2", "2026-11"])
    meeting: UUID | None
    decision: int | None
    begins_on: date
    due_provisional: bool = Field(description="Counted over a year whose holidays are not known")
    state: TaskState
    progress_bp: int
    reported_on: date | None
    evidence_count: int
    overdue: bool
    risks: list[Risk]
    alert: Alert
    finished_on: date | None
    version: int
    synthetic: bool
    allowed_events: list[TaskEvent]


class TaskFile(TaskView):
    """One task whole, with its proofs; `plan_text` is what the plan itself says."""

    plan_text: PlanTaskView | None
    evidence: list[EvidenceView]


class TaskList(BaseModel):
    items: list[TaskView | PlanTaskView]
    next_cursor: str | None = None


class TaskHistoryEntry(BaseModel):
    number: int
    at: datetime
    event: str
    from_state: str | None
    to_state: str
    role: str
    department: str | None
    actor: str
    note: str
    data: dict[str, Any]


class TaskHistoryList(BaseModel):
    items: list[TaskHistoryEntry]
    next_cursor: str | None = None
